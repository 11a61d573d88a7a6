"""The Compare page: what it says of two runs, of an experiment's models, and of one run alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from streamlit.testing.v1 import AppTest

from influence_core.pruning.experiment import Experiment, Outcome
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read
from tests.test_architecture import loaded_by

APP = Path(__file__).parents[2] / "app.py"


def visit(**view: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=200)
    app.switch_page("pages/compare.py")
    for name, value in view.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(one.value for one in (*app.markdown, *app.caption, *app.subheader, *app.error))


def test_two_runs_are_compared(small_run: Run, other_run: Run) -> None:
    app = visit(run="small", second="other")
    told = said(app)
    accuracy = small_run.manifest().metrics["test"]["accuracy"]
    assert f"**The first**: accuracy {100 * accuracy:.1f}%" in told
    assert "The first is certainly better at" in told
    assert app.metric[0].value == "1.00"
    assert app.session_state["first"] == "small"
    assert app.session_state["second"] == "other"


def test_models_of_an_experiment_are_compared(small_run: Run) -> None:
    settings = ExperimentSettings(strategies=("random",), fractions=(0.5,), seeds=1, epochs=1)
    experiment = Experiment.create(small_run, "tried", settings)
    test_rows = small_run.manifest().dataset.splits["test"]
    for cell in experiment.cells():
        experiment.keep(Outcome(cell, 10, 6, 1.0, np.zeros(test_rows, np.int32)))
    experiment.update(epochs=28)
    app = visit(run="small", first="small/tried/full", second="small/tried/random@0.5")
    assert "**That is undecided**" in said(app)
    assert "tried: all rows, trained anew for 28 epochs" in next(
        one.options for one in app.selectbox if one.label == "First"
    )
    assert "models of the same rows as the run" in said(app)
    assert "of the same rows" not in said(visit(run="small", second="small/tried/random@0.5"))
    assert "Do both find the same rows hard?" not in said(app)


def test_a_run_alone_says_what_to_do(small_run: Run) -> None:
    app = visit(run="small")
    assert "There is nothing to compare small with yet" in said(app)
    links = {one.proto.label: one.proto.query_string for one in app.get("page_link")}
    assert "like=small" in links["Use the settings of small in a new run"]


def test_runs_of_other_data_are_not_offered(small_run: Run, other_run: Run) -> None:
    examples = read(other_run.examples_file)
    at = examples.column_names.index("id")
    ids = pa.array([f"other-{id}" for id in examples["id"].to_pylist()])
    write_parquet(other_run.examples_file, examples.set_column(at, "id", ids))
    dataset = other_run.manifest().dataset
    other_run.update(dataset=dataset.model_copy(update={"fingerprint": "another"}))
    app = visit(run="small", second="other")
    assert not app.error
    assert "There is nothing to compare small with yet" in said(app)
    assert "1 other run cannot be compared with it" in said(app)


def test_the_page_loads_no_model_library(tmp_path: Path) -> None:
    assert loaded_by("import ui.sides, ui.comparing", tmp_path) <= {"plotly", "pandas"}


def test_a_run_without_predictions_says_why(small_run: Run, other_run: Run) -> None:
    small_run.predictions_file.unlink()
    app = visit(run="small")
    assert not app.error
    assert "Run small has no predictions for test rows" in said(app)
