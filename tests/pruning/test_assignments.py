"""Which cells are trained together."""

from __future__ import annotations

import pytest

from influence_core.pruning import assignments as module
from influence_core.pruning.assignments import assignments
from influence_core.pruning.cells import cells
from influence_core.pruning.material import material_of
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import Run

SETTINGS = ExperimentSettings(
    scores=("vog",), strategies=("easy", "random"), fractions=(0.2, 0.5), seeds=2, equal="epochs"
)


def test_probes_of_a_piece_share_seed_and_steps(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOGETHER", 3)
    material = material_of(small_run, SETTINGS, small_run.private_folder)
    pieces = assignments(material)
    assert sorted(cell.name for piece in pieces for cell in piece.cells) == sorted(
        cell.name for cell in cells(SETTINGS)
    )
    assert all(len({cell.seed for cell in piece.cells}) == 1 for piece in pieces)
    assert max(len(piece.cells) for piece in pieces) <= 3
    batch, epochs = material.training.batch_size, material.training.epochs
    for piece in pieces:
        assert {piece.steps} == {-(-len(rows) // batch) * epochs for rows in piece.subsets}


def test_a_fine_tuned_model_is_a_piece_of_its_own(small_run: Run) -> None:
    settings = SETTINGS.model_copy(update={"mode": "finetune"})
    pieces = assignments(material_of(small_run, settings, small_run.private_folder))
    assert [len(piece.cells) for piece in pieces] == [1] * len(cells(settings))
