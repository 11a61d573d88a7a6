"""The grid of an experiment."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from influence_core.config import Mode, TrainingSettings
from influence_core.pruning.cells import Cell, Curve, cells, curves, epochs_of
from influence_core.pruning.settings import ExperimentSettings


def test_random_curves_do_not_multiply_with_scores() -> None:
    settings = ExperimentSettings(
        scores=("vog", "el2n"),
        strategies=("easy", "random", "stratified"),
        normalise=("class", "dataset"),
        fractions=(0.5, 0.2),
        seeds=2,
        seed=7,
    )
    names = [curve.name for curve in curves(settings)]
    assert names == [
        "vog-class-easy",
        "vog-dataset-easy",
        "el2n-class-easy",
        "el2n-dataset-easy",
        "random",
        "stratified",
    ]
    grid = cells(settings)
    assert [cell.name for cell in grid[:3]] == [
        "full-seed7",
        "full-seed8",
        "vog-class-easy-0.2-seed7",
    ]
    assert len(grid) == len({cell.name for cell in grid}) == 2 + 6 * 2 * 2


def test_curves_can_be_named_one_by_one() -> None:
    names = ("vog-class-easy", "my-own-raw-softmax", "random", "vog-class-easy", "stratified")
    settings = ExperimentSettings(scores=("vog", "el2n"), curves=names)
    assert curves(settings) == [
        Curve("easy", "vog", "class"),
        Curve("softmax", "my-own", "raw"),
        Curve("random"),
        Curve("stratified"),
    ]


@pytest.mark.parametrize("name", ["vog", "vog-easy", "-class-easy", "vog-class-random", ""])
def test_a_curve_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="curves"):
        ExperimentSettings(curves=("random", name))


def test_cut_offs_are_alike_for_all_seeds_and_draws_are_not() -> None:
    settings = ExperimentSettings(per_class=True, floor=3)
    cut = [Cell(Curve("easy", "vog", "class"), 0.5, seed).selection(settings) for seed in (0, 1)]
    drawn = [
        Cell(Curve("softmax", "vog", "class"), 0.5, seed).selection(settings) for seed in (0, 1)
    ]
    assert cut[0] == cut[1]
    assert drawn[0] != drawn[1]
    assert cut[0] is not None
    assert (cut[0].per_class, cut[0].floor) == (True, 3)


def test_random_stays_random_whatever_protects_the_scores() -> None:
    settings = ExperimentSettings(per_class=True, floor=3, clip_suspicious=0.05)
    wanted = Cell(Curve("random"), 0.5, 0).selection(settings)
    assert wanted is not None
    assert (wanted.strategy, wanted.per_class, wanted.floor) == ("random", False, 0)
    assert wanted.clip_suspicious == 0


def test_the_unpruned_models_keep_everything() -> None:
    assert Cell(None, 0.0, 0).selection(ExperimentSettings()) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"fractions": (0.0,)},
        {"fractions": (1.0,)},
        {"fractions": ()},
        {"strategies": ("best",)},
        {"clip_suspicious": 0.2, "fractions": (0.1,)},
        {"keep_embeddings": True, "mode": "probe"},
    ],
)
def test_broken_settings_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ExperimentSettings.model_validate(broken)


@pytest.mark.parametrize(
    ("wish", "mode", "rows", "epochs"),
    [
        (3, "probe", 100, 3),
        (None, "finetune", 100, 10),
        (None, "probe", 100, 1_000),
        (None, "probe", 128 * 30, 34),
        (None, "probe", 128 * 200, 10),
    ],
)
def test_a_probe_takes_at_least_a_thousand_steps(
    wish: int | None, mode: Mode, rows: int, epochs: int
) -> None:
    settings = ExperimentSettings(epochs=wish, mode=mode)
    training = TrainingSettings(epochs=10, batch_size=128)
    assert epochs_of(settings, training, rows) == epochs
