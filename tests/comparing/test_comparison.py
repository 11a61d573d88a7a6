"""Two sides: which rows are compared, what is refused, and figures against plain ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from influence_core.comparing.comparison import compare
from influence_core.comparing.sides import of_point, of_run, parse
from influence_core.errors import ConfigError, RunError, RunNotFound
from influence_core.pruning.experiment import Experiment, Outcome
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read

SETTINGS = ExperimentSettings(strategies=("random",), fractions=(0.5,), seeds=2, epochs=1)


@pytest.fixture
def experiment(small_run: Run) -> Experiment:
    """Two models on all rows that are always right, two on half of them that are right at times."""
    made = Experiment.create(small_run, "tried", SETTINGS)
    examples = small_run.examples(["label", "split"]).query("split == 'test'")
    names = list(small_run.manifest().dataset.label_names)
    truth = np.array([names.index(label) for label in examples["label"]], np.int32)
    for cell in made.cells():
        said = truth if cell.curve is None else np.where(np.arange(len(truth)) % 4, truth, 0)
        made.keep(Outcome(cell, 10, 6, 1.0, said.astype(np.int32)))
    return made


def change(run: Run, column: str, values: list[object]) -> None:
    examples = read(run.examples_file)
    at = examples.column_names.index(column)
    write_parquet(run.examples_file, examples.set_column(at, column, pa.array(values)))


def test_the_figures_are_those_of_the_predictions(small_run: Run, other_run: Run) -> None:
    found = compare(of_run(small_run), of_run(other_run))
    test = pd.read_parquet(small_run.predictions_file).query("split == 'test'")
    labels = small_run.examples(["label"])["label"][test.index]
    first = labels.unique()[0] if len(labels) else None
    assert found.rows == len(test)
    assert (found.only_first, found.only_second, found.relabelled) == (0, 0, 0)
    accuracy = found.overall().set_index("metric").loc["accuracy"]
    assert accuracy["first"] == pytest.approx(test["correct"].mean())
    always = small_run.manifest().dataset.label_names[0]
    assert accuracy["second"] == pytest.approx((labels == always).mean())
    assert accuracy["verdict"] == "better"
    assert accuracy["low"] <= accuracy["mean"] <= accuracy["high"]
    recall = found.by_class("recall").set_index("label")
    assert set(recall.index) == set(labels)
    right = (test["correct"] & (labels == first))[labels == first].mean()
    assert recall.loc[first, "first"] == pytest.approx(right)
    assert recall["rows"].to_dict() == labels.value_counts().to_dict()


def test_only_rows_of_both_with_one_label_are_compared(small_run: Run, other_run: Run) -> None:
    examples = small_run.examples(["id", "label", "split"])
    tested = examples.index[examples["split"] == "test"]
    ids, labels = examples["id"].tolist(), examples["label"].tolist()
    ids[tested[0]] = "elsewhere"
    labels[tested[1]] = next(name for name in set(labels) if name != labels[tested[1]])
    change(other_run, "id", ids)
    change(other_run, "label", labels)
    found = compare(of_run(small_run), of_run(other_run))
    assert (found.only_first, found.only_second, found.relabelled) == (1, 1, 1)
    assert found.rows == len(tested) - 2


def test_other_texts_under_the_same_ids_are_refused(small_run: Run, other_run: Run) -> None:
    texts = small_run.examples(["text"])["text"].tolist()
    change(other_run, "text", [f"{text} again" for text in texts])
    with pytest.raises(RunError, match=r"not of the same data: .* stand for different texts"):
        compare(of_run(small_run), of_run(other_run))


def test_runs_without_a_row_in_common_are_refused(small_run: Run, other_run: Run) -> None:
    ids = small_run.examples(["id"])["id"].tolist()
    change(other_run, "id", [f"other-{id}" for id in ids])
    with pytest.raises(RunError, match="share no test row"):
        compare(of_run(small_run), of_run(other_run))


def test_runs_without_answers_are_refused(small_run: Run, other_run: Run) -> None:
    small_run.predictions_file.unlink()
    with pytest.raises(RunError, match="has no predictions"):
        of_run(small_run)
    splits = other_run.examples(["split"])["split"]
    change(other_run, "split", splits.replace("test", "train").tolist())
    with pytest.raises(RunError, match="has no test rows"):
        of_run(other_run)


def test_rows_without_an_answer_are_left_out(small_run: Run, other_run: Run) -> None:
    """Imported probabilities may be of some rows only, which predictions then name."""
    predictions = read(small_run.predictions_file)
    train = pc.equal(predictions["split"], "train").to_numpy()
    kept = np.setdiff1d(np.arange(len(train)), [*np.flatnonzero(train)[:5]])
    last = kept[predictions["split"].take(kept).to_numpy() == "test"][-1]
    write_parquet(small_run.predictions_file, predictions.take(kept[kept != last]))
    found = compare(of_run(small_run), of_run(other_run))
    correct = predictions["correct"].to_numpy()
    tested = np.setdiff1d(np.flatnonzero(predictions["split"].to_numpy() == "test"), [last])
    assert found.only_second == 1
    accuracy = found.overall().set_index("metric").loc["accuracy", "first"]
    assert accuracy == pytest.approx(correct[tested].mean())


def test_rows_together_in_either_run_are_drawn_together(small_run: Run, other_run: Run) -> None:
    one, two = of_run(small_run), of_run(other_run)
    few = replace(one, units=np.arange(len(one.ids)) // 10)
    here, there = compare(few, two), compare(two, few)
    first, second = here.overall().iloc[0], there.overall().iloc[0]
    assert first["low"] == pytest.approx(-second["high"])
    assert first["high"] - first["low"] != compare(one, two).overall().iloc[0]["high"]


def test_models_are_paired_by_their_seeds(experiment: Experiment) -> None:
    whole, half = of_point(experiment, "full", 0.0), of_point(experiment, "random", 0.5)
    assert whole.seeds == half.seeds == (0, 1)
    turned = half.only([1, 0])
    assert repr(compare(whole, turned).gaps) == repr(compare(whole, half).gaps)


def test_models_of_an_experiment_are_compared_as_groups(experiment: Experiment) -> None:
    whole, half = of_point(experiment, "full", 0.0), of_point(experiment, "random", 0.5)
    assert len(whole.predicted) == len(half.predicted) == 2
    found = compare(whole, half).overall().set_index("metric")
    assert found.loc["accuracy", "first"] == 1.0
    right = (half.predicted[0] == half.truth).mean()
    assert found.loc["accuracy", "second"] == pytest.approx(right)
    assert found.loc["accuracy", "verdict"] == "better"


def test_addresses_name_runs_and_models(experiment: Experiment) -> None:
    root = experiment.run.path.parent
    assert parse("small", root).title == "Run 'small'"
    assert "random at 50% pruned" in parse("small/tried/random@0.5", root).title
    assert parse("small/tried/full", root).title.endswith("full")
    with pytest.raises(ConfigError, match=r"full, random@0\.5.*'random@0\.4'"):
        parse("small/tried/random@0.4", root)
    with pytest.raises(RunNotFound, match="no experiment 'ghost'"):
        parse("small/ghost/full", root)


@pytest.mark.parametrize("address", ["a/b", "a/b/c/d", "a/b/c@x", "a/b/c@1.5", "a/b/c@-1"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="'side' must be a run, or"):
        parse(address)
