"""The experiment on noisy data, on its page: where there is none, and what it says of one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from influence_core.noisy.experiment import NoisyExperiment
from influence_core.noisy.figures import overlaps, shares
from influence_core.noisy.measure import noisy, plan_noisy
from influence_core.noisy.settings import NoisySettings
from influence_core.store.run import Run
from tests.factory import make_run

SETTINGS = NoisySettings(shares=(0.2, 0.4), fractions=(0.3,), seeds=2, epochs=2)

SCRIPT = """
from ui import noisy, queries, shell, state
state.put("run", "small")
noisy.show(shell.lens())
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("measured")
    run = make_run(root, "small", rows=160, classes=3)
    rows = run.manifest().dataset.rows
    features = np.random.default_rng(0).normal(size=(rows, 384)).astype(np.float16)
    np.save(run.embeddings_file, features)
    noisy(run, SETTINGS, name="first")
    return root


@pytest.fixture
def run(measured: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(measured / "small", runs_root / "small"))


def visit() -> AppTest:
    return AppTest.from_string(SCRIPT, default_timeout=120).run()


def said(app: AppTest) -> str:
    elements = [*app.caption, *app.markdown, *app.text, *app.subheader]
    return "\n".join(str(element.value) for element in elements)


def table(app: AppTest, column: str):
    return next(frame.value for frame in app.dataframe if column in frame.value)


def test_overlaps_are_those_of_the_core(run: Run) -> None:
    app = visit()
    assert not app.exception
    assert not app.error
    shown = table(app, "Consensus")
    experiment = NoisyExperiment.open(run, "first")
    found = overlaps(experiment).set_index(["share", "name"])["overlap"]
    assert shown["Drawn anew"].tolist() == ["20%", "40%"]
    assert shown["VoG"].tolist() == [f"{found[(share, 'vog')]:.3f}" for share in (0.2, 0.4)]
    assert shown["Really wrong"].tolist() == [
        f"{share:.2%}" for share in shares(experiment)["wrong_share"]
    ]


def test_every_way_of_pruning_is_compared_with_random(run: Run) -> None:
    shown = table(visit(), "Pruned")
    assert shown["Pruned"].tolist() == [
        "VoG easy, within its class",
        "TracIn hard, within its class",
        "PVI hard, within its class",
    ]
    assert {"20% noise", "40% noise"} < set(shown.columns)


def test_an_unfinished_experiment_says_how_far_it_is(run: Run) -> None:
    shutil.rmtree(NoisyExperiment.open(run, "first").path)
    plan_noisy(run, SETTINGS, name="waiting")
    app = visit()
    assert not app.exception
    assert "0 of 2 shares of noise done" in said(app)
    assert "Start" in [button.label for button in app.button]


def test_without_an_experiment_the_form_is_open(run: Run) -> None:
    shutil.rmtree(NoisyExperiment.open(run, "first").path)
    app = visit()
    assert not app.exception
    assert app.expander[0].proto.expanded
    assert not app.dataframe
