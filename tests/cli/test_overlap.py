"""`influence overlap`."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.selection.select import SelectionSettings, select
from influence_core.store.run import Run
from tests.cli.conftest import Influence


class TestOverlap:
    def test_the_counts_are_those_of_the_selections(
        self, influence: Influence, small_run: Run
    ) -> None:
        options = ("--fraction", "0.45", "--with-score", "el2n", "--with-prune", "hard")
        facts = influence("overlap", "small", *options, "--json").json
        assert isinstance(facts, dict)
        first = select(small_run, SelectionSettings(fraction=0.45)).kept
        other = SelectionSettings(fraction=0.45, score="el2n", prune="hard")
        second = select(small_run, other).kept
        kept = facts["kept"]
        assert kept["both"] == len(np.intersect1d(first, second))
        assert kept["only_first"] == len(np.setdiff1d(first, second))
        assert kept["only_second"] == len(np.setdiff1d(second, first))
        assert facts["second"]["fraction"] == 0.45

    def test_people_see_both_subsets_and_chance(self, influence: Influence, small_run: Run) -> None:
        said = influence("overlap", "small", "--floor", "2", "--with-strategy", "random").out
        assert (
            "fraction 0.3, strategy cutoff, prune easy, score vog, normalise class, floor 2" in said
        )
        assert "second   fraction 0.3, strategy random, floor 2" in said
        kept, dropped, total = said.splitlines()[-3:]
        assert (kept.split()[0], dropped.split()[0]) == ("kept", "dropped")
        assert total.endswith("training rows")

    def test_a_switch_can_be_off_in_the_second(self, influence: Influence, small_run: Run) -> None:
        options = ("--per-class", "--no-with-per-class")
        facts = influence("overlap", "small", *options, "--json").json
        assert isinstance(facts, dict)
        assert [facts[one]["per_class"] for one in ("first", "second")] == [True, False]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ((), "say in what it differs by an option"),
            (("--with-fraction", "1"), "'with_fraction' must be less than 1"),
            (("--with-score", "grand"), "'score' must be one of"),
        ],
    )
    def test_what_cannot_be_compared_is_told(
        self, influence: Influence, small_run: Run, options: tuple[str, ...], message: str
    ) -> None:
        answer = influence("overlap", "small", *options)
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err
