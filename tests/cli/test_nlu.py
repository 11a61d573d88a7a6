"""`influence nlu`: stacks from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from influence_core.nlu.experiment import open_stacks
from influence_core.store.run import Run
from tests.cli.conftest import Influence
from tests.nlu.composed import ALONE, compose
from tests.nlu.pretended import pretend
from tests.nlu.sentences import scored

GRID = ("--techniques", "random,vog-dataset", "--fractions", "0.4", "--seeds", "2", "--epochs", "3")


@pytest.fixture
def assistant(runs_root: Path) -> Run:
    """A run whose labels are the domains of invented sentences."""
    return scored(runs_root, "assistant")


def test_people_see_rates_changes_and_the_paper_s(influence: Influence, assistant: Run) -> None:
    answer = influence("nlu", "assistant", *GRID, "--domains", "--paper")
    assert answer.code == 0, answer.err
    assert "estimated with probe, equal steps" in answer.out
    assert answer.out.index("overall") < answer.out.index("weather")
    assert "nan" not in answer.out
    assert "the paper's figures" in answer.out
    assert "-11.7" in answer.out
    assert "Health & Fitness" in answer.out
    assert len(list(open_stacks(assistant, "stack").outcomes())) == 2 + 2 * 2


def test_domains_are_told_by_what_they_are_made_of(influence: Influence, small_run: Run) -> None:
    names = compose(small_run).manifest().dataset.label_names
    pretend(small_run, ALONE)
    again = ("nlu", "small", "--name", "guessed", "--resume")
    answer = influence(*again, "--domains", "--paper")
    assert answer.code == 0, answer.err
    lines = [line.split() for line in answer.out.splitlines()]
    first = ["8", "26.7%", "75.0%", "25.0%", "2", "1.00", "1.00", "+2.50", "+3.50", "+3.50", "2.29"]
    assert [names[0], *first, "intents", "and", "slots"] in lines
    assert [names[4], "4", "13.3%", "100.0%", "0.0%", "4", "2.00", "0.00", *_FEW] in lines
    assert [names[5], "0", "0.0%", "0", *_FEW] in lines
    music = ["18%", "11%", "1.5", "14.8", "-0.35", "-0.34", "+0.10", "1.27"]
    assert ["Music", *music] in lines
    assert "nan" not in answer.out
    assert "its training rows are like" not in influence(*again).out
    facts = influence(*again, "--json").json
    told = {one["domain"]: one for one in facts["composition"]}
    assert told[names[0]]["sources"] == {"human": 0.75, "synthetic": 0.25}
    assert told[names[3]]["models"] == "one intent, no slots"
    assert told[names[5]]["median_dataset"] is None


_FEW = ["too", "few", "rows"]


def test_scripts_get_json_and_it_is_resumed(influence: Influence, assistant: Run) -> None:
    facts = influence("nlu", "assistant", *GRID, "--name", "first", "--json").json
    assert isinstance(facts, dict)
    assert facts["status"] == "complete"
    assert facts["whole"][0]["domain"] is None
    assert {one["technique"] for one in facts["changes"]} == {"random", "vog-dataset"}
    again = influence("nlu", "assistant", "--name", "first", "--resume", "--json").json
    assert again["stacks"] == facts["stacks"]


def test_rows_of_one_source_go_and_findings_are_told_by_source(
    influence: Influence, assistant: Run
) -> None:
    only = ("--prune-only", "traffic", "--name", "first")
    answer = influence("nlu", "assistant", *GRID, *only, "--by-source")
    assert answer.code == 0, answer.err
    assert "only rows of 'traffic' go, 160 of the 240 for training" in answer.out
    assert "160  66.7%" in answer.out
    assert "VoG of training rows" in answer.out
    assert "nan" not in answer.out
    for one in open_stacks(assistant, "first").outcomes():
        assert sum(one.rows.values()) == 240 - round(one.cell.fraction * 160)
    facts = influence("nlu", "assistant", "--name", "first", "--resume", "--json").json
    assert facts["settings"]["prune_only"] == "traffic"
    assert facts["sources"][0] == {
        "domain": None,
        "source": "traffic",
        "rows": 160,
        "share": 160 / 240,
    }
    assert [one["rows"] for one in facts["vog_by_source"]] == [240, 160, 80]
    assert [one["rows"] for one in facts["whole_by_source"]] == [60, 40, 20]
    assert len(facts["changes_by_source"]) == 2 * 2


def test_a_source_that_is_not_there_is_refused(influence: Influence, assistant: Run) -> None:
    answer = influence("nlu", "assistant", "--prune-only", "live")
    assert answer.code == 2
    told = "'prune_only' must be a source of training rows (traffic, synthetic); got 'live'"
    assert told in answer.err
    assert not (assistant.path / "nlu").exists()


def test_data_without_sources_are_told_to_have_none(influence: Influence, runs_root: Path) -> None:
    scored(runs_root, "plain", source=None)
    grid = ("--techniques", "random", "--fractions", "0.4", "--seeds", "1", "--epochs", "1")
    answer = influence("nlu", "plain", *grid, "--by-source")
    assert answer.code == 0, answer.err
    assert "the data have no column of sources" in answer.out


def test_data_without_intents_are_refused(influence: Influence, assistant: Run) -> None:
    answer = influence("nlu", "assistant", "--intent", "purpose")
    assert answer.code == 2
    assert "'intent' must be a column of the data" in answer.err
    assert not (assistant.path / "nlu").exists()


def test_two_kinds_of_stacks_are_compared_and_rows_without_a_domain_counted(
    influence: Influence, assistant: Run
) -> None:
    asked = ("--out-of-scope", "--compare", "vog-dataset@0.4,full", "--threshold", "0.6")
    answer = influence("nlu", "assistant", *GRID, *asked)
    assert answer.code == 0, answer.err
    assert "rows that find no domain of a probability above 60%" in answer.out
    assert "vog-dataset 40%, against all rows: first minus second" in answer.out
    facts = influence("nlu", "assistant", "--name", "stack", "--resume", *asked[1:], "--json").json
    assert isinstance(facts, dict)
    overall = facts["scope"][0]
    assert (overall["domain"], overall["fraction"], overall["rejected_change"]) == (None, 0, 0)
    gap = next(one for one in facts["compared"] if one["metric"] == "unrecoverable")
    assert gap["part"] == "all"
    assert gap["second"] == pytest.approx(overall["unrecoverable"])
    domains = {one["part"] for one in facts["compared"]}
    assert {"home", "music", "weather"} <= domains


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--compare", "full", "'compare' must name two of 'full' and TECHNIQUE@FRACTION"),
        ("--compare", "full,luck@0.4", "'compare' must name two"),
        ("--compare", "full,random@half", "'compare' must name two"),
        ("--threshold", "1.5", "'threshold' must be at least 0 and below 1; got 1.5"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_trained(
    influence: Influence, assistant: Run, option: str, value: str, rule: str
) -> None:
    answer = influence("nlu", "assistant", option, value)
    assert answer.code == 2
    assert rule in answer.err
    assert not (assistant.path / "nlu").exists()


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (("--compare", "full,stratified@0.4"), "'second' must be a technique and a fraction of it"),
        (("--compare", "full,random@0.4", "--frequency", "text"), "must be a column of numbers"),
        (("--frequency", "text"), "'frequency' must come with --compare"),
    ],
)
def test_what_is_not_there_to_be_compared_is_refused_before_anything_is_trained(
    influence: Influence, assistant: Run, asked: tuple[str, ...], rule: str
) -> None:
    answer = influence("nlu", "assistant", *GRID, *asked)
    assert answer.code == 2
    assert rule in answer.err
    assert not (assistant.path / "nlu").exists()
