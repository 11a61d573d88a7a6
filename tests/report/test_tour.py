"""The walk through a run: every figure of its sentences is counted anew here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from influence_core.config import DataSettings
from influence_core.noise.known import known_wrong
from influence_core.noise.table import find_noise
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.figures import Findings
from influence_core.pruning.recommend import recommend
from influence_core.report import tour
from influence_core.report.wording import count, percent
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import make_run, read
from tests.report.evidence import make_evidence


@pytest.fixture
def scored(small_run: Run) -> pd.DataFrame:
    """Every training row with its label, its VoG, and what the model said."""
    scores = small_run.scores(["row", "vog", "vog_rank", "never_learnt"]).set_index("row")
    return scores.join(small_run.examples(["label"])).join(
        pd.read_parquet(small_run.predictions_file).set_index("row")[["correct"]]
    )


def test_rare_and_hard_classes(small_run: Run, scored: pd.DataFrame) -> None:
    classes = scored.groupby("label")["vog"].agg(["size", "median"])
    rare = classes["size"] < classes["size"].median()
    corner = classes[rare & (classes["median"] > classes["median"].median())]
    told = tour.rare_and_hard(small_run, "vog")
    first = corner.sort_values("median").iloc[-1]
    assert told.startswith(f"{len(corner)} of {len(classes)} classes ")
    assert f"“{first.name}” with {first['size']:.0f} rows." in told


def test_classes_of_one_size_are_not_rare(small_run: Run, runs_root) -> None:
    run = make_run(runs_root, "even", rows=60, classes=1)
    assert tour.rare_and_hard(run, "vog") == "Of 1 class none is both rare and hard by VoG."


def test_how_often_the_model_contradicts(small_run: Run, scored: pd.DataFrame) -> None:
    hardest = scored["vog_rank"] <= round(0.1 * len(scored))
    here, rest = (1 - scored.loc[part, "correct"].mean() for part in (hardest, ~hardest))
    told = tour.misjudged(small_run, "vog")
    assert f"The hardest 10% by VoG are {hardest.sum()} rows" in told
    assert f"of {percent(here)} of them, and of {percent(rest)} of the rest." in told


def test_rows_without_a_prediction_are_neither_right_nor_wrong(small_run: Run) -> None:
    predictions = read(small_run.predictions_file)
    right = predictions.filter(predictions["correct"])
    write_parquet(small_run.predictions_file, right)
    none = percent(0)
    assert f"of {none} of them, and of {none} of the rest." in tour.misjudged(small_run, "vog")
    write_parquet(small_run.predictions_file, predictions.filter(pc.invert(predictions["correct"])))
    every = percent(1)
    assert f"of {every} of them, and of {every} of the rest." in tour.misjudged(small_run, "vog")


def test_it_says_no_more_than_is_known(small_run: Run) -> None:
    small_run.predictions_file.unlink()
    assert tour.misjudged(small_run, "vog").endswith(" rows.")
    assert "not looked for yet" in tour.wrong_labels(small_run)


def test_wrong_labels_that_are_known(small_run: Run) -> None:
    wrong = np.arange(small_run.manifest().dataset.rows) % 7 == 0
    table = read(small_run.examples_file)
    write_parquet(small_run.examples_file, table.append_column("label_is_wrong", pa.array(wrong)))
    flags = known_wrong(small_run)
    wrong_ones = f"{flags.sum()} labels"
    on_purpose = f"{wrong_ones} were made wrong on purpose, as column 'label_is_wrong' tells"
    assert on_purpose in tour.wrong_labels(small_run)
    own = small_run.manifest().settings.model_copy(update={"data": DataSettings(source="own.csv")})
    small_run.update(settings=own)
    told = tour.wrong_labels(small_run)
    assert f"Column 'label_is_wrong' says that {wrong_ones} are wrong" in told
    report = find_noise(small_run)
    really = wrong[report.table["row"].to_numpy()[:100]].mean()
    told = tour.wrong_labels(small_run)
    assert f"Of the first 100 suspects {percent(really, 0)} really are wrong, by column" in told


def test_labels_that_were_flipped_were_made_wrong_on_purpose(small_run: Run) -> None:
    table = read(small_run.examples_file)
    wrong = pa.array(np.arange(table.num_rows) % 7 == 0)
    write_parquet(small_run.examples_file, table.append_column("flipped", wrong))
    assert "made wrong on purpose, as column 'flipped' tells" in tour.wrong_labels(small_run)


def test_what_pruning_takes(small_run: Run, scored: pd.DataFrame) -> None:
    dataset = small_run.manifest().dataset
    left = count(round(0.7 * dataset.splits["train"]))
    told = tour.cost_unknown(small_run)
    assert f"{left} are left" in told
    assert f"{dataset.splits['test']} test rows" in told
    assert f"by VoG, compared within its class, leaves {left} training rows" in tour.kept(
        small_run, "vog"
    )


def test_what_an_experiment_measured(runs_root) -> None:
    run = make_evidence(runs_root, "told", rows=160)
    experiment = Experiment.of(run)[0]
    advice = recommend(Findings(experiment), tour.TOLERANCE)
    safe = [one.fraction for one in advice if one.fraction is not None]
    told = tour.cost_measured(experiment)
    assert (
        (f"measured, up to {percent(max(safe), 0)} may go (" in told)
        if safe
        else ("No way" in told)
    )
    assert told.lower().count("up to") == bool(safe)
    assert "1 point of accuracy" in told or safe


def test_the_finding_of_a_card(small_run: Run, scored: pd.DataFrame, runs_root) -> None:
    assert tour.finding(small_run) == f"{scored['never_learnt'].sum()} rows never learnt"
    assert tour.finding(make_run(runs_root, "bare", scored=False)) == ""
    assert tour.finding(make_run(runs_root, "other", scores=("pvi",))) == ""
