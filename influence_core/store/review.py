"""`review.sqlite`: what people decided about labels. Nothing is ever changed; undo appends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from influence_core.errors import ConfigError, DataError, rule
from influence_core.store.database import Parameters
from influence_core.store.database import rows as found_rows
from influence_core.store.review_file import append_act, read, writing
from influence_core.store.run import Run
from influence_core.store.state import dataset_of

Action = Literal["keep", "relabel", "drop", "skip"]

LONGEST_NAME = 80
"""Characters that the name of a reviewer may have."""

_PARTS = "act, id, action, label, new_label, reviewer, time"
_HISTORY = f"SELECT number, {_PARTS}, taken_back FROM history"
# SQLite takes the other parts from the row that has the largest number.
_NEWEST = f"SELECT max(number) AS number, {_PARTS} FROM history"
_LAST_ACT = f"""{_HISTORY} WHERE act = (
    SELECT max(act) FROM history WHERE reviewer = ? AND undone_by IS NULL
) ORDER BY number"""
_STANDING = f"""SELECT number, {_PARTS} FROM history
    WHERE id = ? AND undone_by IS NULL ORDER BY number DESC LIMIT 1"""


@dataclass(frozen=True)
class Decision:
    """What a reviewer said about one row.

    `number` grows with every decision; decisions of one `act` were made together. `label` is the
    one that the data gives, `new_label` the one that a relabelled row gets. `time` is UTC, ISO
    8601.
    """

    number: int
    act: int
    id: str
    action: Action
    label: str
    new_label: str | None
    reviewer: str
    time: str


@dataclass(frozen=True)
class Entry:
    """A decision in the history of a row, and when its reviewer took it back, if ever."""

    decision: Decision
    taken_back: str | None

    @property
    def stands(self) -> bool:
        """Whether it was not taken back."""
        return self.taken_back is None


@dataclass(frozen=True)
class Act:
    """What became of something that was said of some rows.

    `number` is that of the act, None where every row was left alone. `left_alone` holds the
    decisions that stand because the reviewer had not seen them, by the id of their row.
    """

    number: int | None
    left_alone: Mapping[str, Decision]


class Reviews:
    """The decisions about the training rows of a run, for any number of people at once.

    Every act is one short transaction on a connection of its own, so that a handle may be shared by
    threads and the file by processes. Where two people decide about one row both decisions stay in
    its history, and the newest stands.

    Raises:
        RunBusy: others kept the file for half a minute.
        RunError: the file is damaged, or cannot be written.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    def decide(
        self,
        rows: Mapping[str, str],
        action: Action,
        reviewer: str,
        new_label: str | Mapping[str, str] | None = None,
        seen: Mapping[str, Decision] | None = None,
    ) -> Act:
        """Say the same of some rows, in one act, and return what became of it.

        Args:
            rows: the label that the data gives, by the id of the row; training rows only.
            action: 'keep', 'relabel', 'drop', or 'skip' for rows that one cannot tell.
            reviewer: who decides, at most 80 characters.
            new_label: for 'relabel' the label that all of them get, or that of every id.
            seen: what stood when the reviewer looked, as `standing` returned it. Rows about which
                another decision stands by now are left alone. None replaces whatever stands.

        Raises:
            ConfigError: no rows, an unknown action, no reviewer, or a new label that is none.
            DataError: a row is no training row of the run, or has another label.
        """
        named, labels = _reviewer(reviewer), _new_labels(rows, action, new_label)
        _require_names(self.run, labels)
        _require_given(self.run, rows)
        with writing(self.run.review_file) as connection:
            unseen = {} if seen is None else _unseen(connection, rows, seen)
            left = [(id, label) for id, label in rows.items() if id not in unseen]
            act = append_act(connection, named) if left else None
            connection.executemany(
                "INSERT INTO decisions (act, id, action, label, new_label) VALUES (?, ?, ?, ?, ?)",
                [(act, id, action, label, labels.get(id)) for id, label in left],
            )
        return Act(act, unseen)

    def last(self, reviewer: str) -> list[Decision]:
        """Return the newest act of a reviewer that was not taken back: what `undo` takes back.

        It holds decisions that others replaced since, too; it is empty where no act is left.
        """
        found = read(self.run.review_file, _LAST_ACT, (reviewer.strip(),))
        return [_entry(record).decision for record in found]

    def undo(self, reviewer: str, act: int | None = None) -> list[Decision]:
        """Take back the newest act of a reviewer, as `last` returns it, and return its decisions.

        Where they stood, what was decided about those rows before stands again. Asked again, it
        takes back the act before.

        Args:
            reviewer: whose act it is.
            act: the number of the act that is meant; if another one is the newest, nothing is taken
                back, and the list is empty.
        """
        named, path = _reviewer(reviewer), self.run.review_file
        if not path.exists():
            return []
        with writing(path) as connection:
            newest = connection.execute(_LAST_ACT, (named,))
            decisions = [_entry(record).decision for record in newest]
            if not decisions or act not in (None, decisions[0].act):
                return []
            append_act(connection, named, takes_back=decisions[0].act)
        return decisions

    def standing(self, version: int | None = None) -> dict[str, Decision]:
        """Return the newest decision about every row that was not taken back, by id, oldest first.

        Args:
            version: leaves out what was said after the reviews had this version.
        """
        until = self.version() if version is None else version
        statement = (
            f"{_NEWEST} WHERE act <= ? AND (undone_by IS NULL OR undone_by > ?) "
            "GROUP BY id ORDER BY number"
        )
        found = read(self.run.review_file, statement, (until, until))
        return {decision.id: decision for decision in (Decision(*record) for record in found)}

    def history(self, id: str) -> list[Entry]:
        """Return everything that was ever said about a row, oldest first."""
        found = read(self.run.review_file, f"{_HISTORY} WHERE id = ? ORDER BY number", (id,))
        return [_entry(record) for record in found]

    def version(self) -> int:
        """Return a number that grows with every act, and is 0 before the first."""
        newest = read(self.run.review_file, "SELECT coalesce(max(act), 0) FROM acts")
        return int(newest[0][0]) if newest else 0


def _entry(record: tuple[Any, ...]) -> Entry:
    *decision, taken_back = record
    return Entry(Decision(*decision), taken_back)


def _unseen(
    connection: sqlite3.Connection, ids: Iterable[str], seen: Mapping[str, Decision]
) -> dict[str, Decision]:
    """Return what stands of some rows and is not what was seen, by id."""
    found = (connection.execute(_STANDING, (id,)).fetchone() for id in ids)
    standing = [Decision(*record) for record in found if record is not None]
    return {one.id: one for one in standing if one != seen.get(one.id)}


def _reviewer(name: str) -> str:
    """Return the name of a reviewer without blanks around it."""
    plain = name.strip()
    if not (0 < len(plain) <= LONGEST_NAME and plain.isprintable()):
        raise ConfigError(
            rule("reviewer", f"be a name of at most {LONGEST_NAME} printable characters", name)
        )
    return plain


def _new_labels(
    rows: Mapping[str, str], action: Action, new_label: str | Mapping[str, str] | None
) -> Mapping[str, str]:
    """Return the new label of every row, if what was said fits together; none but to relabel."""
    if not rows:
        raise ConfigError(rule("rows", "hold at least one row", dict(rows)))
    if action not in get_args(Action):
        raise ConfigError(rule("action", f"be one of {', '.join(get_args(Action))}", action))
    if (new_label is not None) != (action == "relabel"):
        raise ConfigError(rule("new_label", "be given to relabel rows, and only then", new_label))
    if new_label is None:
        return {}
    labels = dict.fromkeys(rows, new_label) if isinstance(new_label, str) else new_label
    for id, label in rows.items():
        if labels.get(id) in (label, None):
            must = f"name another label for row {id!r}; 'keep' says that its label is right"
            raise ConfigError(rule("new_label", must, labels.get(id)))
    return labels


def _require_names(run: Run, labels: Mapping[str, str]) -> None:
    known = frozenset(dataset_of(run).label_names)
    unknown = next((label for label in labels.values() if label not in known), None)
    if unknown is not None:
        must = f"be one of the {len(known)} labels of run {run.name!r}"
        raise ConfigError(rule("new_label", must, unknown))


def _require_given(run: Run, given: Mapping[str, str]) -> None:
    """Refuse rows that are no training rows, or whose label is another one."""
    parameters = Parameters()
    statement = (
        f"SELECT id, label FROM {parameters.parquet(run.examples_file)} WHERE split = 'train' "
        f"AND id IN (SELECT unnest({parameters.bind(list(given))}))"
    )
    found: dict[str, str] = dict(found_rows(statement, parameters))
    for id, label in given.items():
        if id not in found:
            must = f"hold ids of training rows of run {run.name!r}"
            raise DataError(rule("rows", must, id))
        if found[id] != label:
            must = f"hold the label that the data gives row {id!r}, {found[id]!r}"
            raise DataError(rule("rows", must, label))
