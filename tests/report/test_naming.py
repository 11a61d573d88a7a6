"""Names of dots keep clear of dots, of one another and of lines."""

from __future__ import annotations

import pandas as pd
import pytest

from influence_core.report.naming import FOREMOST, NAMED, Plane, names

PLANE = Plane(across=(0, 1), up=(0, 1))


def sides(x: list[float], y: list[float], plane: Plane = PLANE) -> dict[str, str]:
    groups = pd.Series([f"dot {place}" for place in range(len(x))])
    found = names(groups, pd.Series(x), pd.Series(y), range(len(x)), plane)
    return dict(zip(found.text, found.textposition, strict=True))


def test_a_name_stands_to_the_right_where_there_is_room() -> None:
    assert sides([0.5], [0.5]) == {"dot 0": "middle right"}


@pytest.mark.parametrize(
    ("x", "y", "side"),
    [(0.98, 0.5, "middle left"), (0.02, 0.5, "middle right"), (0.5, 0.0, "middle right")],
)
def test_a_name_stays_inside(x: float, y: float, side: str) -> None:
    assert sides([x], [y])["dot 0"] == side


def test_a_name_hides_no_other_dot() -> None:
    assert sides([0.5, 0.52], [0.5, 0.5]) == {"dot 0": "middle left", "dot 1": "middle right"}
    assert "dot 0" not in sides([0.5, 0.52, 0.48], [0.5] * 3)


def test_a_name_keeps_clear_of_lines_where_it_can() -> None:
    beside = Plane(across=(0, 1), up=(0, 1), upright=(0.52,))
    assert sides([0.5], [0.5], beside) == {"dot 0": "middle left"}
    through = Plane(across=(0, 1), up=(0, 1), level=(0.5,))
    assert sides([0.5], [0.5], through) == {"dot 0": "top center"}
    everywhere = Plane(across=(0, 1), up=(0, 1), level=(0.46, 0.5, 0.54))
    assert sides([0.5], [0.5], everywhere) == {"dot 0": "middle right"}


def test_a_narrow_panel_has_less_room() -> None:
    assert sides([0.93], [0.5]) == {"dot 0": "middle right"}
    assert sides([0.93], [0.5], Plane((0, 1), (0, 1), width=450)) == {"dot 0": "middle left"}


def test_powers_of_ten_and_turned_axes_are_where_they_are_drawn() -> None:
    assert sides([9.0], [0.5], Plane((0, 1), (0, 1), log=True)) == {"dot 0": "middle left"}
    assert sides([0.02], [0.5], Plane((1, 0), (0, 1))) == {"dot 0": "middle left"}


def test_of_many_dots_the_first_told_are_named() -> None:
    many = [place / 40 for place in range(NAMED + 1)]
    across = [(7 * place) % (NAMED + 1) / 25 for place in range(NAMED + 1)]
    assert list(sides(across, many)) == [f"dot {place}" for place in range(FOREMOST)]
    assert len(sides(across[:NAMED], many[:NAMED])) > FOREMOST
