"""From settings to a subset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from influence_core.errors import ScoreError, SelectionError
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.run import Run
from tests.factory import make_run, read

STRATEGIES = ("cutoff", "softmax", "linear", "random", "stratified")


def frame(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    scores = {
        name: generator.normal(size=rows).round(1)
        for name in ("vog", "vog_class_norm", "pvi", "pvi_class_norm", "aum")
    }
    labels = generator.choice(["a", "b", "c"], rows, p=[0.7, 0.2, 0.1])
    ids = [f"x{number:03d}" for number in range(rows)]
    return pd.DataFrame({"row": np.arange(rows) * 2, "id": ids, "label": labels, **scores})


@given(
    strategy=st.sampled_from(STRATEGIES),
    per_class=st.booleans(),
    prune=st.sampled_from(["easy", "hard"]),
    fraction=st.floats(0, 0.8),
    clip=st.floats(0, 0.1),
    seed=st.integers(0, 5),
    shuffle=st.integers(0, 9),
)
def test_every_way_is_exact_and_blind_to_the_input_order(
    strategy: Any,
    per_class: bool,
    prune: Any,
    fraction: float,
    clip: float,
    seed: int,
    shuffle: int,
) -> None:
    settings = SelectionSettings(
        strategy=strategy,
        per_class=per_class,
        prune=prune,
        fraction=fraction,
        clip_suspicious=min(clip, fraction),
        floor=2,
        seed=seed,
    )
    table = frame()
    chosen = select(table, settings)
    assert len(chosen.kept) == 60 - round(fraction * 60)
    assert sorted([*chosen.kept, *chosen.dropped]) == table["row"].tolist()
    again = select(table.sample(frac=1, random_state=shuffle), settings)
    assert again.kept.tolist() == chosen.kept.tolist()
    assert again.dropped.tolist() == chosen.dropped.tolist()


@given(small=st.floats(0, 0.9), more=st.floats(0, 0.9), strategy=st.sampled_from(STRATEGIES[:4]))
def test_pruning_more_drops_a_superset(small: float, more: float, strategy: Any) -> None:
    small, more = sorted((small, more))
    first, second = (
        set(select(frame(), SelectionSettings(fraction=part, strategy=strategy)).dropped.tolist())
        for part in (small, more)
    )
    assert first <= second


def test_pruning_easy_drops_the_easy_end(small_run: Run) -> None:
    table = read(small_run.scores_file).to_pandas()
    for key, hard_is_high in (("vog", True), ("pvi", False)):
        for prune in ("easy", "hard"):
            settings = SelectionSettings(score=key, normalise="raw", prune=prune, fraction=0.25)
            chosen = select(small_run, settings)
            kept = table.set_index("row").loc[chosen.kept, key]
            dropped = table.set_index("row").loc[chosen.dropped, key]
            low_goes = (prune == "easy") == hard_is_high
            assert kept.min() >= dropped.max() if low_goes else kept.max() <= dropped.min()


def test_ranks_and_cutoffs_agree(small_run: Run) -> None:
    table = read(small_run.scores_file).to_pandas().sort_values("forgetting_rank")
    settings = SelectionSettings(score="forgetting", normalise="raw", fraction=0.5)
    chosen = select(small_run, settings)
    assert chosen.kept.tolist() == sorted(table["row"].tolist()[: len(chosen.kept)])


def test_only_training_rows_are_dropped(small_run: Run) -> None:
    splits = np.array(read(small_run.examples_file)["split"].to_pylist())
    chosen = select(small_run, SelectionSettings(strategy="random", fraction=0.9))
    assert set(splits[chosen.dropped]) == set(splits[chosen.kept]) == {"train"}
    assert len(chosen.kept) + len(chosen.dropped) == (splits == "train").sum()


def test_per_class_and_stratified_keep_the_proportions(small_run: Run) -> None:
    labels = np.array(read(small_run.examples_file)["label"].to_pylist())
    for settings in (
        SelectionSettings(fraction=0.5, per_class=True),
        SelectionSettings(fraction=0.5, strategy="stratified"),
    ):
        chosen = select(small_run, settings)
        for label in set(labels):
            kept, lost = ((labels[rows] == label).sum() for rows in (chosen.kept, chosen.dropped))
            assert abs(kept - lost) <= 2


def test_the_floor_saves_small_classes() -> None:
    table = frame(200)
    table.loc[table["label"] == "c", "vog_class_norm"] = -9.0
    open_floor = select(table, SelectionSettings(fraction=0.5))
    guarded = select(table, SelectionSettings(fraction=0.5, floor=8))
    small = set(table.loc[table["label"] == "c", "row"])
    assert len(small & set(open_floor.kept.tolist())) == 0
    assert len(small & set(guarded.kept.tolist())) == 8
    assert len(guarded.kept) == len(open_floor.kept) == 100


def test_the_suspicious_go_first() -> None:
    table = frame(100)
    settings = SelectionSettings(fraction=0.3, clip_suspicious=0.1, prune="easy")
    chosen = select(table, settings)
    worst = set(table.sort_values(["aum", "id"])["row"][:10])
    assert worst <= set(chosen.dropped.tolist())
    assert (len(chosen.dropped), chosen.clipped) == (30, 10)


def test_rows_without_a_score_are_counted() -> None:
    table = frame(20)
    table.loc[:2, "vog_class_norm"] = np.nan
    assert select(table, SelectionSettings()).unscored == 3
    assert select(table, SelectionSettings(strategy="random")).unscored == 0


def test_nothing_pruned_keeps_everything(small_run: Run) -> None:
    chosen = select(small_run, SelectionSettings(fraction=0))
    assert len(chosen.dropped) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fraction": 1.0}, "less than 1"),
        ({"fraction": -0.1}, "greater than or equal to 0"),
        ({"fraction": 0.1, "clip_suspicious": 0.2}, "must be at most the fraction 0.1; got 0.2"),
        ({"prune": "both", "strategy": "linear"}, "'strategy' must be 'cutoff'"),
        ({"score": None}, "'score' must be given"),
    ],
)
def test_settings_must_fit_together(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SelectionSettings(**settings)


def test_what_a_run_cannot_give_is_said(small_run: Run, runs_root: Path) -> None:
    with pytest.raises(SelectionError, match=r"'score' must be one of vog, .*; got 'confidence'"):
        select(small_run, SelectionSettings(score="confidence"))
    with pytest.raises(SelectionError, match="'clip_by' must be a score that tells wrong labels"):
        select(small_run, SelectionSettings(clip_suspicious=0.1, clip_by="vog"))
    with pytest.raises(SelectionError, match="leave room"):
        select(small_run, SelectionSettings(fraction=0.9, floor=20))
    with pytest.raises(ScoreError, match="no score 'nothing'"):
        select(frame(), SelectionSettings(clip_suspicious=0.1, clip_by="nothing"))
    early = make_run(runs_root, name="early", scored=False)
    with pytest.raises(SelectionError, match="the run has no scores yet"):
        select(early, SelectionSettings())
    assert len(select(early, SelectionSettings(strategy="stratified")).dropped) > 0


def test_every_setting_explains_itself() -> None:
    assert all(field.description for field in SelectionSettings.model_fields.values())
