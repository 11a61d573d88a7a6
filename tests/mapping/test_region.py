"""What a lasso or a box encloses."""

from __future__ import annotations

import numpy as np

from influence_core.mapping.region import Region, box, lasso

TRIANGLE = lasso([0, 4, 0], [0, 0, 4])
HORSESHOE = lasso([0, 3, 3, 2, 2, 1, 1, 0], [0, 0, 3, 3, 1, 1, 3, 3])


def test_points_of_a_triangle() -> None:
    x, y = [1.0, 3.0, -1.0, 0.5, 1.0], [1.0, 3.0, 1.0, 3.0, -0.1]
    assert Region(polygons=(TRIANGLE,)).contains(x, y).tolist() == [True, False, False, True, False]


def test_what_a_bent_lasso_goes_around_stays_outside() -> None:
    found = Region(polygons=(HORSESHOE,)).contains([0.5, 1.5, 2.5, 1.5], [2.0, 2.0, 2.0, 0.5])
    assert found.tolist() == [True, False, True, True]


def test_any_of_several_polygons_suffices() -> None:
    region = Region(polygons=(TRIANGLE, box([10, 8], [10, 8])))
    assert region.contains([1.0, 9.0, 6.0], [1.0, 9.0, 6.0]).tolist() == [True, True, False]
    assert region.bounds == (0.0, 10.0, 0.0, 10.0)


def test_a_box_is_its_polygon() -> None:
    points = np.random.default_rng(0).uniform(-1, 2, size=(2, 500))
    expected = (points > 0).all(axis=0) & (points < 1).all(axis=0)
    assert (Region(polygons=(box([0, 1], [1, 0]),)).contains(*points) == expected).all()


def test_a_region_without_polygons_is_empty() -> None:
    assert not Region().contains([0.0], [0.0]).any()
