"""The Examples page: lists, both ends side by side, one example whole, ticks and selections."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from influence_core.noise.near import nearest
from influence_core.noise.table import find_noise, suspected, write_noise
from influence_core.scores.pairwise.explain import explain
from influence_core.store import tables
from influence_core.store.files import write_parquet
from influence_core.store.query import ExampleQuery
from influence_core.store.rows import find_rows, texts
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from influence_core.training.untuned import untuned_file
from tests.factory import read
from tests.noise.blobs import give_features
from tests.trained import train
from tests.ui.everything import messages, visit
from ui import nearby, ticked
from ui import tables as tables_of_ui
from ui.tables import Ticks


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A folder with a fine-tuned run and a probe."""
    root = tmp_path_factory.mktemp("trained")
    train(root, tiny_encoder, "finetune", ("vog", "tracin"), name="tuned")
    train(root, tiny_encoder, "probe", ("vog", "tracin"), name="probed")
    return root


@pytest.fixture
def tuned(trained: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(trained / "tuned", runs_root / "tuned"))


@pytest.fixture
def probed(trained: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(trained / "probed", runs_root / "probed"))


def opened(**view: Any) -> AppTest:
    app = visit("examples", **view)
    assert not app.exception
    assert not app.error
    return app


def ids_of(run: Run, start: int = 0, limit: int = 25, **query: Any) -> list[str]:
    wanted = ExampleQuery(**{"score": "vog", "order": "hardest", "scored_only": True} | query)
    return [one.id for one in texts(run, find_rows(run, wanted, start, limit))]


def listed(app: AppTest) -> list[list[str]]:
    """Return the ids of every table of examples on the page."""
    return [one.value["id"].tolist() for one in app.dataframe if "id" in one.value]


def said(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*app.caption, *app.markdown, *app.info])


def begins_of(shown: list[str], texts: list[str]) -> None:
    """See that texts are shown, whole or up to an ellipsis."""
    for short, whole in zip(shown, texts, strict=True):
        assert short == whole or (len(short) > 15 and whole.startswith(short.removesuffix("…")))


def button(app: AppTest, label: str) -> Any:
    return next(one for one in app.button if one.label == label)


def test_pages_are_slices_of_the_order_however_deep(small_run: Run) -> None:
    for number in (1, 4, 5, 14):
        app = opened(run="small", score="vog", page=str(number))
        assert listed(app) == [ids_of(small_run, 25 * (number - 1))]
    assert len(listed(app)[0]) == 328 - 13 * 25
    assert listed(opened(run="small", score="vog", page="9999")) == [ids_of(small_run, 325)]


@pytest.mark.parametrize("norm", ["raw", "class"])
def test_both_ends_stand_side_by_side_and_turn_their_pages_alone(small_run: Run, norm: str) -> None:
    view = {"run": "small", "score": "pvi", "norm": norm, "search": "a", "show": "sides"}
    query = {"score": "pvi", "normalise": norm, "search": "a"}
    for page, low in ((1, 1), (2, 3)):
        app = opened(**view, page=str(page), low=str(low))
        hardest = ids_of(small_run, 25 * (page - 1), **query)
        easiest = ids_of(small_run, 25 * (low - 1), **query, order="easiest")
        assert listed(app) == [hardest, easiest]
    assert "**Hardest**" in said(app)
    assert "**Easiest**" in said(app)


@pytest.mark.parametrize("column", ["frequency", "source", "text", "el2n", "predicted"])
def test_any_column_sorts_all_rows_in_view(small_run: Run, column: str) -> None:
    for falling in (False, True):
        app = opened(run="small", sort=column, falling="yes" if falling else "no", page="3")
        query = {"order": "column", "column": column, "descending": falling}
        assert listed(app) == [ids_of(small_run, 50, **query)]
    ends = listed(opened(run="small", sort=column, show="sides"))
    query = {"order": "column", "column": column}
    assert ends == [ids_of(small_run, **query, descending=way) for way in (True, False)]


def test_input_order_is_one_of_the_orders(small_run: Run) -> None:
    assert listed(opened(run="small", sort="row")) == [ids_of(small_run, order="row")]
    gone = opened(run="small", sort="gone", score="vog")
    assert listed(gone) == [ids_of(small_run)]


def test_nothing_found_says_what_to_do(small_run: Run) -> None:
    for show in ("list", "sides"):
        assert "No example fits" in said(opened(run="small", search="zzzz", show=show))


def test_tokens_of_a_tuned_run_are_coloured_and_told(tuned: Run) -> None:
    row = int(tuned.scores(["row"])["row"].iloc[0])
    [one] = texts(tuned, [row])
    app = opened(run="tuned", id=one.id, tab="Tokens")
    sent = messages(app)
    for word in one.text.split():
        assert f"<bdi>{word}</bdi>" in sent
    table = next(one.value for one in app.dataframe if "Variance" in one.value)
    assert table["Token"].tolist()[1:-1] == one.text.split()


def test_a_probe_says_kindly_that_it_sees_no_tokens(probed: Run) -> None:
    told = said(opened(run="probed", tab="Tokens"))
    assert "Only a fine-tuned run tells words apart, and this one is a probe." in told


def test_neighbours_are_those_of_the_core_and_other_labels_are_named(small_run: Run) -> None:
    give_features(small_run)
    key = ids_of(small_run)[3]
    expected = nearest(small_run, key).rows
    [label] = {tables.example(small_run, key).values["label"]}
    app = opened(run="small", id=key, tab="Neighbours")
    table = next(one.value for one in app.dataframe if "Near" in one.value)
    assert table["Text"].tolist() == [one.text for one in expected]
    assert table["Same"].tolist() == ["same" if one.label == label else "other" for one in expected]
    others = sum(one.label != label for one in expected)
    assert f"{others} of the 8 nearest training rows" in said(app) or not others


def test_without_features_and_activations_the_tabs_say_why(small_run: Run) -> None:
    assert "keeps no features" in said(opened(run="small", tab="Neighbours"))
    assert "activations" in said(opened(run="small", tab="Influence"))


@pytest.mark.parametrize("split", ["train", "test"])
def test_influence_on_a_row_is_that_of_the_core(probed: Run, split: str) -> None:
    examples = probed.examples(["id", "split"])
    if split == "test" and "test" not in set(examples["split"]):
        split = next(one for one in examples["split"] if one != "train")
    key = examples["id"][examples["split"] == split].iloc[0]
    found = explain(probed, row=key, count=5)
    app = opened(run="probed", id=key, tab="Influence")
    shown = [one.value for one in app.dataframe if "Influence" in one.value]
    sides = [side for side in (found.proponents, found.opponents) if side]
    assert len(shown) == len(sides)
    for table, side in zip(shown, sides, strict=True):
        begins_of(table["Text"].tolist(), [one.text for one in side])
    assert f"towards {found.label}" in said(app)


def test_a_typed_text_is_answered_with_the_rows_that_made_it(probed: Run) -> None:
    found = explain(probed, text="bright lamp ceiling", count=5)
    app = opened(run="probed", ask="bright lamp ceiling")
    shown = [one.value for one in app.dataframe if "Influence" in one.value]
    begins_of(shown[0]["Text"].tolist(), [one.text for one in found.proponents])
    assert found.predicted in [one.value for one in app.text]
    assert f"The model says, {100 * found.confidence:.0f}% sure" in said(app)


def test_nothing_heavy_is_asked_before_its_tab_is_opened(
    probed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def heavy(*_: object, **__: object) -> None:
        raise AssertionError("asked for too early")

    monkeypatch.setattr("ui.nearby.nearest", heavy)
    monkeypatch.setattr("influence_core.scores.pairwise.explain.explain", heavy)
    opened(run="probed")


def test_near_rows_are_asked_for_again_when_a_map_has_made_features(small_run: Run) -> None:
    features = np.random.default_rng(0).normal(size=(small_run.manifest().dataset.rows, 8))
    before = nearby.ask(small_run, nearest, 3, 8)
    np.save(untuned_file(small_run), features.astype(np.float16))
    after = nearby.ask(small_run, nearest, 3, 8)
    assert (before.encoder, after.encoder) == (None, "untuned")
    assert after == nearest(small_run, 3, 8)


def test_all_in_view_go_into_a_selection_and_narrow_the_view(small_run: Run) -> None:
    label = small_run.manifest().dataset.label_names[1]
    app = opened(run="small", label=label)
    rows = np.sort(find_rows(small_run, ExampleQuery(labels=(label,), scored_only=True), 0, 999))
    next(one for one in app.text_input if one.key == "in view.name").set_value("whole-class")
    button(app, "Make it").click().run()
    assert Selections(small_run).rows("whole-class").tolist() == rows.tolist()
    app = opened(run="small", selection="whole-class")
    assert f"{len(rows)} of 328 training rows in view" in said(app)


def test_a_selection_is_seen_renamed_and_deleted(small_run: Run) -> None:
    rows = small_run.scores(["row"])["row"].head(9).tolist()
    Selections(small_run).create("mine", rows, "to read again")
    app = opened(run="small")
    assert "to read again" in [one.value for one in app.text]
    button(app, "See only these rows").click().run()
    assert app.session_state["selection"] == "mine"
    assert "9 of 328" in said(app)
    next(one for one in app.text_input if one.key == "manager.name mine").set_value("ours")
    button(app, "Rename").click().run()
    assert [one.name for one in Selections(small_run).listed()] == ["ours"]
    assert app.session_state["selection"] == "ours"
    button(app, "Delete").click().run()
    assert Selections(small_run).listed()
    button(app, "Delete for good").click().run()
    assert not app.exception
    assert Selections(small_run).listed() == []
    assert app.session_state["selection"] == ""
    assert len(listed(app)[0]) == 25


def test_ticks_outlive_pages_and_runs_do_not_share_them(
    small_run: Run, other_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.ticked.st.session_state", {})
    ticked.boxes(small_run, [5, 8, 2], first=True).told([0, 2])
    ticked.boxes(small_run, [40, 41], first=True).told([1])
    assert ticked.rows(small_run) == [2, 5, 41]
    assert ticked.boxes(small_run, [2, 5, 8], first=True).places == [0, 1]
    ticked.boxes(small_run, [5, 8, 2], first=True).told([1])
    assert ticked.rows(small_run) == [8, 41]
    assert ticked.rows(other_run) == []
    before = ticked.boxes(small_run, [8], first=True)
    ticked.clear(small_run)
    after = ticked.boxes(small_run, [8], first=True)
    assert ticked.rows(small_run) == after.places == []
    assert after.generation != before.generation
    ticked.boxes(small_run, [8], first=True).told([0])
    small_run.update(created="2000-01-01T00:00:00+00:00")
    assert ticked.rows(small_run) == []


def test_rows_whose_label_looks_wrong_say_so_at_either_end(small_run: Run) -> None:
    assert "doubt" not in opened(run="small", score="vog").dataframe[0].value
    give_features(small_run)
    report = find_noise(small_run)
    wrong = set(report.table["id"].iloc[: suspected(small_run)])
    for end in ("hardest", "easiest"):
        table = opened(run="small", score="vog", end=end).dataframe[0].value
        said = ["likely" if id in wrong else "" for id in table["id"]]
        assert table["doubt"].tolist() == said
    assert wrong


def test_an_end_full_of_wrong_labels_says_so_and_leads_to_noise(small_run: Run) -> None:
    give_features(small_run)
    table, wrong = find_noise(small_run).table, suspected(small_run)
    assert 25 <= wrong < 200
    ranks = table.set_index("row")["rank"]
    for end, column in (("hardest", ranks), ("easiest", len(table) + 1 - ranks)):
        scores = read(small_run.scores_file)
        ordered = pa.array(column.loc[scores["row"].to_pylist()].to_numpy())
        place = scores.column_names.index("vog_rank")
        write_parquet(small_run.scores_file, scores.set_column(place, "vog_rank", ordered))
        small_run.update(content_version=f"ranked for the {end}")
        write_noise(small_run)
        words = "These 25 labels are likely wrong"
        app = opened(run="small", score="vog", end=end)
        assert words in said(app)
        assert ("Easy by VoG need not mean learnt" in said(app)) == (end == "easiest")
        assert "Noise" in [one.proto.label for one in app.get("page_link")]
        assert f"{end.capitalize()}: {words}" in said(opened(run="small", show="sides"))
        other = "easiest" if end == "hardest" else "hardest"
        for view in ({"end": other}, {"sort": "row"}, {"sort": "text"}):
            told = said(opened(run="small", score="vog", **view))
            assert "labels are likely wrong" not in told


def test_a_text_is_cut_with_an_ellipsis_where_its_column_is_narrow(small_run: Run) -> None:
    examples = read(small_run.examples_file)
    long = [f"{number} {'a long sentence ' * 20}" for number in range(len(examples))]
    place = examples.column_names.index("text")
    write_parquet(small_run.examples_file, examples.set_column(place, "text", pa.array(long)))
    lengths = []
    for show in ("list", "sides"):
        table = opened(run="small", show=show).dataframe[0].value
        assert table["text"].str.endswith("…").all()
        lengths.append(table["text"].str.len().max())
    assert 20 < lengths[1] < lengths[0] < 60


def test_a_tick_shows_its_row_and_unticking_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    session: dict[str, Any] = {}
    shown: list[tuple[str, str]] = []
    monkeypatch.setattr("ui.tables.st.session_state", session)
    monkeypatch.setattr("ui.tables.state.put", lambda name, value: shown.append((name, value)))

    def act(before: list[int], rows: list[int], cells: list[tuple[int, str]]) -> None:
        session["key"] = {"selection": {"rows": rows, "cells": cells}}
        told: list[list[int]] = []
        tables_of_ui._tick("key", ["a", "b", "c", "d"], "id", Ticks(before, 0, told.append))()
        assert told == [rows]

    act([], [2], [])
    act([2], [2, 1], [])
    assert shown == [("id", "c"), ("id", "b")]
    act([2, 1], [2], [])
    act([2], [0, 1, 2, 3], [])
    assert len(shown) == 2
    act([2], [2], [(3, "text")])
    assert shown[-1] == ("id", "d")
    act([2], [2, 0], [(3, "text")])
    assert shown[-1] == ("id", "a")
