"""Points of a map as they are drawn: all of them, a sample, a grid, and a part."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from influence_core.errors import RunError
from influence_core.mapping.points import (
    CARTOGRAPHY,
    cloud,
    count,
    density,
    hardest,
    inside,
    is_mapped,
    layouts_of,
)
from influence_core.mapping.region import Region, box
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import DEFAULT_SCORES, make_run, read


@pytest.fixture
def charted(runs_root) -> Run:
    """A run with both maps."""
    return make_run(runs_root, "charted", rows=300, scores=(*DEFAULT_SCORES, *CARTOGRAPHY))


def test_every_example_is_on_the_map(charted: Run) -> None:
    found = cloud(charted, "umap", "label", "vog")
    written = read(charted.map_file).to_pandas()
    assert found.total == len(found.points) == 300
    assert not found.sampled
    assert (found.points[["row", "x", "y"]].to_numpy() == written.to_numpy()).all()
    assert found.points["colour"].tolist() == charted.examples()["label"].tolist()
    scores = charted.scores(["row", "vog"]).set_index("row")["vog"]
    assert found.points.set_index("row")["score"].dropna().equals(scores.rename("score"))


def test_cartography_lays_training_rows_out_by_their_scores(charted: Run) -> None:
    found = cloud(charted, "cartography", "correct")
    scores = charted.scores(["row", *CARTOGRAPHY])
    assert found.points["row"].tolist() == scores["row"].tolist()
    assert np.allclose(found.points[["x", "y"]], scores[list(CARTOGRAPHY)])


def test_a_sample_takes_the_same_share_of_every_label(charted: Run) -> None:
    found = cloud(charted, "umap", "label", most=90)
    sizes = charted.examples()["label"].value_counts()
    drawn = found.points["colour"].value_counts()
    assert found.sampled
    assert found.total == 300
    assert drawn.to_dict() == {name: max(size * 3 // 10, 1) for name, size in sizes.items()}
    again = cloud(charted, "umap", "label", most=90)
    assert found.points.equals(again.points)


def test_a_sample_is_drawn_anew_for_other_scores(charted: Run) -> None:
    assert cloud(charted, "cartography", most=90).total > 120
    left = read(charted.scores_file)[:120]
    write_parquet(charted.scores_file, left)
    found = cloud(charted, "cartography", most=90)
    assert found.total == 120
    assert set(found.points["row"]) <= set(left["row"].to_pylist())


def test_a_grid_counts_every_example_once(charted: Run) -> None:
    cells = density(charted, "umap", bins=7)
    points = read(charted.map_file).to_pandas()
    expected, across, up = np.histogram2d(points["x"], points["y"], bins=7)
    assert cells["rows"].sum() == 300
    column = np.searchsorted(across, cells["x"]) - 1
    line = np.searchsorted(up, cells["y"]) - 1
    assert (expected[column, line] == cells["rows"]).all()
    assert len(cells) == (expected > 0).sum()


def test_a_part_holds_rows_that_no_sample_shows(charted: Run) -> None:
    points = read(charted.map_file).to_pandas()
    region = Region(polygons=(box([0, 20], [-5, 5]),))
    inner = points[points["x"].between(0, 20) & points["y"].between(-5, 5)]
    assert inside(charted, "umap", region).tolist() == inner["row"].tolist()
    assert inside(charted, "umap", Region()).tolist() == []


@pytest.mark.parametrize("norm", ["raw", "class"])
def test_the_hardest_share(charted: Run, norm: str) -> None:
    column = "vog" if norm == "raw" else "vog_class_norm"
    scores = charted.scores(["row", column]).sort_values(column, ascending=False, kind="stable")
    found = hardest(charted, "vog", norm, 0.05)
    assert found.tolist() == scores["row"].head(len(found)).tolist()
    assert len(found) == np.ceil(len(scores) * 0.05)


def test_rows_without_a_score_are_not_among_the_hardest(charted: Run) -> None:
    table = charted.scores()
    absent = table.index[::2]
    table.loc[absent, "vog"] = np.nan
    order = table["vog"].rank(ascending=False, method="first", na_option="bottom")
    table["vog_rank"] = order.astype(np.int64)
    write_parquet(charted.scores_file, pa.Table.from_pandas(table, preserve_index=False))
    found = hardest(charted, "vog", "raw", 1.0)
    assert len(found) == len(table) - len(absent)
    assert not set(found) & set(table.loc[absent, "row"])


def test_points_without_a_place_are_left_out(charted: Run) -> None:
    table = charted.scores()
    table.loc[3, "variability"] = np.nan
    write_parquet(charted.scores_file, pa.Table.from_pandas(table, preserve_index=False))
    assert count(charted, "cartography") == len(table) - 1
    assert density(charted, "cartography")["rows"].sum() == len(table) - 1


def test_maps_that_are_there(charted: Run, small_run: Run) -> None:
    assert layouts_of(charted) == ("umap", "cartography")
    assert layouts_of(small_run) == ("umap",)
    small_run.map_file.unlink()
    assert layouts_of(small_run) == ()
    with pytest.raises(RunError, match="influence map small"):
        cloud(small_run, "umap")


def test_a_map_of_other_examples_is_none(small_run: Run) -> None:
    write_parquet(small_run.map_file, read(small_run.map_file).slice(0, 100))
    assert not is_mapped(small_run)


def test_hostile_columns_are_read_as_they_are(hostile_run: Run) -> None:
    for column in hostile_run.examples().columns:
        if column not in ("slots", "id", "row"):
            assert len(cloud(hostile_run, "umap", column).points) == 120
