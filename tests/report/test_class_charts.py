"""Figures of classes: hard is always on top or to the right, and no name becomes HTML."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from influence_core.report import class_charts
from influence_core.report.class_charts import PALE
from influence_core.report.class_scatter import MANY, size_and_hardness
from influence_core.report.naming import FOREMOST, NAMED
from influence_core.report.palette import EASY, HARD, KEPT, MIDDLE


def classes(count: int = 4, seed: int = 0) -> pd.DataFrame:
    """Return classes of which the first ones are the largest and the last ones the hardest."""
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.integers(2, 3_000, count))[::-1]
    hardness = np.linspace(0, 1, count)
    return pd.DataFrame(
        {
            "group": [f"class {place}" for place in range(count)],
            "rows": rows,
            "median": hardness * 2 - 1,
            "hardness": hardness,
            "corner": hardness > 0.5,
            "tested": 10.0,
            "recall": 1 - hardness / 2,
            "raw": hardness,
            "class": 0.7,
            "dataset": hardness,
        }
    )


def names(figure) -> list[str]:
    return list(figure.data[1].text)


def dots_of(figure) -> list:
    return [trace for trace in figure.data if trace.mode == "markers"]


def names_of(figure) -> list[list[str]]:
    return [list(trace.text) for trace in figure.data if "text" in trace.mode]


def test_dots_are_classes_where_they_belong() -> None:
    table = classes()
    figure = size_and_hardness(table, "median", "high")
    dots = figure.data[0]
    assert list(dots.x) == table["rows"].tolist()
    assert list(dots.y) == pytest.approx(table["median"])
    assert [place for place, *_ in dots.customdata] == [0, 1, 2, 3]
    assert (dots.marker.color[0], dots.marker.color[-1]) == (EASY, HARD)
    assert figure.layout.xaxis.type == "log"


def test_hard_is_on_top_whichever_end_it_is() -> None:
    table = classes()
    low, high = size_and_hardness(table, "median", "high").layout.yaxis.range
    assert low < -1 < 1 < high
    turned = table.assign(median=-table["median"])
    top = size_and_hardness(turned, "median", "low")
    low, high = top.layout.yaxis.range
    assert low > 1 > -1 > high
    corner = next(shape for shape in top.layout.shapes if shape.type == "rect")
    assert corner.y1 == pytest.approx(high)


def test_the_corner_is_shaded_from_the_medians_on() -> None:
    table = classes()
    figure = size_and_hardness(table, "median", "high")
    corner = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert corner.x0 < corner.x1 == table["rows"].median()
    assert corner.y1 > corner.y0 == table["median"].median()
    assert [note.text for note in figure.layout.annotations] == ["<b>hard and rare</b>"]
    bare = size_and_hardness(table.assign(corner=False), "median", "high")
    assert not bare.layout.shapes


def test_few_classes_have_names_and_of_many_the_foremost_of_the_corner() -> None:
    assert set(names(size_and_hardness(classes(4), "m", "high"))) == set(classes(4)["group"])
    table = classes(500)
    table["rows"] = np.random.default_rng(1).permutation(table["rows"])
    table["median"] = table["hardness"] ** 8
    shown = names(size_and_hardness(table, "m", "high"))
    assert 0 < len(shown) <= FOREMOST
    assert set(shown) <= set(table.loc[table["corner"], "group"])


def test_names_lie_over_no_other_dot_or_name() -> None:
    at_one_place = classes(NAMED).assign(rows=[100] * (NAMED - 1) + [5], median=0.0)
    shown = names(size_and_hardness(at_one_place, "m", "high"))
    assert shown == [f"class {NAMED - 1}"]


def test_of_many_classes_those_far_out_are_pinned_and_tell_their_own_median() -> None:
    table = classes(MANY + 1)
    table.loc[3, "median"] = 1_000.0
    figure = size_and_hardness(table, "m", "high")
    dots = figure.data[0]
    assert dots.y[3] < figure.layout.yaxis.range[1] < 10
    assert dots.marker.symbol[3] == "triangle-up"
    assert dots.customdata[3][2] == 1_000
    turned = size_and_hardness(table.assign(median=-table["median"]), "m", "low").data[0]
    assert turned.marker.symbol[3] == "triangle-up"


def test_classes_of_one_size_lie_by_hardness() -> None:
    table = classes().assign(rows=80, corner=False)
    figure = size_and_hardness(table, "m", "high")
    assert list(figure.data[0].x) == pytest.approx(table["hardness"])
    assert figure.layout.xaxis.type is None
    kept = class_charts.kept_by_size(table, {"Within": "dataset"}, 0.5)
    assert list(kept.data[0].x) == pytest.approx(table["hardness"])


def test_what_is_not_chosen_pales() -> None:
    dots = size_and_hardness(classes(), "m", "high", chosen=["class 2"]).data[0]
    assert np.argmax(dots.marker.opacity) == 2
    assert np.argmax(dots.marker.line.width) == 2
    assert min(dots.marker.opacity) == pytest.approx(0.85 * PALE)
    bars = class_charts.sizes(classes(), 0.2, chosen=["class 0"]).data[0]
    assert list(bars.marker.opacity) == [1, PALE, PALE, PALE]


def test_sizes_fall_and_the_head_is_marked() -> None:
    table = classes(12).sample(frac=1, random_state=0).reset_index(drop=True)
    bars = class_charts.sizes(table, 0.2).data[0]
    assert list(bars.y) == sorted(table["rows"], reverse=True)
    assert list(bars.marker.color) == [KEPT] * 3 + [MIDDLE] * 9
    assert [table["group"][place] for place in bars.customdata] == list(bars.text)


def test_shares_kept_stand_in_the_panel_and_line_of_their_normalisation() -> None:
    table = classes()
    panels = {"Within its class": "class", "Within the dataset": "dataset"}
    figure = class_charts.kept_by_size(table, panels, 0.7)
    assert [list(dots.y) for dots in dots_of(figure)] == [
        table["class"].tolist(),
        pytest.approx(table["dataset"].tolist()),
    ]
    lines = class_charts.kept_by_class(table, {"one": "dataset", "other": "class"}, 0.7)
    shown = {line.name: list(line.x) for line in lines.data if line.name}
    assert shown["one"] == pytest.approx(table["dataset"].tolist())
    assert shown["other"] == table["class"].tolist()
    assert list(lines.layout.yaxis.ticktext) == table["group"].tolist()


def test_titles_of_panels_stand_above_the_name_of_a_dot_on_top() -> None:
    figure = class_charts.kept_by_size(classes().assign(dataset=1.0), {"Within": "dataset"}, 0.5)
    (title,) = figure.layout.annotations
    assert title.yshift >= 12
    assert figure.layout.margin.t >= 44 + title.yshift


def test_recall_is_drawn_against_size_and_score() -> None:
    table = classes()
    by_size, by_score = dots_of(class_charts.recall(table, "score", "high"))
    assert list(by_size.x) == table["rows"].tolist()
    assert list(by_score.x) == pytest.approx(table["median"])
    assert list(by_size.y) == list(by_score.y) == pytest.approx(table["recall"])
    turned = class_charts.recall(table, "score", "low")
    assert turned.layout.xaxis2.range[0] > 1 > -1 > turned.layout.xaxis2.range[1]


def test_recall_of_classes_of_one_size_is_drawn_against_their_score_alone() -> None:
    table = classes().assign(rows=80)
    [by_score] = dots_of(class_charts.recall(table, "score", "high"))
    assert list(by_score.x) == pytest.approx(table["median"])


def test_classes_learnt_worst_are_named_first() -> None:
    table = classes(40).assign(recall=[0.5, 0.6, *[1.0] * 38])
    for told in names_of(class_charts.recall(table, "score", "high")):
        assert told[:2] == ["class 0", "class 1"]
        assert len(told) <= FOREMOST


def test_classes_furthest_from_the_share_of_all_are_named_first() -> None:
    table = classes(9)
    within_class, within_dataset = names_of(
        class_charts.kept_by_size(table, {"one": "class", "other": "dataset"}, 0.7)
    )
    assert within_dataset[0] == "class 0"
    assert within_class


def test_names_of_classes_are_escaped() -> None:
    table = classes().assign(group="<b>x</b>")
    columns = {"<b>x</b>": "dataset"}
    for figure in (
        size_and_hardness(table, "m", "high"),
        class_charts.sizes(table, 0.2),
        class_charts.kept_by_size(table, columns, 0.5),
        class_charts.kept_by_class(table, columns, 0.5),
        class_charts.recall(table, "<b>x</b>", "high"),
    ):
        assert "<b>x" not in figure.to_json().replace("\\u003c", "<")
