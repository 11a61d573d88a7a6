"""The pruning page: what it says of an experiment, and what to do where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from influence_core.pruning.experiment import Experiment, open_experiment
from influence_core.pruning.figures import Findings
from influence_core.pruning.measure import plan_pruning, prune
from influence_core.pruning.recommend import recommend
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import Run
from tests.factory import make_run
from ui import curves as page

APP = Path(__file__).parents[2] / "app.py"

SETTINGS = ExperimentSettings(
    scores=("el2n",), strategies=("easy", "random"), fractions=(0.3, 0.6), seeds=2, epochs=2
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of hostile labels and two experiments."""
    root = tmp_path_factory.mktemp("measured")
    run = make_run(root, "hostile", rows=160, hostile=True)
    rows = run.manifest().dataset.rows
    np.save(run.embeddings_file, np.random.default_rng(0).normal(size=(rows, 8)).astype(np.float16))
    prune(run, SETTINGS.model_copy(update={"equal": "epochs"}), name="by-epochs")
    prune(run, SETTINGS, name="by-steps")
    return root


@pytest.fixture
def run(measured: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(measured / "hostile", runs_root / "hostile"))


def visit(**view: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.switch_page("pages/pruning.py")
    for name, value in view.items():
        app.query_params[name] = value
    return app.run()


def said(app: AppTest) -> str:
    elements = [*app.caption, *app.markdown, *app.text, *app.subheader]
    return "\n".join(str(element.value) for element in elements)


def press(app: AppTest, label: str) -> AppTest:
    return next(one for one in app.button if one.label == label).click().run()


def table(app: AppTest, column: str):
    return next(frame.value for frame in app.dataframe if column in frame.value)


def test_figures_and_advice_are_those_of_the_core(run: Run) -> None:
    app = visit(run="hostile", experiment="by-steps")
    assert not app.exception
    assert not app.error
    found = Findings(open_experiment(run, "by-steps"))
    curves = found.curves().set_index(["curve", "fraction"])
    shown = table(app, "Against random")
    first = curves.loc[("el2n-class-easy", 0.3)]
    assert shown["Curve"].tolist() == ["EL2N easy, within its class"] * 2 + ["Random"] * 2
    assert shown["Accuracy"].iloc[0].startswith(f"{first['accuracy']:.1%} ± ")
    verdict = found.against_random(found.points[1])
    assert (
        shown["Against random"].iloc[0].startswith(f"{verdict.verdict} {100 * verdict.mean:+.1f}")
    )
    assert shown["Against random"].iloc[2] == "–"
    advised = sorted(recommend(found), key=lambda one: -(one.fraction or 0))
    words = ["No safe fraction" if one.fraction is None else "Up to" for one in advised]
    assert [metric.value[: len(word)] for metric, word in zip(app.metric, words, strict=True)] == (
        words
    )


def test_models_are_read_once_for_each_content_version(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    monkeypatch.setattr(page, "Findings", lambda one: read.append(one.name) or Findings(one))
    visit(run="hostile", experiment="by-steps").run()
    assert read == ["by-steps"]
    open_experiment(run, "by-steps").update()
    visit(run="hostile", experiment="by-steps")
    assert read == ["by-steps"] * 2


def test_it_says_how_far_figures_can_be_relied_on(run: Run) -> None:
    app = visit(run="hostile", experiment="by-steps")
    assert "Estimated with probe" in said(app)
    assert "Equal steps: every model takes as many as the whole data in 2 epochs" in said(app)
    assert "saves rows and no training time" in said(app)
    assert "Time saved" not in table(app, "Against random")


def test_equal_epochs_save_time_and_money(run: Run) -> None:
    app = visit(run="hostile", experiment="by-epochs", against="by-steps")
    assert "Equal epochs: every model goes 2 epochs over what is left" in said(app)
    assert "Cost saved" not in table(app, "Time saved")
    price = next(field for field in app.number_input if "Price" in field.label)
    shown = table(price.set_value(3_600.0).run(), "Cost saved")
    curves = Findings(open_experiment(run, "by-epochs")).curves().set_index("curve")
    saved = curves.loc["full", "seconds"] - curves.loc["random", "seconds"].iloc[1]
    assert shown["Cost saved"].iloc[3] == f"{saved:,.4f}"


def test_all_that_may_be_lost_lets_everything_go(run: Run) -> None:
    app = visit(run="hostile", experiment="by-steps")
    tolerance = next(field for field in app.number_input if "may be lost" in field.label)
    tolerance.set_value(100.0).run()
    assert [metric.value for metric in app.metric] == ["Up to 60%"] * 2
    assert "**Up to 60% can go** for 100 points of accuracy at most" in said(app)
    assert "Best dropped: EL2N easy" in said(app)
    assert "Drawn at random, as much can go." in said(app)
    found = Findings(open_experiment(run, "by-steps"))
    (best,) = (one for one in found.points if one.curve and one.curve.score and one.fraction == 0.6)
    verdict = found.against_random(best).verdict
    told = {
        "better": "That is better than dropping as many at random.",
        "worse": "That is worse than dropping as many at random.",
        "undecided": "That is not for certain better than dropping as many at random.",
    }
    assert told[verdict] in said(app)
    losing = [
        one for one in recommend(found, 1.0) if one.worst and round(100 * one.worst.change) < 0
    ]
    assert said(app).count("Worst class there") == len(losing)
    assert said(app).count(
        "No class with 5 test rows or more loses a point of recall there."
    ) == 2 - len(losing)


def test_the_answer_is_said_in_a_sentence(run: Run) -> None:
    found = Findings(open_experiment(run, "by-steps"))
    app = visit(run="hostile", experiment="by-steps")
    safe = [one.fraction for one in recommend(found) if one.fraction is not None]
    words = (
        f"Up to {max(safe):.0%} can go" if safe else "None of the shares that were tried is safe"
    )
    assert words in said(app)


def test_classes_are_those_that_lose_most_and_names_stay_text(run: Run) -> None:
    app = visit(run="hostile", experiment="by-steps")
    findings = Findings(open_experiment(run, "by-steps"))
    point = next(one for one in findings.points if one.curve and one.fraction == 0.6)
    worst = findings.recalls(point).sort_values("change", kind="stable")
    shown = table(app, "Class")
    assert shown["Class"].tolist() == worst["label"].tolist()
    assert not any("<b>bold</b>" in str(element.value) for element in [*app.caption, *app.markdown])


def test_the_address_restores_the_view_until_another_is_chosen(run: Run) -> None:
    app = visit(run="hostile", experiment="by-epochs", measure="sigma", curves="random")
    assert app.selectbox(key="experiment").value == "by-epochs"
    assert table(app, "Against random")["Curve"].unique().tolist() == ["Random"]
    app.selectbox(key="experiment").set_value("by-steps").run()
    assert "**by\\-steps**" in said(app)
    assert "**by\\-epochs**" not in said(app)


def test_a_planned_experiment_waits_for_its_models(run: Run) -> None:
    plan_pruning(run, SETTINGS, name="later")
    app = visit(run="hostile", experiment="later")
    assert not app.exception
    assert "0 of 10 models trained" in said(app)
    assert "as soon as the first models are trained" in said(app)
    assert "Start" in [button.label for button in app.button]


def test_what_is_left_of_an_unfinished_experiment_is_shown(run: Run) -> None:
    experiment = open_experiment(run, "by-epochs")
    for cell in experiment.cells()[:3]:
        experiment.file_of(cell).unlink()
    experiment.update(status="cancelled")
    app = visit(run="hostile", experiment="by-epochs")
    assert not app.exception
    assert "7 of 10 models trained" in said(app)
    assert "Advice follows" in said(app)


def test_the_plan_says_how_many_models_and_refuses_in_place(run: Run) -> None:
    app = visit(run="hostile")
    assert app.multiselect(key="experiment.scores hostile vog").value == ["vog"]
    assert "39 models, about" in said(app)
    press(app, "All scores")
    assert "354 models, about" in said(app)
    press(app, "Quick estimate")
    assert "39 models, about" in said(app)
    app.text_input(key="experiment.fractions").input("0.5, 1.5").run()
    assert "Fractions" in app.error[0].value
    app.text_input(key="experiment.fractions").input("0.999").run()
    starts = [button for button in app.button if button.label == "Start"]
    starts[0].click().run()
    assert "leave one of the" in app.error[0].value
    assert len(list(Experiment.folder(run).glob("*/experiment.json"))) == 2


def test_the_first_plan_is_a_quick_one_with_a_guess_of_its_time(runs_root: Path) -> None:
    run = make_run(runs_root, "small", rows=80)
    assert "39 models, about" in said(visit(run="small"))
    assert "guessed from how long the run itself took" in said(visit(run="small"))
    run.update(stages={})
    assert "39 models. How long one takes here is known after" in said(visit(run="small"))


@pytest.mark.parametrize(("scored", "says"), [(False, "has no scores yet"), (True, "Plan a new")])
def test_runs_without_experiments_say_what_to_do(runs_root: Path, scored: bool, says: str) -> None:
    make_run(runs_root, "small", rows=80, scored=scored)
    app = visit(run="small")
    assert not app.exception
    assert says in said(app) + "".join(one.label for one in app.expander)


def test_a_run_without_test_rows_says_what_to_do(run: Run) -> None:
    dataset = run.manifest().dataset
    run.update(dataset=dataset.model_copy(update={"splits": {"train": 105}}))
    app = visit(run="hostile")
    assert "has no test rows to judge models by" in said(app)
    assert not app.expander
