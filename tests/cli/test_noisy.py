"""`influence noisy`: what people and scripts get, and how it goes on."""

from __future__ import annotations

import time

import pytest

from influence_core import jobs
from influence_core.noisy.experiment import NoisyExperiment
from influence_core.noisy.measure import plan_noisy
from influence_core.noisy.settings import NoisySettings
from influence_core.store.run import Run
from tests.cli.conftest import Influence

PATIENCE = 180.0
GRID = ("--shares", "0.2", "--fractions", "0.3", "--seeds", "2", "--epochs", "2")
SMALL = NoisySettings(shares=(0.2,), curves=("random",), fractions=(0.3,), seeds=1, epochs=1)


def test_people_see_curves_and_overlaps(influence: Influence, probed: Run) -> None:
    answer = influence("noisy", probed.name, *GRID)
    assert answer.code == 0, answer.err
    assert "estimated with probe, equal steps" in answer.out
    for curve in ("full", "vog-class-easy", "tracin-class-hard", "pvi-class-hard", "random"):
        assert curve in answer.out
    assert "consensus" in answer.out
    assert "have a PVI below 0" in answer.out
    assert NoisyExperiment.open(probed, "noisy").manifest().status == "complete"


def test_scripts_get_json(influence: Influence, probed: Run) -> None:
    facts = influence("noisy", probed.name, *GRID, "--curves", "random", "--json").json
    assert isinstance(facts, dict)
    assert facts["settings"]["curves"] == ["random"]
    assert [one["curve"] for one in facts["curves"]] == ["full", "random"]
    assert facts["curves"][0]["against_random"] is None
    assert facts["shares"][0]["wrong_share"] <= 0.2
    assert {"vog", "consensus"} <= {one["name"] for one in facts["overlaps"]}


def test_it_goes_on_under_its_own_settings(influence: Influence, probed: Run) -> None:
    plan_noisy(probed, SMALL, name="later")
    refused = influence("noisy", probed.name, "--name", "later", "--resume", "--seeds", "2")
    assert refused.code == 2
    assert "'seeds' must be left out with --resume" in refused.err
    answer = influence("noisy", probed.name, "--name", "later", "--resume")
    assert answer.code == 0, answer.err
    assert NoisyExperiment.open(probed, "later").manifest().status == "complete"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--shares", "1.5"), "shares"),
        (("--curves", "best"), "curves"),
        (("--curves", "ghost-class-easy"), "ghost"),
        (("--resume", "--name", "ghost"), "has no noisy experiment 'ghost'"),
    ],
)
def test_what_cannot_work_is_told(
    influence: Influence, probed: Run, options: tuple[str, ...], told: str
) -> None:
    answer = influence("noisy", probed.name, *options)
    assert answer.code == 2
    assert told in answer.err
    assert not list(probed.path.glob("noisy/*/noisy.json"))


def test_the_background_finishes_what_was_planned(probed: Run) -> None:
    experiment = plan_noisy(probed, SMALL, name="behind")
    jobs.resume(experiment)
    end = time.monotonic() + PATIENCE
    while jobs.status(experiment).state == "running" and time.monotonic() < end:
        time.sleep(0.2)
    assert jobs.status(experiment).state == "finished"
