"""Agreement of scores: against scipy, and sets worked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from influence_core.config import RunSettings
from influence_core.scores.agreement import (
    Agreement,
    Order,
    agreement_file,
    read_agreement,
    write_agreement,
)
from influence_core.selection.overlap import jaccard
from influence_core.store.files import write_parquet
from influence_core.store.run import Run, create_run

IDS = list("jihgfedcba")


def compared(
    folder: Path,
    columns: Mapping[str, object],
    replicates: Mapping[str, Mapping[str, object]] | None = None,
    fraction: float = 0.3,
) -> Agreement | None:
    run = create_run("compared", RunSettings(), folder)
    ids = IDS if len(next(iter(columns.values()))) == 10 else None
    ids = ids or [f"{number:05d}" for number in range(len(next(iter(columns.values()))))]
    rows = np.arange(len(ids))
    write_parquet(run.scores_file, pa.table({"row": rows, "id": ids, **columns}))
    for name, table in (replicates or {}).items():
        path = run.replicates_folder / name / "scores.parquet"
        write_parquet(path, pa.table({"row": rows, **table}))
    written = write_agreement(run, fraction)
    assert read_agreement(run) == written
    assert agreement_file(run).exists() == (written is not None)
    return written


def test_by_hand(tmp_path: Path) -> None:
    # Hard is high in VoG and low in PVI. The hardest three: {0, 1, 2} and {1, 2, 3}.
    vog = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0.0])
    pvi = np.array([4, 1, 2, 3, 5, 6, 7, 8, 9, 10.0])
    found = compared(tmp_path, {"vog": vog, "pvi": pvi})
    assert found is not None
    (pair,) = found.pairs
    assert (pair.first, pair.second, found.hardest_rows, found.rows) == ("vog", "pvi", 3, 10)
    assert pair.similarity == 2 / 4
    # Ranks differ by 3, −1, −1, −1: ρ = 1 − 6 · 12 / (10 · 99).
    assert pair.spearman == pytest.approx(1 - 72 / 990)
    assert (found.replicates, found.stability) == (1, {})


tied = arrays(np.float64, 40, elements=st.integers(-3, 3).map(float))


@given(tied, tied)
def test_ranks_are_scipys_with_ties(first: np.ndarray, second: np.ndarray) -> None:
    by_id = np.arange(40)
    found = Order.of(first, by_id, 7).likeness(Order.of(second, by_id, 7))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert found.spearman is None
    else:
        assert found.spearman == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)
    hardest = [np.lexsort((by_id, -values))[:7] for values in (first, second)]
    assert found.similarity == jaccard(*hardest)


def test_ties_at_the_border_go_by_id(tmp_path: Path) -> None:
    flat, steep = np.zeros(10), np.arange(10.0)
    found = compared(tmp_path, {"vog": flat, "el2n": steep})
    assert found is not None
    # The ids fall from row to row, so that the last rows come first in both.
    assert (found.pairs[0].spearman, found.pairs[0].similarity) == (None, 1.0)


def test_what_was_never_learnt_is_hardest(tmp_path: Path) -> None:
    never = np.arange(10) < 3
    columns = {"forgetting": np.arange(10.0), "never_learnt": never, "vog": -np.arange(10.0)}
    found = compared(tmp_path, columns)
    assert found is not None
    assert found.pairs[0].similarity == 1.0


def test_rows_without_a_score_are_left_out(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    vog, loss = generator.normal(size=(2, 200))
    loss[::3] = np.nan
    known = ~np.isnan(loss)
    found = compared(tmp_path, {"vog": vog, "loss": loss})
    assert found is not None
    assert found.rows == known.sum()
    expected = spearmanr(vog[known], loss[known]).statistic
    assert found.pairs[0].spearman == pytest.approx(expected)


def test_stability_is_the_mean_over_every_two_seeds(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    seeds = generator.normal(size=(3, 100))
    tables = {f"seed-{number}": {"aum": values} for number, values in enumerate(seeds)}
    found = compared(tmp_path, {"aum": seeds.mean(axis=0)}, tables, fraction=0.1)
    assert found is not None
    pairs = [(0, 1), (0, 2), (1, 2)]
    likeness = found.stability["aum"]
    expected = np.mean([spearmanr(seeds[i], seeds[j]).statistic for i, j in pairs])
    assert likeness.spearman == pytest.approx(expected)
    lowest = [np.argsort(values)[:10] for values in seeds]
    assert likeness.similarity == pytest.approx(
        np.mean([jaccard(lowest[i], lowest[j]) for i, j in pairs])
    )
    assert (found.replicates, found.pairs) == (3, ())


def test_one_score_of_one_model_has_nothing_to_compare(tmp_path: Path) -> None:
    assert compared(tmp_path, {"vog": np.arange(10.0)}) is None
    assert read_agreement(Run(tmp_path / "compared")) is None
