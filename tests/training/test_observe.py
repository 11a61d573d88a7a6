import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from influence_core.errors import RunError
from influence_core.training.dynamics import COLUMNS, observe, read_snapshots, write_snapshot
from influence_core.training.schedule import checkpoint_steps, snapshot_steps, steps_in_epoch

logits_of_rows = arrays(
    np.float64, st.tuples(st.integers(1, 8), st.integers(2, 5)), elements=st.floats(-30, 30)
)


def test_by_hand():
    logits = torch.tensor([[0.0, 0.0], [np.log(3.0), 0.0]], dtype=torch.float64)
    found = observe(logits, torch.tensor([0, 1]))
    np.testing.assert_allclose(found["p_true"], [0.5, 0.25])
    np.testing.assert_allclose(found["loss"], [np.log(2), np.log(4)])
    np.testing.assert_allclose(found["margin"], [0, -np.log(3)], atol=1e-12)
    np.testing.assert_allclose(found["el2n"], [np.sqrt(0.5), np.sqrt(2) * 0.75])
    assert found["correct"].tolist() == [False, False]


@given(logits_of_rows, st.integers(0, 1_000), st.floats(-50, 50))
def test_definitions_and_shift(logits, seed, shift):
    labels = np.random.default_rng(seed).integers(0, logits.shape[1], len(logits))
    found = observe(torch.from_numpy(logits), torch.from_numpy(labels))
    moved = observe(torch.from_numpy(logits + shift), torch.from_numpy(labels))
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    error = p - np.eye(logits.shape[1])[labels]
    np.testing.assert_allclose(found["el2n"], np.linalg.norm(error, axis=1), atol=1e-9)
    np.testing.assert_allclose(found["p_true"], p[np.arange(len(p)), labels], atol=1e-12)
    for name in COLUMNS[:-1]:
        np.testing.assert_allclose(moved[name], found[name], atol=1e-9)


def test_el2n_keeps_its_digits_when_the_model_is_sure():
    logits = torch.tensor([[40.0, 0.0]], dtype=torch.float32)
    found = observe(logits, torch.tensor([0]))["el2n"].item()
    assert found == pytest.approx(np.sqrt(2) * np.exp(-40), rel=1e-5)


def test_snapshots_come_back_in_the_order_of_training(tmp_path):
    columns = {name: np.zeros(3, np.float32) for name in COLUMNS}
    for step in (1_200_000, 50, 100):
        write_snapshot(tmp_path, step, step / 100, {**columns, "correct": np.ones(3, bool)})
    found = read_snapshots(tmp_path)
    assert [snapshot.step for snapshot in found] == [50, 100, 1_200_000]
    assert found[0].epoch == 0.5
    assert found[0].column("correct").all()


def test_no_snapshots(tmp_path):
    with pytest.raises(RunError, match="no training dynamics"):
        read_snapshots(tmp_path)


@given(st.integers(1, 5_000), st.integers(2, 40))
def test_checkpoints_are_even_and_end_with_training(total, count):
    steps = checkpoint_steps(total, count)
    assert len(steps) == len(set(steps)) == min(total, count)
    assert steps[-1] == total
    assert steps[0] >= 1
    assert max(np.diff([0, *steps])) - min(np.diff([0, *steps])) <= 1


def test_schedule():
    assert steps_in_epoch(129, 128) == 2
    assert snapshot_steps(400, 4, 150, 1) == [100, 200, 300, 400, 800, 1200, 1600]
    assert snapshot_steps(2, 2, 50, 2) == [1, 2, 3, 4]
