"""σ against the table of its paper, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.pruning.efficiency import relative_change, sigma


@pytest.mark.parametrize(
    ("change", "fraction", "printed"),
    [
        (0.0604, 0.52, -11.7),
        (0.0523, 0.52, -10.14),
        (0.0548, 0.52, -10.53),
        (0.0294, 0.52, -5.65),
        (0.0362, 0.46, -7.87),
        (0.0152, 0.46, -3.25),
        (0.0053, 0.14, -3.86),
    ],
)
def test_sigma_is_the_paper_s(change: float, fraction: float, printed: float) -> None:
    assert 100 * sigma(change, fraction) == pytest.approx(printed, abs=0.1)


def test_change_is_paired_and_relative_to_the_mean_error_of_the_unpruned() -> None:
    change = relative_change([0.12, 0.11], [0.08, 0.12])
    np.testing.assert_allclose(change, [0.4, -0.1])


def test_nothing_to_relate_to_is_not_a_number() -> None:
    assert np.isnan(relative_change([0.1], [0.0])).all()
    assert relative_change([], []).shape == (0,)
