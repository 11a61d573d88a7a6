"""Which rows repeat others, against a search over all pairs, and that they go first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from influence_core.errors import SelectionError
from influence_core.selection import near_duplicates as module
from influence_core.selection.near_duplicates import near_duplicates, repeats_last
from influence_core.selection.select import DUPLICATES, SelectionSettings, select
from influence_core.store.run import Run
from influence_core.training.untuned import untuned_file
from tests.noise.blobs import clouds, give_features
from tests.selection.test_select import STRATEGIES, frame


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups must grow together over tiles."""
    monkeypatch.setattr(module, "TILE", 7)


def ids_of(rows: int) -> list[str]:
    return [f"x{number:03d}" for number in range(rows)]


def chains(features: np.ndarray, labels: np.ndarray, threshold: float) -> list[set[int]]:
    """Return groups of rows by walking from row to row, over all pairs in float64."""
    similar = cosine_similarity(features.astype(np.float64)) >= threshold
    linked = similar & (labels[:, None] == labels)
    left, found = set(range(len(labels))), []
    while left:
        reached, todo = set(), [min(left)]
        while todo:
            row = todo.pop()
            reached.add(row)
            todo += [int(other) for other in np.flatnonzero(linked[row]) if other not in reached]
        found.append(reached)
        left -= reached
    return found


def groups(numbers: np.ndarray) -> list[set[int]]:
    """Return groups of rows in the order of their first rows."""
    return [set(rows) for rows in pd.Series(numbers).groupby(numbers, sort=False).indices.values()]


def some_features(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features that chain here and there, and labels."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=rows)
    return clouds(labels, 3, seed, spread=0.5, width=5).astype(np.float16), labels


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("threshold", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("seed", range(3))
def test_groups_are_the_chains_of_all_pairs(threshold: float, seed: int) -> None:
    features, labels = some_features(90, seed)
    found = groups(near_duplicates(features, labels, ids_of(90), threshold))
    expected = chains(features, labels, threshold)
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
    assert 1 < len(expected) < 90


def test_by_hand() -> None:
    """Angles 0°, 15°, 30° chain at cos 16°; the row between does not help another label."""
    angles = np.radians([0, 30, 15, 60, 15.1])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1) * [[1], [5], [2], [1], [1]]
    labels = np.array([0, 0, 0, 0, 1])
    found = near_duplicates(features, labels, ids_of(5), float(np.cos(np.radians(16))))
    assert groups(found) == [{0, 1, 2}, {3}, {4}]


def test_equal_features_reach_one_and_empty_ones_are_alone() -> None:
    features = np.random.default_rng(0).normal(size=(3, 384)).astype(np.float16)
    repeated = np.concatenate([features, features, np.zeros((2, 384), np.float16)])
    found = near_duplicates(repeated, np.zeros(8, np.int64), ids_of(8), 1.0)
    assert sorted(map(sorted, groups(found))) == [[0, 3], [1, 4], [2, 5], [6], [7]]


@pytest.mark.usefixtures("small_tiles")
def test_the_order_of_rows_is_of_no_account() -> None:
    features, labels = some_features(90, 5)
    ids = np.array(ids_of(90))
    found = near_duplicates(features, labels, ids, 0.95)
    order = np.random.default_rng(1).permutation(90)
    again = near_duplicates(features[order], labels[order], ids[order], 0.95)
    np.testing.assert_array_equal(again, found[order])


def test_repeats_go_last_in_their_order() -> None:
    numbers = np.array([7, 8, 7, 9, 8, 7])
    order, preference = np.array([5, 4, 3, 2, 1, 0]), np.array([2, 0, 1, 3, 4, 5])
    assert repeats_last(order, numbers, preference).tolist() == [3, 2, 1, 5, 4, 0]
    alone = np.arange(6)
    assert repeats_last(order, alone, preference).tolist() == order.tolist()


def repeated_frame(rows: int = 60) -> pd.DataFrame:
    """Rows of which a good third repeat others of their label."""
    table = frame(rows)
    number = np.random.default_rng(3).integers(rows // 2, size=rows)
    return table.assign(**{DUPLICATES: pd.factorize(table["label"] + number.astype(str))[0]})


@given(
    strategy=st.sampled_from(STRATEGIES),
    per_class=st.booleans(),
    prune=st.sampled_from(["easy", "hard"]),
    fraction=st.floats(0, 0.8),
    clip=st.floats(0, 0.1),
    shuffle=st.integers(0, 9),
)
def test_counts_are_exact_and_the_input_order_is_of_no_account(
    strategy: Any, per_class: bool, prune: Any, fraction: float, clip: float, shuffle: int
) -> None:
    settings = SelectionSettings(
        strategy=strategy,
        per_class=per_class,
        prune=prune,
        fraction=fraction,
        clip_suspicious=min(clip, fraction),
        floor=2,
        near_duplicates=0.9,
    )
    table = repeated_frame()
    chosen = select(table, settings)
    assert len(chosen.kept) == 60 - round(fraction * 60)
    assert sorted([*chosen.kept, *chosen.dropped]) == table["row"].tolist()
    again = select(table.sample(frac=1, random_state=shuffle), settings)
    assert again.kept.tolist() == chosen.kept.tolist()


@pytest.mark.parametrize("strategy", ["cutoff", "softmax", "linear"])
@pytest.mark.parametrize("prune", ["easy", "hard"])
def test_the_kept_end_of_each_group_stays_while_others_last(strategy: Any, prune: Any) -> None:
    table = repeated_frame()
    hardest_first = table.sort_values(["vog_class_norm", "id"], ascending=[False, True])
    keep = "first" if prune == "easy" else "last"
    leads = set(hardest_first.drop_duplicates(DUPLICATES, keep=keep)["row"])
    fraction = (60 - len(leads)) / 60
    common = {"strategy": strategy, "prune": prune, "near_duplicates": 0.9}
    exactly, less, more = (
        select(table, SelectionSettings(fraction=share, **common))
        for share in (fraction, fraction / 2, fraction + 0.2)
    )
    assert exactly.repeated == 60 - len(leads)
    assert set(exactly.kept.tolist()) == leads
    assert set(less.kept.tolist()) > leads
    assert set(more.kept.tolist()) < leads


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_repeats_nothing_changes(strategy: Any) -> None:
    table = frame().assign(**{DUPLICATES: np.arange(60)})
    settings = SelectionSettings(strategy=strategy, near_duplicates=0.9)
    plain = select(table, SelectionSettings(strategy=strategy))
    chosen = select(table, settings)
    assert chosen.kept.tolist() == plain.kept.tolist()
    assert chosen.repeated == 0


def test_a_suspicious_row_speaks_for_no_group() -> None:
    table = frame(10).assign(aum=1.0, vog_class_norm=np.arange(10.0), duplicates=np.arange(10))
    table.loc[[8, 9], DUPLICATES] = 8
    table.loc[9, "aum"] = -1.0
    settings = SelectionSettings(fraction=0.2, clip_suspicious=0.1, near_duplicates=0.9)
    chosen = select(table, settings)
    rows = table["row"]
    assert chosen.dropped.tolist() == [rows[0], rows[9]]
    assert (chosen.clipped, chosen.repeated) == (1, 0)


def test_a_run_is_asked_for_the_features_of_its_training_rows(small_run: Run) -> None:
    settings = SelectionSettings(strategy="random", near_duplicates=0.9)
    with pytest.raises(SelectionError, match="'small' has no features of an untuned encoder"):
        select(small_run, settings)
    give_features(small_run)
    features = np.load(untuned_file(small_run))
    examples = small_run.examples(["label", "split"])
    rows = np.flatnonzero(examples["split"] == "train")
    expected = chains(features[rows], examples["label"].to_numpy()[rows], 0.9)
    chosen = select(small_run, settings)
    assert chosen.repeated == len(rows) - len(expected) > 0
    fraction = chosen.repeated / len(rows)
    kept = select(small_run, settings.model_copy(update={"fraction": fraction})).kept
    assert all(np.isin(rows[list(group)], kept).sum() == 1 for group in expected)
