"""What the columns of an imported table become: scores of the registry, or scores of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from influence_core.config import CustomScore
from influence_core.data.findings import Report, listed
from influence_core.errors import ConfigError, rule
from influence_core.scores.registry import SCORES, End
from influence_core.store.columns import NEVER_LEARNT

_TAKEN = {
    *("row", "id", "text", "text_pair", "label", "split"),
    *("predicted", "p_true", "confidence", "correct", NEVER_LEARNT, "file_row_number", "filename"),
}
"""Names that other columns of a run have; a score of such a name is kept as `<name>_score`."""

_SUFFIXES = ("_class_norm", "_dataset_norm", "_rank", "_spread")
_LONGEST = 64


@dataclass(frozen=True)
class Incoming:
    """A column of the imported table and the score that it becomes."""

    column: str
    key: str
    hard: End
    custom: CustomScore | None = None


def derived(columns: Iterable[str]) -> set[str]:
    """Return the columns that follow from others: ranks and z-scores are computed anew.

    >>> sorted(derived(["vog", "vog_rank", "page_rank"]))
    ['vog_rank']
    """
    names = set(columns)
    return {
        name
        for name in names
        for suffix in _SUFFIXES
        if name.endswith(suffix) and name.removesuffix(suffix) in names
    }


def incoming(columns: Sequence[str], hard: Sequence[str], report: Report) -> list[Incoming]:
    """Return the scores that the columns become; what is unclear becomes an error in the report.

    A column called as a key of the registry takes its entry; any other is a score of its own, whose
    hard end `hard` tells.

    Raises:
        ConfigError: `hard` cannot be read.
    """
    usual, ends = ends_of(hard)
    unknown = [name for name in ends if name not in columns]
    if unknown:
        report.error("hard", f"'hard' must name imported columns; got {listed(unknown)}.")
    found = [_score(name, ends, usual, report) for name in columns]
    _report_clashes(found, report)
    return found


def ends_of(hard: Sequence[str]) -> tuple[End, Mapping[str, End]]:
    """Take `low` and `column=low` apart: the usual hard end, and those of single columns.

    Raises:
        ConfigError: a word is neither.
    """
    usual: End = "high"
    ends: dict[str, End] = {}
    for word in hard:
        name, _, end = word.rpartition("=")
        if end not in ("high", "low"):
            raise ConfigError(rule("hard", "be 'high', 'low', or 'column=low'", word))
        known: End = "low" if end == "low" else "high"
        if name:
            ends[name] = known
        else:
            usual = known
    return usual, ends


def _score(name: str, ends: Mapping[str, End], usual: End, report: Report) -> Incoming:
    entry = SCORES.get(name.lower())
    if entry is None:
        key, end = _key(name), ends.get(name, usual)
        return Incoming(name, key, end, CustomScore(key=key, column=name, hard=end))
    if ends.get(name, entry.hard) != entry.hard:
        report.error(
            "hard",
            f"The hard end of {entry.label} is {entry.hard!r}; got {ends[name]!r} for column "
            f"{name!r}. Rename the column if it is another score.",
        )
    return Incoming(name, entry.key, entry.hard)


def _key(name: str) -> str:
    """Return a name that columns, addresses and options can carry.

    >>> _key("My score (v2)"), _key("label")
    ('My_score_v2', 'label_score')
    """
    key = re.sub(r"[^\w.-]+", "_", name).strip("_.-")[:_LONGEST] or "score"
    return f"{key}_score" if key.lower() in _TAKEN else key


def _report_clashes(found: Sequence[Incoming], report: Report) -> None:
    """Report columns that would share a name in `scores.parquet`, where case does not tell."""
    owners: dict[str, str] = {}
    for score in found:
        for name in (score.key, *(f"{score.key}{suffix}" for suffix in _SUFFIXES)):
            other = owners.setdefault(name.lower(), score.column)
            if other != score.column:
                report.error(
                    "columns",
                    f"Columns {other!r} and {score.column!r} would both become {name!r}; rename "
                    "one, or name the columns to import as 'scores'.",
                )
