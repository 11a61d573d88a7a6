"""How often reviewed labels were wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from influence_core.noise.reviewed import precision, precision_by_rank, wilson
from influence_core.store.review import Action, Decision


def said(id: str, action: Action) -> Decision:
    new = "other" if action == "relabel" else None
    return Decision(1, 1, id, action, "label", new, "Ada", "2026-01-01T00:00:00+00:00")


def test_the_interval_is_wilsons() -> None:
    pairs = [(0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (500, 1000)]
    low, high = wilson(*(np.array(part) for part in zip(*pairs, strict=True)))
    expected = [binomtest(k, n).proportion_ci(method="wilson") for k, n in pairs]
    np.testing.assert_allclose(low, [one.low for one in expected], atol=1e-12)
    np.testing.assert_allclose(high, [one.high for one in expected], atol=1e-12)


def test_what_is_skipped_says_nothing() -> None:
    actions: list[Action] = ["keep", "relabel", "drop", "skip", "keep", "keep"]
    found = precision(said(str(number), action) for number, action in enumerate(actions))
    assert (found.reviewed, found.wrong, found.share) == (5, 2, 0.4)
    assert 0 < found.low < 0.4 < found.high < 1


def test_before_the_first_decision_nothing_is_known() -> None:
    found = precision([])
    assert (found.reviewed, found.low, found.high) == (0, 0, 1)
    assert np.isnan(found.share)


def test_precision_down_the_rank() -> None:
    table = pd.DataFrame({"id": ["c", "a", "e", "b", "d"], "rank": [1, 2, 3, 4, 5]})
    standing = {
        "a": said("a", "keep"),
        "b": said("b", "drop"),
        "c": said("c", "relabel"),
        "e": said("e", "skip"),
    }
    found = precision_by_rank(table, standing)
    assert found["id"].tolist() == ["c", "a", "b"]
    assert found["rank"].tolist() == [1, 2, 4]
    assert found["wrong"].tolist() == [1, 1, 2]
    assert found["share"].tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    last, whole = found.iloc[-1], precision(standing.values())
    assert (last["low"], last["high"]) == pytest.approx((whole.low, whole.high))


def test_without_decisions_the_rank_is_empty() -> None:
    table = pd.DataFrame({"id": ["a"], "rank": [1]})
    assert precision_by_rank(table, {}).empty
