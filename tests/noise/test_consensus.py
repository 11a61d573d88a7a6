"""Suspicion in [0, 1], and what detectors say together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from influence_core.noise.consensus import consensus, suspicion, unanimous


def test_suspicion_by_hand() -> None:
    np.testing.assert_allclose(suspicion([3.0, 1.0, 2.0, 2.0]), [0.875, 0.125, 0.5, 0.5])
    np.testing.assert_allclose(suspicion([3.0, 1.0, 2.0, 2.0], "low"), [0.125, 0.875, 0.5, 0.5])
    np.testing.assert_allclose(suspicion([np.inf, np.nan, 0.0]), [0.75, np.nan, 0.25])


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=40))
def test_suspicion_knows_the_order_alone(values: list[int]) -> None:
    plain = np.array(values, float)
    found = suspicion(plain)
    np.testing.assert_array_equal(found, suspicion(plain**3))
    np.testing.assert_allclose(found, 1 - suspicion(plain, "low"))
    assert ((found > 0) & (found < 1)).all()


def test_detectors_of_one_witness_share_a_vote() -> None:
    read = {"aum": np.array([0.8, 0.2]), "el2n": np.array([0.6, 0.4]), "near": np.array([0.1, 0.9])}
    witnesses = {"aum": "training", "el2n": "training", "near": "neighbours"}
    np.testing.assert_allclose(consensus(read, witnesses), [0.4, 0.6])


def test_what_is_missing_has_no_vote() -> None:
    read = {"a": np.array([0.8, np.nan, np.nan]), "b": np.array([0.4, 0.6, np.nan])}
    found = consensus(read, {"a": "one", "b": "two"})
    np.testing.assert_allclose(found, [0.6, 0.6, np.nan])
    np.testing.assert_array_equal(consensus({"b": read["b"]}, {"b": "two"}), read["b"])


def test_unanimous_is_what_every_witness_flags() -> None:
    read = {"a": np.array([0.95, 0.95, 0.5]), "b": np.array([0.97, 0.6, 0.99])}
    assert unanimous(read, {"a": "one", "b": "two"}, 0.1).tolist() == [True, False, False]
    assert unanimous(read, {"a": "one"}, 0.1).tolist() == [True, True, False]
