"""Figures of a stack: cells are shares of a domain's rows, marks its share; names stay text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from influence_core.report.stack_charts import MOST, confusion, shares, sources

COUNTS = pd.DataFrame(
    [[4.0, 0.0, 1.0], [2.0, 18.0, 0.0], [0.0, 0.0, 0.0]],
    index=["music", "lights", "never"],
    columns=["music", "lights", "never"],
)

TITLES = {"random": "Random", "vog": "VoG", "mixed": "VoG and entropy"}
ROLES = {"random": "random", "vog": "score", "mixed": "score"}


def table(domains: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": [f"domain {place}" for place in range(domains)],
            "before": 0.3,
            "random": 0.31,
            "vog": 0.2,
            "mixed": 0.4,
        }
    )


def test_cells_are_shares_of_the_true_domain_the_largest_first() -> None:
    found, wrong = confusion(COUNTS).data
    nothing = np.nan
    assert np.array_equal(
        np.array(found.z, float),
        [[0.9, nothing, nothing], [nothing, 0.8, nothing], [nothing, nothing, 0]],
        equal_nan=True,
    )
    assert np.array_equal(
        np.array(wrong.z, float),
        [[nothing, 0.1, nothing], [nothing, nothing, 0.2], [nothing] * 3],
        equal_nan=True,
    )
    assert wrong.zmax == pytest.approx(0.2)
    assert list(wrong.customdata[0][1]) == ["lights", "music", 2.0, 20.0]
    assert list(confusion(COUNTS).layout.yaxis.ticktext) == ["lights", "music", "never"]


def test_the_largest_domain_is_on_top() -> None:
    low, high = confusion(COUNTS).layout.yaxis.range
    assert low > high


def test_where_nothing_is_confused_only_the_diagonal_is_drawn() -> None:
    found, wrong = confusion(pd.DataFrame(np.eye(2), index=["a", "b"], columns=["a", "b"])).data
    assert np.isnan(np.array(wrong.z, float)).all()
    assert np.array(found.z, float).trace() == 2


def test_of_many_domains_the_largest_are_drawn_by_shares_of_all_their_rows() -> None:
    names = [f"domain {place}" for place in range(500)]
    counts = np.ones((500, 500)) + np.diag(np.arange(500.0))
    found, wrong = confusion(pd.DataFrame(counts, index=names, columns=names)).data
    assert np.array(wrong.z).shape == (MOST, MOST)
    assert found.customdata[0][0][0] == "domain 499"
    assert found.z[0][0] == pytest.approx(500 / 999)
    assert wrong.z[0][1] == pytest.approx(1 / 999)


def test_marks_lie_at_the_shares() -> None:
    before, *marks = shares(table(), TITLES, ROLES).data
    assert list(before.x) == [0.3] * 3
    assert [mark.name for mark in marks] == list(TITLES.values())
    assert [mark.x[0] for mark in marks] == [0.31, 0.2, 0.4]
    assert list(marks[0].y) == [0, 1, 2]


def test_compared_techniques_differ_in_colour_and_all_in_symbol() -> None:
    _, *marks = shares(table(), TITLES, ROLES).data
    assert len({mark.line.color for mark in marks}) == 3
    assert len({mark.marker.symbol for mark in marks}) == 3


def test_a_technique_has_the_colour_that_its_pruning_curve_has() -> None:
    from influence_core.report.charts import pruning_curves

    points = pd.DataFrame({"curve": list(TITLES.values()), "role": list(ROLES.values())})
    curves = pruning_curves(
        points.assign(experiment="one", fraction=0.5, mean=0.1, std=0.01), "Errors"
    )
    drawn = {line.name: line.line.color for line in curves.data if line.mode == "lines+markers"}
    _, *marks = shares(table(), TITLES, ROLES).data
    assert {mark.name: mark.line.color for mark in marks} == drawn


MIX = pd.DataFrame(
    {
        "group": ["all", "all", "music", "music"],
        "source": ["traffic", "synthetic"] * 2,
        "rows": [6, 2, 1, 1],
        "share": [0.75, 0.25, 0.5, 0.5],
    }
)


def test_sources_stand_in_one_bar_a_domain_in_their_order() -> None:
    figure = sources(MIX)
    first, second = figure.data
    assert (first.name, second.name) == ("traffic", "synthetic")
    assert (list(first.x), list(second.x)) == ([0.75, 0.5], [0.25, 0.5])
    assert list(first.y) == list(second.y) == [0, 1]
    assert list(second.customdata[0]) == ["all", 2]
    assert figure.layout.barmode == "stack"
    assert list(figure.layout.yaxis.ticktext) == ["all", "music"]


def test_no_name_becomes_markup() -> None:
    name = "<b>bold</b>"
    counts = pd.DataFrame([[1.0, 1.0], [0.0, 1.0]], index=[name, "b"], columns=[name, "b"])
    figures = (
        confusion(counts),
        shares(table(1).assign(group=name), TITLES, ROLES),
        sources(MIX.assign(source=name)),
        sources(MIX.assign(group=name)),
    )
    for figure in figures:
        assert "<b>bold" not in figure.to_json().replace("\\u003c", "<").replace("\\u003e", ">")
