"""`influence retention`."""

from __future__ import annotations

import pytest

from influence_core.selection.retention import retention_of
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.run import Run
from tests.cli.conftest import Influence


class TestRetention:
    @pytest.mark.parametrize("by", ["label", "domain", "source", "length"])
    def test_the_counts_are_those_of_the_selection(
        self, influence: Influence, small_run: Run, by: str
    ) -> None:
        options = ("--fraction", "0.5", "--score", "el2n", "--by", by)
        facts = influence("retention", "small", *options, "--json").json
        assert isinstance(facts, dict)
        kept = select(small_run, SelectionSettings(fraction=0.5, score="el2n")).kept
        expected = retention_of(small_run, kept, by)
        assert [group["kept"] for group in facts["groups"]] == expected["kept"].tolist()
        assert (facts["by"], facts["settings"]["fraction"]) == (by, 0.5)

    def test_people_see_the_groups_that_lose_most_first(
        self, influence: Influence, small_run: Run
    ) -> None:
        said = influence("retention", "small", "--normalise", "dataset", "--by", "domain").out
        first, head, *groups, total = said.splitlines()
        assert first.startswith("fraction 0.3, strategy cutoff")
        assert head.split()[0] == "domain"
        shares = [float(line.split()[4].rstrip("%")) for line in groups]
        assert shares == sorted(shares)
        before = sum(int(line.split()[1]) for line in groups)
        assert total.startswith(f"{before - round(0.3 * before)} of {before} training rows")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--by", "vog"), "'column' must be one of 'label', 'domain', 'source', 'frequency'"),
            (("--score", "ghost"), "'score' must be one of"),
        ],
    )
    def test_what_cannot_be_told_is_refused(
        self, influence: Influence, small_run: Run, options: tuple[str, ...], message: str
    ) -> None:
        answer = influence("retention", "small", *options)
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err
