"""Decisions about labels: what stands, what is taken back, and several people at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from influence_core.errors import ConfigError, DataError, RunBusy, RunError
from influence_core.store import review, review_file
from influence_core.store.review import Decision, Reviews
from influence_core.store.run import Run
from tests.reviewer import given_labels, other_label, some

ROOT = Path(__file__).parents[2]


@pytest.fixture
def given(small_run: Run) -> dict[str, str]:
    """The label of every training row, by id."""
    return given_labels(small_run)


def test_a_run_begins_without_decisions(small_run: Run) -> None:
    reviews = Reviews(small_run)
    assert reviews.standing() == {}
    assert reviews.history("u00000000") == []
    assert reviews.version() == 0
    assert reviews.last("Ada") == reviews.undo("Ada") == []
    assert not small_run.review_file.exists(), "to look leaves no trace"


def test_decisions_stand_in_all_their_parts(small_run: Run, given: dict[str, str]) -> None:
    reviews, (id, label) = Reviews(small_run), next(iter(given.items()))
    new = other_label(small_run, label)
    act = reviews.decide({id: label}, "relabel", "  Ada ", new).number
    assert act is not None
    (decision,) = reviews.standing().values()
    assert decision == Decision(1, act, id, "relabel", label, new, "Ada", decision.time)
    assert decision.time.endswith("+00:00")
    assert act == reviews.version()


def test_one_act_gives_every_row_its_own_label(small_run: Run, given: dict[str, str]) -> None:
    rows = some(given, 0, 20)
    new = {id: other_label(small_run, label) for id, label in rows.items()}
    Reviews(small_run).decide(rows, "relabel", "Ada", new)
    standing = Reviews(small_run).standing()
    assert {id: decision.new_label for id, decision in standing.items()} == new
    assert len({decision.act for decision in standing.values()}) == 1


def test_the_newest_decision_stands_and_undo_brings_back_the_one_before(
    small_run: Run, given: dict[str, str]
) -> None:
    reviews, rows = Reviews(small_run), some(given, 0, 2)
    first, second = rows
    reviews.decide(rows, "keep", "Ada")
    reviews.decide({first: rows[first]}, "drop", "Ben")
    actions = {id: one.action for id, one in reviews.standing().items()}
    assert actions == {second: "keep", first: "drop"}
    (undone,) = reviews.undo("Ben")
    assert (undone.id, undone.action) == (first, "drop")
    assert {one.reviewer for one in reviews.standing().values()} == {"Ada"}
    assert [one.id for one in reviews.undo("Ada")] == [first, second]
    assert reviews.standing() == {}
    assert reviews.undo("Ada") == reviews.undo("Ben") == []


def test_undo_takes_back_ones_own_acts_newest_first(small_run: Run, given: dict[str, str]) -> None:
    reviews = Reviews(small_run)
    for start, name in enumerate(("Ada", "Ben", "Ada")):
        reviews.decide(some(given, start, start + 1), "drop", name)
    ids = list(given)
    assert [one.id for one in reviews.undo("Ada")] == [ids[2]]
    assert [one.id for one in reviews.undo("Ada")] == [ids[0]]
    assert list(reviews.standing()) == [ids[1]]


def test_the_history_keeps_what_was_taken_back(small_run: Run, given: dict[str, str]) -> None:
    reviews, row = Reviews(small_run), some(given, 3, 4)
    (id,) = row
    reviews.decide(row, "drop", "Ada")
    reviews.undo("Ada")
    reviews.decide(row, "skip", "Ben")
    reviews.decide(some(given, 0, 1), "keep", "Ben")
    told = reviews.history(id)
    assert [(one.decision.reviewer, one.decision.action) for one in told] == [
        ("Ada", "drop"),
        ("Ben", "skip"),
    ]
    assert [one.stands for one in told] == [False, True]
    assert told[0].taken_back is not None
    assert told[0].taken_back.endswith("+00:00")


def test_earlier_versions_can_be_asked_for(small_run: Run, given: dict[str, str]) -> None:
    reviews, row = Reviews(small_run), some(given, 0, 1)
    states = [(reviews.version(), reviews.standing())]
    for act in (
        lambda: reviews.decide(row, "drop", "Ada"),
        lambda: reviews.decide(row, "keep", "Ben"),
        lambda: reviews.undo("Ben"),
        lambda: reviews.decide(some(given, 1, 3), "skip", "Ada"),
        lambda: reviews.undo("Ada"),
    ):
        act()
        states.append((reviews.version(), reviews.standing()))
    assert [version for version, _ in states] == [0, 1, 2, 3, 4, 5]
    for version, standing in states:
        assert reviews.standing(version) == standing


def test_undo_takes_back_the_last_act_though_others_replaced_it(
    small_run: Run, given: dict[str, str]
) -> None:
    reviews, ids = Reviews(small_run), list(given)
    kept = reviews.decide(some(given, 0, 1), "keep", "Ada").number
    dropped = reviews.decide(some(given, 1, 3), "drop", "Ada").number
    reviews.decide(some(given, 1, 2), "keep", "Ben")
    assert [(one.act, one.id) for one in reviews.last("Ada")] == [(dropped, id) for id in ids[1:3]]
    assert reviews.undo("Ada", act=kept) == [], "another act is the last by now"
    assert reviews.version() == 3
    last = reviews.last("Ada")
    assert reviews.undo("Ada", act=dropped) == last
    assert {id: one.reviewer for id, one in reviews.standing().items()} == {
        ids[0]: "Ada",
        ids[1]: "Ben",
    }
    assert [one.act for one in reviews.last("Ada")] == [kept]


def test_what_was_not_seen_is_left_alone(small_run: Run, given: dict[str, str]) -> None:
    reviews, rows = Reviews(small_run), some(given, 0, 5)
    ids = list(rows)
    reviews.decide(some(given, 0, 2), "drop", "Ben")
    seen = reviews.standing()
    reviews.decide(some(given, 1, 3), "skip", "Ben")
    reviews.decide(some(given, 3, 4), "keep", "Ada")
    act = reviews.decide(rows, "keep", "Ada", seen=seen)
    assert {id: one.action for id, one in act.left_alone.items()} == {
        ids[1]: "skip",
        ids[2]: "skip",
        ids[3]: "keep",
    }
    assert [one.id for one in reviews.last("Ada")] == [ids[0], ids[4]]
    again = reviews.decide(rows, "drop", "Ada", seen=seen)
    assert (again.number, set(again.left_alone)) == (None, set(ids))
    assert reviews.version() == act.number
    assert reviews.decide(rows, "drop", "Ada", seen=reviews.standing()).left_alone == {}


def test_an_older_decision_that_stands_again_was_not_seen(
    small_run: Run, given: dict[str, str]
) -> None:
    reviews, row = Reviews(small_run), some(given, 0, 1)
    reviews.decide(row, "keep", "Cleo")
    reviews.decide(row, "drop", "Ben")
    seen = reviews.standing()
    reviews.undo("Ben")
    (left,) = reviews.decide(row, "skip", "Ada", seen=seen).left_alone.values()
    assert left.reviewer == "Cleo"


def test_a_decision_in_the_last_moment_is_left_alone(
    small_run: Run, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reviews, row = Reviews(small_run), some(given, 0, 1)

    def as_ben_decides(path: Path) -> Any:
        monkeypatch.undo()
        reviews.decide(row, "drop", "Ben")
        return review_file.writing(path)

    monkeypatch.setattr(review, "writing", as_ben_decides)
    act = reviews.decide(row, "keep", "Ada", seen={})
    assert act.number is None
    assert [one.action for one in reviews.standing().values()] == ["drop"]


def test_of_many_at_once_one_decides(small_run: Run, given: dict[str, str]) -> None:
    reviews, row = Reviews(small_run), some(given, 0, 1)
    names = [f"Reviewer {number}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        acts = list(pool.map(lambda name: reviews.decide(row, "drop", name, seen={}), names))
    assert sum(act.number is not None for act in acts) == 1
    assert len(reviews.history(next(iter(row)))) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": {}}, "'rows' must hold at least one row"),
        ({"action": "keeep"}, "'action' must be one of keep, relabel, drop, skip; got 'keeep'"),
        ({"reviewer": " "}, "'reviewer' must be a name of at most 80 printable"),
        ({"reviewer": "a" * 81}, "'reviewer' must be a name"),
        ({"reviewer": "Ada\n"}, None),
        ({"reviewer": "A\nda"}, "'reviewer' must be a name"),
        ({"new_label": "lights_start"}, "'new_label' must be given to relabel rows, and only"),
        ({"action": "relabel"}, "'new_label' must be given to relabel rows"),
        ({"action": "relabel", "new_label": "none"}, "be one of the 6 labels of run 'small'"),
        ({"action": "relabel", "new_label": {}}, "name another label for row 'u00000000'"),
    ],
)
def test_what_does_not_fit_is_refused(
    small_run: Run, given: dict[str, str], change: dict[str, Any], message: str | None
) -> None:
    asked = {"rows": some(given, 0, 1), "action": "keep", "reviewer": "Ada"} | change
    reviews = Reviews(small_run)
    if message is None:
        reviews.decide(**asked)
        return
    with pytest.raises(ConfigError, match=message):
        reviews.decide(**asked)
    assert reviews.version() == 0


def test_to_relabel_as_it_is_is_refused(small_run: Run, given: dict[str, str]) -> None:
    (id, label), reviews = next(iter(given.items())), Reviews(small_run)
    with pytest.raises(ConfigError, match="'keep' says that its label is right"):
        reviews.decide({id: label}, "relabel", "Ada", label)


def test_other_rows_are_refused_whole(small_run: Run, given: dict[str, str]) -> None:
    reviews, examples = Reviews(small_run), small_run.examples(["id", "label", "split"])
    test = examples[examples["split"] == "test"].iloc[0]
    (id, label) = next(iter(given.items()))
    with pytest.raises(DataError, match="ids of training rows of run 'small'; got 'nobody'"):
        reviews.decide({id: label, "nobody": label}, "drop", "Ada")
    with pytest.raises(DataError, match="ids of training rows"):
        reviews.decide({test["id"]: test["label"]}, "drop", "Ada")
    with pytest.raises(DataError, match=f"that the data gives row '{id}', '{label}'"):
        reviews.decide({id: other_label(small_run, label)}, "drop", "Ada")
    assert reviews.standing() == {}


def test_hostile_names_are_only_names(hostile_run: Run) -> None:
    rows, name = given_labels(hostile_run), "'); DROP TABLE acts; --"
    reviews = Reviews(hostile_run)
    new = {id: other_label(hostile_run, label) for id, label in rows.items()}
    reviews.decide(rows, "relabel", name, new)
    assert {id: one.new_label for id, one in reviews.standing().items()} == new
    assert {one.reviewer for one in reviews.standing().values()} == {name}


def test_nothing_is_ever_changed(small_run: Run, given: dict[str, str]) -> None:
    Reviews(small_run).decide(some(given, 0, 2), "drop", "Ada")
    with closing(sqlite3.connect(small_run.review_file)) as connection:
        for statement in (
            "UPDATE decisions SET action = 'keep'",
            "DELETE FROM decisions",
            "UPDATE acts SET reviewer = 'Ben'",
            "DELETE FROM acts",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="only appended"):
                connection.execute(statement)


def test_two_processes_lose_nothing(small_run: Run, given: dict[str, str]) -> None:
    acts, names = 60, ("Ada", "Ben")
    command = [sys.executable, "-m", "tests.reviewer", str(small_run.path)]
    writers = [subprocess.Popen([*command, name, str(acts)], cwd=ROOT) for name in names]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    reviews, taken_back = Reviews(small_run), acts // 10
    assert reviews.version() == 2 * (acts + taken_back)
    with closing(sqlite3.connect(small_run.review_file)) as connection:
        told = connection.execute("SELECT number, id, reviewer, undone_by FROM history").fetchall()
    assert len({number for number, *_ in told}) == len(told) == 2 * 2 * acts
    stand = sorted((number, id, name) for number, id, name, undone_by in told if not undone_by)
    assert Counter(name for *_, name in stand) == dict.fromkeys(names, 2 * (acts - taken_back))
    newest = {id: number for number, id, _ in stand}
    assert {id: one.number for id, one in reviews.standing().items()} == newest


def test_threads_share_a_handle(small_run: Run, given: dict[str, str]) -> None:
    reviews, rows = Reviews(small_run), list(given.items())[:40]
    with ThreadPoolExecutor(8) as pool:
        acts = list(pool.map(lambda row: reviews.decide(dict([row]), "keep", "Ada"), rows))
    assert {act.number for act in acts} == set(range(1, 41))
    assert set(reviews.standing()) == {id for id, _ in rows}


def test_a_killed_reviewer_leaves_whole_acts(small_run: Run, given: dict[str, str]) -> None:
    command = [sys.executable, "-m", "tests.reviewer", str(small_run.path), "Ada", "5", "die"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -9
    reviews = Reviews(small_run)
    assert reviews.version() == 5
    assert len(reviews.standing()) == 6
    assert reviews.decide(some(given, 0, 1), "keep", "Ben").number == 6


def test_a_file_that_others_keep_is_told(
    small_run: Run, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_file, "PATIENCE_SECONDS", 0.05)
    reviews = Reviews(small_run)
    reviews.decide(some(given, 0, 1), "keep", "Ada")
    with review_file.writing(small_run.review_file):
        with pytest.raises(RunBusy, match="try again"):
            reviews.decide(some(given, 0, 1), "drop", "Ben")
        assert len(reviews.standing()) == 1, "readers never wait"


def test_a_damaged_file_is_told(small_run: Run) -> None:
    small_run.review_file.write_bytes(b"no database, whatever its name says" * 100)
    with pytest.raises(RunError, match=r"review\.sqlite' cannot be used.*not a database"):
        Reviews(small_run).standing()
