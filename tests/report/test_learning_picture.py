"""The picture of one example's training says what its snapshots recorded."""

from __future__ import annotations

import pandas as pd
import pytest

from influence_core.report.learning_picture import BOTTOM, LEFT, RIGHT, TOP, learning_picture
from influence_core.report.palette import EASY, HARD
from tests.report.document import Document


def drawn(points: pd.DataFrame) -> Document:
    document = Document()
    document.feed(learning_picture(points))
    assert document.open == []
    return document


def points(*moments: tuple[float, float, bool]) -> pd.DataFrame:
    return pd.DataFrame(moments, columns=["epoch", "p_true", "correct"])


def test_marks_lie_where_the_snapshots_say() -> None:
    document = drawn(points((0.0, 0.0, False), (1.0, 0.5, False), (2.0, 1.0, True)))
    placed = [told["transform"] for name, told in document.elements if "transform" in told][:3]
    middle = ((LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2)
    places = ((LEFT, BOTTOM), middle, (RIGHT, TOP))
    assert placed == [f"translate({float(x)} {float(y)})" for x, y in places]


def test_right_and_wrong_differ_by_shape_colour_and_words() -> None:
    written = learning_picture(points((0.5, 0.2, False), (1.0, 0.9, True)))
    wrong, right = written.split("<title>")[1:]
    assert wrong.startswith("epoch 0.5: 20.0%, wrong")
    assert HARD in wrong.split("</g></g>")[0]
    assert right.startswith("epoch 1: 90.0%, right")
    assert EASY in right.split("</g></g>")[0]
    assert '<circle r="4.5"' in right.split("</g></g>")[0]
    assert "<path" in wrong.split("</g></g>")[0]


def test_it_is_described_for_those_who_do_not_see_it() -> None:
    document = drawn(points((1.0, 0.125, False), (2.0, 0.875, True)))
    _, outer = document.elements[0]
    told = "From 12.5% sure of the label to 87.5%; right in 1 of 2 snapshots."
    assert (outer["role"], outer["aria-label"]) == ("img", told)


def test_snapshots_that_did_not_see_it_are_left_out() -> None:
    seen = points((1.0, 0.2, True), (2.0, float("nan"), False), (3.0, 0.6, True))
    written = learning_picture(seen)
    assert "nan" not in written
    assert "right in 2 of 2 snapshots" in written
    assert learning_picture(seen.iloc[[1]]) == ""
    assert learning_picture(seen.iloc[:0]) == ""


@pytest.mark.parametrize("epoch", [0.0, 3.0])
def test_one_snapshot_is_enough(epoch: float) -> None:
    assert "right" in drawn(points((epoch, 0.4, True))).words
