"""How often labels are wrong down a ranking, drawn."""

from __future__ import annotations

import pandas as pd

from influence_core.report.precision import known_precision, reviewed_precision


def test_the_band_goes_out_along_the_upper_ends_and_back_along_the_lower() -> None:
    points = pd.DataFrame(
        {"reviewed": [1, 2, 3], "share": [1.0, 0.5, 2 / 3], "low": [0.2, 0.1, 0.2]}
    ).assign(high=[1.0, 0.9, 0.95])
    band, line = reviewed_precision(points).data
    assert (band.x, band.y) == ((1, 2, 3, 3, 2, 1), (1.0, 0.9, 0.95, 0.2, 0.1, 0.2))
    assert (list(line.x), list(line.y)) == ([1, 2, 3], [1.0, 0.5, 2 / 3])
    assert line.customdata.tolist() == [[0.2, 1.0], [0.1, 0.9], [0.2, 0.95]]


def test_chance_is_a_level_beside_precision_and_recall() -> None:
    points = pd.DataFrame({"k": [1, 2], "precision": [1.0, 0.5], "recall": [0.5, 0.5]})
    precision, recall, chance = known_precision(points, 0.1).data
    assert (list(precision.y), list(recall.y)) == ([1.0, 0.5], [0.5, 0.5])
    assert (list(chance.x), list(chance.y)) == ([1, 2], [0.1, 0.1])
    assert len({line.line.dash for line in (precision, recall, chance)}) == 3
