"""Named selections: what is put in, taken out, and done by several people at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow.parquet as pq
import pytest

from influence_core.errors import RunError, RunExists, SelectionError
from influence_core.store.query import ExampleQuery
from influence_core.store.rows import count, page
from influence_core.store.run import Run
from influence_core.store.selections import Selections


def test_a_run_begins_without_selections(small_run: Run) -> None:
    assert Selections(small_run).listed() == []
    assert not small_run.selections_folder.exists(), "to look leaves no trace"


def test_rows_are_kept_once_and_in_input_order(small_run: Run) -> None:
    selections = Selections(small_run)
    made = selections.create("mine", [7, 2, 7], note="odd ones")
    assert (made.rows, made.note) == (2, "odd ones")
    assert selections.rows("mine").tolist() == [2, 7]
    assert selections.add("mine", [3, 2]).rows == 3
    assert selections.remove("mine", [7, 100]).rows == 2
    assert selections.rows("mine").tolist() == [2, 3]
    assert selections.get("mine").created == made.created


def test_the_file_names_rows_and_ids(small_run: Run) -> None:
    Selections(small_run).create("mine", [4, 1])
    table = pq.read_table(Selections(small_run).file("mine"))
    ids = small_run.examples(["id"])["id"]
    assert table.to_pydict() == {"row": [1, 4], "id": [ids[1], ids[4]]}


def test_a_version_changes_with_the_rows_alone(small_run: Run) -> None:
    selections = Selections(small_run)
    made = selections.create("mine", [1, 2])
    assert selections.add("mine", [2]).version == made.version
    assert selections.add("mine", [3]).version != made.version


def test_the_last_changed_comes_first(small_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    selections = Selections(small_run)
    for day, name in enumerate(("first", "second"), 1):
        moment = f"2026-01-0{day}T00:00:00+00:00"
        monkeypatch.setattr("influence_core.store.selections.now", lambda said=moment: said)
        selections.create(name, [0])
    assert [one.name for one in selections.listed()] == ["second", "first"]


def test_one_that_is_deleted_is_gone(small_run: Run) -> None:
    selections = Selections(small_run)
    selections.create("mine", [1])
    selections.delete("mine")
    assert selections.listed() == []
    with pytest.raises(SelectionError, match="has no selection 'mine'; it has none"):
        selections.rows("mine")


def test_one_that_goes_while_it_is_read_is_told_kindly(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    selections = Selections(small_run)
    selections.create("mine", [1])
    selections.create("other", [2])
    read_table, read_schema = pq.read_table, pq.read_schema

    def deleted_first(read):
        def reading(path, *arguments, **named):
            selections.file("mine").unlink(missing_ok=True)
            return read(path, *arguments, **named)

        return reading

    monkeypatch.setattr(pq, "read_table", deleted_first(read_table))
    with pytest.raises(SelectionError, match="no selection 'mine'; it has 'other'"):
        selections.rows("mine")
    monkeypatch.setattr(pq, "read_table", read_table)
    selections.create("mine", [1])
    monkeypatch.setattr(pq, "read_schema", deleted_first(read_schema))
    assert [one.name for one in selections.listed()] == ["other"]


def test_one_that_goes_between_question_and_answer_is_told_kindly(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    selections = Selections(small_run)
    selections.create("mine", [1])
    get = Selections.get

    def get_and_delete(self, name):
        found = get(self, name)
        self.file(name).unlink()
        return found

    monkeypatch.setattr(Selections, "get", get_and_delete)
    with pytest.raises(RunError, match=r"'mine\.parquet' was deleted while it was read"):
        page(small_run, ExampleQuery(selection="mine"), 1, 25)


def test_a_name_is_taken_once(small_run: Run) -> None:
    Selections(small_run).create("mine", [1])
    with pytest.raises(RunExists, match="'mine' already"):
        Selections(small_run).create("mine", [2])
    assert Selections(small_run).rows("mine").tolist() == [1]


@pytest.mark.parametrize("name", ["../other", "", "a/b", ".hidden"])
def test_names_stay_in_the_folder(small_run: Run, name: str) -> None:
    with pytest.raises(RunError, match="'name' must be"):
        Selections(small_run).create(name, [1])


@pytest.mark.parametrize("row", [-1, 10**9])
def test_rows_that_the_run_has_not_are_refused(small_run: Run, row: int) -> None:
    selections = Selections(small_run)
    selections.create("mine", [1])
    with pytest.raises(SelectionError, match=f"'rows' must be between 0 and .*{row}"):
        selections.add("mine", [row])
    assert selections.rows("mine").tolist() == [1]


def test_people_at_once_lose_nothing(small_run: Run) -> None:
    Selections(small_run).create("ours", [])
    with ThreadPoolExecutor(8) as people:
        list(people.map(lambda row: Selections(small_run).add("ours", [row]), range(40)))
    assert Selections(small_run).rows("ours").tolist() == list(range(40))


def test_a_query_keeps_to_a_selection(small_run: Run) -> None:
    wanted = np.arange(0, 60, 3)
    made = Selections(small_run).create("mine", wanted)
    query = ExampleQuery(selection=made.name, selection_version=made.version)
    assert query.filtered
    assert count(small_run, query) == len(wanted)
    assert page(small_run, query, size=100)["row"].tolist() == wanted.tolist()
    ranked = query.model_copy(update={"score": "vog", "order": "hardest", "scored_only": True})
    scored = set(small_run.scores(["row"])["row"]) & set(wanted.tolist())
    assert set(page(small_run, ranked, size=100)["row"]) == scored


def test_a_query_for_a_selection_that_is_gone_says_so(small_run: Run) -> None:
    with pytest.raises(SelectionError, match="no selection 'ghost'"):
        count(small_run, ExampleQuery(selection="ghost"))


def test_a_new_name_keeps_rows_note_and_when_it_was_made(small_run: Run) -> None:
    selections = Selections(small_run)
    before = selections.create("mine", [3, 1, 4], "to read again")
    selections.create("other", [2])
    after = selections.rename("mine", "ours")
    assert (after.name, after.rows, after.note) == ("ours", 3, before.note)
    assert after.created == before.created
    assert selections.rows("ours").tolist() == [1, 3, 4]
    assert {one.name for one in selections.listed()} == {"ours", "other"}
    with pytest.raises(RunExists, match="has a selection 'other' already"):
        selections.rename("ours", "other")
    with pytest.raises(RunError, match="name"):
        selections.rename("ours", "../away")
    with pytest.raises(SelectionError, match="has no selection 'mine'"):
        selections.rename("mine", "again")
    assert selections.rows("other").tolist() == [2]
