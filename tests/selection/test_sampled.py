"""What sampling does to a score and to every group, against a selection counted by pandas."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.selection.sampled import before_and_after, kept_by_normalisation
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.query import ExampleQuery, OneOf
from influence_core.store.run import Run
from influence_core.store.statistics import MISSING
from tests.factory import read

TRAIN = ExampleQuery(scored_only=True)


def test_bins_count_all_rows_and_those_kept(small_run: Run) -> None:
    wanted = SelectionSettings(score="el2n", fraction=0.4, normalise="dataset")
    scores = read(small_run.scores_file).to_pandas()
    kept = scores["row"].isin(select(small_run, wanted).kept)
    found = before_and_after(small_run, "vog", wanted, TRAIN, 20)
    edges = [*found["left"], found["right"].iloc[-1]]
    assert found["rows"].tolist() == np.histogram(scores["vog"], 20)[0].tolist()
    assert found["kept"].tolist() == np.histogram(scores.loc[kept, "vog"], edges)[0].tolist()
    assert found["kept"].sum() == len(scores) - round(0.4 * len(scores))


def test_a_cut_off_takes_one_end_of_its_own_score(small_run: Run) -> None:
    wanted = SelectionSettings(score="aum", fraction=0.5, normalise="raw")
    found = before_and_after(small_run, "aum", wanted, TRAIN, 30)
    assert found["kept"].iloc[0] == found["rows"].iloc[0] > 0
    assert found["kept"].iloc[-1] == 0
    partly = (found["kept"] > 0) & (found["kept"] < found["rows"])
    assert partly.sum() <= 1


def test_the_query_chooses_what_is_counted_and_not_what_is_kept(small_run: Run) -> None:
    query = TRAIN.model_copy(update={"filters": (OneOf(column="source", values=("synthetic",)),)})
    wanted = SelectionSettings(score="vog", fraction=0.3)
    examples = read(small_run.examples_file).to_pandas()
    rows = examples.index[(examples["source"] == "synthetic") & (examples["split"] == "train")]
    found = before_and_after(small_run, "vog", wanted, query)
    assert found["rows"].sum() == len(rows)
    assert found["kept"].sum() == np.isin(rows, select(small_run, wanted).kept).sum()


def test_tails_and_unscored_rows_are_left_out(small_run: Run) -> None:
    values = read(small_run.scores_file).to_pandas()["tracin"]
    wanted = SelectionSettings(score="tracin")
    found = before_and_after(small_run, "tracin", wanted, TRAIN, clip=(0.05, 0.9))
    assert found["rows"].sum() == values.between(*values.quantile([0.05, 0.9])).sum()
    nothing = before_and_after(small_run, "vog", wanted, TRAIN.model_copy(update={"search": "§§"}))
    assert nothing["rows"].sum() == 0


@pytest.mark.parametrize("by", ["label", "source"])
def test_every_normalisation_keeps_what_its_selection_keeps(small_run: Run, by: str) -> None:
    wanted = SelectionSettings(score="vog", fraction=0.5)
    found = kept_by_normalisation(small_run, wanted, by, TRAIN).set_index("group")
    examples = read(small_run.examples_file).to_pandas()
    train = examples[examples["split"] == "train"]
    groups = train[by].fillna(MISSING)
    assert found["rows"].to_dict() == groups.value_counts().to_dict()
    for norm in ("raw", "class", "dataset"):
        settings = wanted.model_copy(update={"normalise": norm})
        kept = train.index.isin(select(small_run, settings).kept)
        expected = groups[kept].value_counts() / groups.value_counts()
        assert found[norm].to_dict() == pytest.approx(expected.fillna(0).to_dict())


def test_classes_keep_alike_within_themselves_and_unlike_within_the_dataset(small_run: Run) -> None:
    wanted = SelectionSettings(score="vog", fraction=0.5)
    found = kept_by_normalisation(small_run, wanted, "label", TRAIN)
    assert found["class"].std() < found["dataset"].std()
    assert found["raw"].tolist() == found["dataset"].tolist()
