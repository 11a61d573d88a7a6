"""One score of two runs: figures against scipy and plain sets."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import spearmanr

from influence_core.comparing.together import together
from influence_core.errors import RunError, ScoreError
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read


@pytest.fixture
def other(small_run: Run) -> Run:
    """The same run with its VoG ranks drawn anew for half of the rows."""
    run = Run(shutil.copytree(small_run.path, small_run.path.with_name("other")))
    scores = read(run.scores_file)
    ranks = scores["vog_rank"].to_numpy().copy()
    half = np.flatnonzero(np.arange(len(ranks)) % 2)
    ranks[half] = np.random.default_rng(3).permutation(ranks[half])
    at = scores.column_names.index("vog_rank")
    write_parquet(run.scores_file, scores.set_column(at, "vog_rank", pa.array(ranks)))
    return run


def ranks_of(run: Run) -> pd.Series:
    return run.scores(["id", "vog_rank"]).set_index("id")["vog_rank"]


def test_the_figures_are_those_of_the_ranks(small_run: Run, other: Run) -> None:
    one, two = ranks_of(small_run), ranks_of(other)
    found = together(small_run, other, "vog", 0.3)
    assert found.rows == len(one) == found.bins["rows"].sum()
    assert found.spearman == pytest.approx(spearmanr(one, two).statistic)
    size = round(0.7 * len(one))
    first, second = (set(ranks.nsmallest(size).index) for ranks in (one, two))
    assert found.kept.both == len(first & second)
    assert found.kept.only_first == len(first - second) == found.kept.only_second


def test_the_rows_told_apart_are_those_of_the_largest_differences(
    small_run: Run, other: Run
) -> None:
    found = together(small_run, other, "vog", 0.3).apart
    away = (ranks_of(small_run) - ranks_of(other)).abs()
    gaps = (found["first"] - found["second"]).abs() * (len(away) - 1)
    assert gaps.round().astype(int).tolist() == away.nlargest(len(found)).tolist()
    texts = small_run.examples(["id", "text"]).set_index("id")["text"]
    assert found["text"].tolist() == texts.loc[found["id"]].tolist()


def test_a_run_agrees_with_itself(small_run: Run) -> None:
    found = together(small_run, small_run, "vog", 0.5)
    assert found.spearman == pytest.approx(1.0)
    assert found.kept.jaccard == 1.0
    assert (found.apart["first"] == found.apart["second"]).all()


def test_rows_of_one_run_alone_are_left_out(small_run: Run, other: Run) -> None:
    scores = read(other.scores_file)
    write_parquet(other.scores_file, scores.slice(0, 50))
    assert together(small_run, other, "vog", 0.3).rows == 50


def test_rows_without_a_score_are_left_out(small_run: Run, other: Run) -> None:
    scores = read(other.scores_file)
    values = scores["vog"].to_numpy().copy()
    values[:7] = np.nan
    at = scores.column_names.index("vog")
    write_parquet(other.scores_file, scores.set_column(at, "vog", pa.array(values)))
    assert together(small_run, other, "vog", 0.3).rows == len(values) - 7


def test_other_texts_under_the_same_ids_are_refused(small_run: Run, other: Run) -> None:
    examples = read(other.examples_file)
    at = examples.column_names.index("text")
    texts = pa.array([f"{text} again" for text in examples["text"].to_pylist()])
    write_parquet(other.examples_file, examples.set_column(at, "text", texts))
    with pytest.raises(RunError, match="not of the same data"):
        together(small_run, other, "vog", 0.3)


def test_what_cannot_be_compared_is_said(small_run: Run, other: Run) -> None:
    with pytest.raises(ScoreError, match="'score' must be one that Run 'small' has; got 'ghost'"):
        together(small_run, other, "ghost", 0.3)
    write_parquet(other.scores_file, read(other.scores_file).slice(0, 1))
    with pytest.raises(RunError, match="share no scored rows"):
        together(small_run, other, "vog", 0.3)
