"""`influence prune`, in this process and in the background."""

from __future__ import annotations

import time

import pytest

from influence_core import jobs
from influence_core.pruning.experiment import Experiment, open_experiment
from influence_core.pruning.figures import Findings
from influence_core.pruning.measure import plan_pruning
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import Run
from tests.cli.conftest import Influence

PATIENCE = 180.0
GRID = ("--scores", "el2n", "--fractions", "0.3,0.6", "--seeds", "2", "--epochs", "2")


def test_people_see_the_curves_and_what_to_do(influence: Influence, probed: Run) -> None:
    answer = influence("prune", probed.name, *GRID)
    assert answer.code == 0, answer.err
    assert "estimated with probe, equal steps" in answer.out
    assert "el2n-class-easy" in answer.out
    assert "safe fraction" in answer.out or "may go" in answer.out
    assert len(list(open_experiment(probed, "pruning").outcomes())) == 2 + 3 * 2 * 2


def test_scripts_get_json(influence: Influence, probed: Run) -> None:
    facts = influence("prune", probed.name, *GRID, "--name", "first", "--json").json
    assert isinstance(facts, dict)
    assert facts["status"] == "complete"
    assert facts["settings"]["fractions"] == [0.3, 0.6]
    assert {"curve", "fraction", "accuracy", "sigma_std"} <= set(facts["curves"][0])
    assert [one["curve"] for one in facts["recommendations"]] == [
        "el2n-class-easy",
        "el2n-class-hard",
        "random",
    ]


def test_it_says_what_pruning_saves_and_how_certain_it_is(
    influence: Influence, probed: Run
) -> None:
    grid = (*GRID, "--equal", "epochs", "--price", "36000")
    answer = influence("prune", probed.name, *grid, "--differences")
    assert answer.code == 0, answer.err
    assert "at 36000 an hour" in answer.out
    assert "95% interval" in answer.out
    assert ": worst class " in answer.out
    assert "cost saved" in answer.out
    figures = answer.out.split("  el2n-class-easy")[0]
    assert max(map(len, figures.splitlines())) <= 100
    again = ("--resume", "--name", "pruning", "--price", "36000", "--json")
    facts = influence("prune", probed.name, *again).json
    assert all(one["saved"] == pytest.approx(10 * one["seconds_saved"]) for one in facts["curves"])
    against = [one["against"] for one in facts["comparisons"] if one["curve"] != "random"]
    assert against == ["random", "full"] * 4
    assert facts["recommendations"][0]["worst_class"]["rows"] >= 5


def test_equal_steps_save_nothing_and_one_seed_has_no_spread(
    influence: Influence, probed: Run
) -> None:
    grid = ("--scores", "el2n", "--fractions", "0.3", "--seeds", "1", "--epochs", "1")
    said = influence(
        "prune", probed.name, *grid, "--price", "2", "--floor", "2", "--classes", "--differences"
    ).out
    assert "at 2 an hour pruning saves nothing: equal steps cost the same" in said
    assert "nan" not in said
    assert "McNemar p" in said
    assert "One seed: the interval is over other test rows only" in said
    assert "Curves of scores have a floor of 2 rows a class; random and stratified ones" in said
    classes = said.split("classes that lose and gain most")[1].splitlines()[2:8]
    changes = [int(line.split()[-1]) for line in classes]
    assert changes == sorted(changes)


def test_recalls_are_those_of_the_findings(influence: Influence, probed: Run) -> None:
    facts = influence("prune", probed.name, *GRID, "--json").json
    assert isinstance(facts, dict)
    findings = Findings(open_experiment(probed, "pruning"))
    told = facts["recalls"]
    assert len(told["points"]) == len(findings.points) == 1 + 3 * 2
    for point, shown in zip(findings.points, told["points"], strict=True):
        table = findings.recalls(point)
        assert told["labels"] == table["label"].tolist()
        assert shown["recall"] == pytest.approx(table["recall"].tolist())


def test_all_scores_of_the_run_are_tried_by_default(influence: Influence, probed: Run) -> None:
    influence("prune", probed.name, "--fractions", "0.5", "--seeds", "1", "--epochs", "1")
    settings = open_experiment(probed, "pruning").manifest().settings
    assert settings.scores == probed.manifest().scores


def test_it_goes_on_under_its_own_settings(influence: Influence, probed: Run) -> None:
    settings = ExperimentSettings(scores=("el2n",), fractions=(0.5,), seeds=1, epochs=1)
    plan_pruning(probed, settings, name="later")
    refused = influence("prune", probed.name, "--name", "later", "--resume", "--seeds", "2")
    assert refused.code == 2
    assert "'seeds' must be left out with --resume" in refused.err
    answer = influence("prune", probed.name, "--name", "later", "--resume", "--workers", "1")
    assert answer.code == 0, answer.err
    assert open_experiment(probed, "later").manifest().status == "complete"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--fractions", "1.5"), "fractions"),
        (("--strategies", "best"), "strategies"),
        (("--scores", "ghost"), "'scores' must name scores of the run (vog, el2n,"),
        (("--curves", "ghost-class-easy"), "'curves' must be of a score of the run (vog, el2n,"),
        (("--curves", "nonsense"), "as 'vog-class-easy'; got 'nonsense'."),
        (("--resume", "--name", "ghost"), "has no experiment 'ghost'"),
    ],
)
def test_what_cannot_work_is_told(
    influence: Influence, probed: Run, options: tuple[str, ...], told: str
) -> None:
    answer = influence("prune", probed.name, *options)
    assert answer.code == 2
    assert told in answer.err
    assert not list(Experiment.folder(probed).glob("*/experiment.json"))


def test_the_background_finishes_what_was_planned(probed: Run) -> None:
    settings = ExperimentSettings(scores=("el2n",), fractions=(0.5,), seeds=1, epochs=1)
    experiment = plan_pruning(probed, settings, name="behind")
    jobs.resume(experiment)
    assert ended(experiment) == "finished", jobs.status(experiment).error
    assert not experiment.missing()
    assert probed.manifest().status == "complete"


def ended(experiment: Experiment) -> jobs.State:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and jobs.status(experiment).state == "running":
        time.sleep(0.1)
    return jobs.status(experiment).state
