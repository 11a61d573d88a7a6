"""The table of scores says everything about every score."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from influence_core.errors import ScoreError
from influence_core.scores.registry import SCORES, ScoreSpec, resolve, spec

FACTS = (
    "gloss",
    "summary",
    "formula",
    "shape",
    "unit",
    "minimum",
    "maximum",
    "hard",
    "suspicious",
    "cost",
    "reference",
)


@pytest.mark.parametrize("fact", FACTS)
def test_an_entry_cannot_leave_a_fact_out(fact: str) -> None:
    facts = asdict(SCORES["vog"])
    del facts[fact]
    with pytest.raises(TypeError, match=f"'{fact}'"):
        ScoreSpec(**facts)


@pytest.mark.parametrize("entry", SCORES.values(), ids=list(SCORES))
def test_an_entry_is_complete(entry: ScoreSpec) -> None:
    words = [getattr(entry, field.name) for field in fields(entry) if field.type == "str"]
    assert len(words) == 9
    assert all(word == word.strip() and len(word) > 2 for word in words)
    assert entry.shape.endswith(" → (rows,)")
    assert entry.hard in ("high", "low")
    assert entry.suspicious in ("high", "low", None)
    assert entry.minimum is None or entry.maximum is None or entry.minimum < entry.maximum
    assert entry.modes
    assert any(year in entry.reference for year in map(str, range(1990, 2027)))


def test_wrong_labels_never_gather_at_the_easy_end() -> None:
    assert all(entry.suspicious in (None, entry.hard) for entry in SCORES.values())


def test_scores_come_in_the_order_of_the_table_and_once() -> None:
    found = resolve(["aum", "vog", "aum"], "probe")
    assert [entry.key for entry in found] == ["vog", "aum"]


def test_an_unknown_score_is_told_with_the_known_ones() -> None:
    with pytest.raises(ScoreError, match="no score 'nonsense'; the scores are vog"):
        spec("nonsense")
