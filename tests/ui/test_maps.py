"""The map page: what is drawn and said, what is picked, and what a run without a map offers."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from influence_core.config import RunSettings, TrainingSettings
from influence_core.mapping import points as on_map
from influence_core.mapping.region import Region, box
from influence_core.store.files import write_parquet
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from tests.factory import DEFAULT_SCORES, make_run, read
from ui import maps
from ui.picking import Part

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("charted")
    make_run(root, "charted", rows=300, scores=(*DEFAULT_SCORES, *on_map.CARTOGRAPHY))
    return root


@pytest.fixture
def run(made: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(made / "charted", runs_root / "charted"))


def visit(part: Region | None = None, **view: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=200)
    app.switch_page("pages/map.py")
    for name, value in {"run": "charted", **view}.items():
        app.query_params[name] = value
    if part is not None:
        app.session_state["part_of_the_map"] = Part(part, "map charted umap")
    return app.run()


def said(app: AppTest) -> str:
    elements = [*app.caption, *app.markdown, *app.text, *app.subheader, *app.info, *app.success]
    return "\n".join(str(element.value) for element in elements)


def traces(app: AppTest) -> dict[str, dict]:
    """Return what is drawn, by its name."""
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    return {trace.get("name", trace["type"]): trace for trace in figure["data"]}


def drawn(trace: dict) -> list[int]:
    """Return the rows of a trace, which travel as bytes of numbers."""
    data = trace["customdata"]
    return np.frombuffer(base64.b64decode(data["bdata"]), data["dtype"]).tolist()


def test_every_class_has_its_points(run: Run) -> None:
    app = visit()
    assert not app.exception
    assert not app.error
    found, examples = traces(app), run.examples(["label"])
    assert set(found) == set(examples["label"])
    for name, trace in found.items():
        assert drawn(trace) == examples.index[examples["label"] == name].tolist()
    assert len({trace["marker"]["symbol"] for trace in found.values()}) == len(found)
    assert "All 300 rows." in said(app)


def test_classes_are_brought_to_the_front(run: Run) -> None:
    label = run.examples(["label"])["label"].iloc[0]
    found = traces(visit(front=label))
    assert set(found) == {"other", label}
    assert len(drawn(found["other"])) + len(drawn(found[label])) == 300


def test_scores_run_from_easy_to_hard_in_one_direction(run: Run) -> None:
    for score in ("vog", "aum"):
        trace = traces(visit(colour=f"score:{score}"))["with a score"]
        data = trace["marker"]["color"]
        shade = np.frombuffer(base64.b64decode(data["bdata"]), data["dtype"])
        values = run.scores(["row", score]).set_index("row")[score].loc[drawn(trace)]
        hard = values.to_numpy() * (1 if score == "vog" else -1)
        assert shade[hard.argmax()] == shade.max() == 1
        assert shade[hard.argmin()] == shade.min()


def test_what_was_never_learnt_is_hard_by_forgetting(run: Run) -> None:
    table = run.scores()
    never = table["forgetting"].idxmin()
    table.loc[never, ["forgetting", "never_learnt"]] = (0.0, True)
    table.loc[table["forgetting_rank"] < table["forgetting_rank"][never], "forgetting_rank"] += 1
    table.loc[never, "forgetting_rank"] = 1
    write_parquet(run.scores_file, pa.Table.from_pandas(table, preserve_index=False))
    trace = traces(visit(colour="score:forgetting"))["with a score"]
    data = trace["marker"]["color"]
    shade = np.frombuffer(base64.b64decode(data["bdata"]), data["dtype"])
    assert drawn(trace)[shade.argmax()] == table["row"][never]


def test_colours_of_a_score_stay_where_rows_are_dropped(run: Run) -> None:
    shades = []
    for view in ({}, {"drop": "50"}):
        trace = traces(visit(colour="score:vog", **view))["with a score"]
        data = trace["marker"]["color"]
        shade = np.frombuffer(base64.b64decode(data["bdata"]), data["dtype"])
        shades.append(dict(zip(drawn(trace), shade.tolist(), strict=True)))
    whole, half = shades
    assert len(half) < len(whole)
    assert half == {row: whole[row] for row in half}


def test_rows_that_are_filtered_out_stay_faint(run: Run) -> None:
    label = run.examples(["label"])["label"].iloc[0]
    inside = run.examples(["label"])["label"] == label
    app = visit(Region(polygons=(box([-99, 99], [-99, 99]),)), label=label)
    found = traces(app)
    assert drawn(found[label]) == inside.index[inside].tolist()
    assert drawn(found["filtered out"]) == inside.index[~inside].tolist()
    assert f"What are these {inside.sum()} rows?" in said(app)


def test_the_hardest_are_ringed_and_pruned_ones_crossed(run: Run) -> None:
    app = visit(hardest="yes", drop="50", score="el2n")
    found = traces(app)
    gone = set(drawn(found["dropped"]))
    ringed = drawn(found["hardest 5%"])
    hardest = set(on_map.hardest(run, "el2n", "raw", 0.05).tolist())
    train = int((run.examples(["split"])["split"] == "train").sum())
    assert len(gone) == train - round(train / 2)
    assert ringed
    assert set(ringed) == hardest - gone
    assert f"{len(gone)} rows that pruning drops" in said(app)


def test_the_cartography_map_has_its_axes(run: Run) -> None:
    app = visit(layout="cartography", colour="correct")
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert figure["layout"]["xaxis"]["title"]["text"].startswith("Variability")
    train = int((run.examples(["split"])["split"] == "train").sum())
    assert sum(len(drawn(trace)) for trace in figure["data"]) == train


def test_a_map_that_is_the_only_one_needs_no_switch(run: Run) -> None:
    def switches() -> list[str]:
        return [one.label for one in visit().button_group if one.key == "layout"]

    assert len(switches()) == 1
    run.map_file.unlink()
    app = visit()
    assert not switches()
    assert not app.exception
    assert "Which examples were learnt easily" in said(app)


def test_selections_and_decisions_colour_points(run: Run) -> None:
    Selections(run).create("odd", [1, 3, 5])
    assert drawn(traces(visit(colour="selection:odd"))["in odd"]) == [1, 3, 5]
    train = run.examples(["id", "label", "split"]).query("split == 'train'").head(2)
    Reviews(run).decide(dict(zip(train["id"], train["label"], strict=True)), "drop", "Ada")
    assert drawn(traces(visit(colour="decisions:"))["drop"]) == train.index.tolist()


def test_what_is_picked_is_listed_and_kept(run: Run) -> None:
    points = read(run.map_file).to_pandas()
    inner = points[points["x"] > 5]["row"].tolist()
    app = visit(Region(polygons=(box([5, 99], [-99, 99]),)))
    assert not app.exception
    assert f"What are these {len(inner)} rows?" in said(app)
    table = next(frame.value for frame in app.dataframe if "value" in frame.value)
    assert set(table["row"]) <= set(inner)
    assert len(table) == 15
    ranks = run.scores(["row", "vog_rank"]).set_index("row")["vog_rank"]
    assert table["row"].tolist() == ranks[ranks.index.isin(inner)].sort_values().index[:15].tolist()
    app.text_input(key="map.name").set_value("right").run()
    app.button(key="map.make").click().run()
    assert f"holds {len(inner)} rows" in said(app)
    assert Selections(run).rows("right").tolist() == inner
    app.text_input(key="map.name").set_value("right").run()
    app.button(key="map.make").click().run()
    assert "already" in app.error[0].value


def test_more_points_than_can_be_drawn_are_sampled(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "DRAWN", 200)
    monkeypatch.setattr(maps, "SAMPLED", 60)
    app = visit()
    found = traces(app)
    points = sum(len(drawn(trace)) for name, trace in found.items() if name != "heatmap")
    assert points <= 60
    assert f"A sample of {points} of 300 rows" in said(app)
    assert "heatmap" in found


def test_a_point_of_the_address_is_read(run: Run) -> None:
    row = run.examples(["id", "text"]).iloc[7]
    app = visit(point=row["id"])
    assert row["text"] in [element.value for element in app.text]


def test_a_boolean_column_with_gaps_colours(run: Run) -> None:
    examples = read(run.examples_file)
    odd = pa.array([None if row % 7 == 0 else row % 2 == 1 for row in range(len(examples))])
    write_parquet(run.examples_file, examples.append_column("odd", odd))
    app = visit(colour="odd")
    assert not app.exception
    assert {"True", "False", "(none)"} <= {name.strip() for name in traces(app)}


def test_hostile_names_stay_text(hostile_run: Run) -> None:
    app = visit(run="hostile")
    assert not app.exception
    assert "&lt;b&gt;bold&lt;/b&gt;" in traces(app)
    for column in ("source", "=cmd", "größe 🎉", "frequency"):
        assert not visit(run="hostile", colour=column).exception


def test_a_run_without_a_map_offers_to_make_one(small_run: Run) -> None:
    small_run.map_file.unlink()
    np.save(small_run.embeddings_file, np.zeros((400, 4), np.float16))
    app = visit(run="small")
    assert not app.exception
    assert "has no map of meaning yet" in said(app)
    assert "Make the map" in [button.label for button in app.button]
    assert not app.get("plotly_chart")


def test_a_run_without_an_encoder_says_why(small_run: Run) -> None:
    small_run.map_file.unlink()
    settings = RunSettings(training=TrainingSettings(mode="probe"))
    small_run.update(settings=settings)
    app = visit(run="small")
    assert "no encoder to map this run by" in said(app)
    assert "Make the map" not in [button.label for button in app.button]
