"""What an export holds, as its datasheet tells it: groups before and after, and what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.report.listing import listed
from influence_core.report.wording import DECIDED, count, counted
from influence_core.selection.retention import class_entropy, groupings, retention_of
from influence_core.store.columns import NEVER_LEARNT
from influence_core.store.corrections import Corrections
from influence_core.store.export import ExportManifest
from influence_core.store.lookup import training
from influence_core.store.masking import text_columns
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

Rows = npt.NDArray[np.int64]

GROUPS_LISTED = 50
"""Most lines of a table; the groups beyond are summed up."""

SOURCE = "source"
"""Input column that tells where a row comes from, where there is one of that name."""


@dataclass(frozen=True)
class Group:
    """A class or another group of training rows, before and after."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Table:
    """Groups of rows, the largest first; `others` of them are not listed, but summed up."""

    listed: tuple[Group, ...]
    others: int
    rest: Group
    emptied: int
    entropy_before: float
    entropy_after: float

    @property
    def most_even(self) -> float:
        """Entropy of groups that are equally large, in bits."""
        return log2(max(len(self.listed) + self.others, 1))


@dataclass(frozen=True)
class ReviewTold:
    """What reviewers decided, and between which days."""

    version: int
    rows: str
    people: tuple[tuple[str, int], ...]
    first: str
    last: str


@dataclass(frozen=True)
class Overruled:
    """Rows about which reviewers decided that they stay, and those of them that go all the same."""

    relabelled: int
    relabelled_gone: int
    right: int
    right_gone: int

    @property
    def words(self) -> str:
        """Which of them go, as `1 of 2 relabelled rows and 1 of 1 found right`; or nothing."""
        told = []
        if self.relabelled_gone:
            rows = counted(self.relabelled, "relabelled row")
            told.append(f"{count(self.relabelled_gone)} of {rows}")
        if self.right_gone:
            told.append(f"{count(self.right_gone)} of {count(self.right)} found right")
        return " and ".join(told)


@dataclass(frozen=True)
class Suspects:
    """Training rows whose label is likely wrong: among all, and among those that are left.

    `before` of `rows` are the most suspicious, as many as labels are estimated to be wrong;
    `after` of the `left` rows are those of them that nobody judged.
    """

    before: int
    rows: int
    after: int
    left: int

    @property
    def share_before(self) -> float:
        """The share of all training rows."""
        return self.before / max(self.rows, 1)

    @property
    def share_after(self) -> float:
        """The share of the rows that are left."""
        return self.after / max(self.left, 1)


@dataclass(frozen=True)
class Doubts:
    """Rows that stay and may not be what they seem: None where nobody looked."""

    never_learnt: int | None
    suspects: Suspects | None


def left(run: Run, kept: Rows, decided: Corrections | None) -> Rows:
    """Return the training rows that are left when reviewers were heard."""
    if decided is None:
        return kept
    ids = run.examples(["id"])["id"].to_numpy(object)[kept]
    dropped, _ = decided.outcome(ids, ids)
    return kept[~dropped]


def splits(made: ExportManifest, before: dict[str, int]) -> tuple[Group, ...]:
    """Return the rows of every split before and after; only training rows ever go."""
    after = before | {"train": sum(made.train_after.values())}
    return tuple(Group(name, rows, after[name]) for name, rows in before.items())


def classes(made: ExportManifest) -> Table:
    """Return the training rows by label."""
    before, after = made.train_before, made.train_after
    ordered = sorted(before, key=lambda label: (-before[label], label))
    return _table([Group(label, before[label], after[label]) for label in ordered])


def by_source(run: Run, kept: Rows, decided: Corrections | None) -> Table | None:
    """Return the training rows by the column that tells where they come from, if there is one.

    A column of that name that may hold texts is passed over.
    """
    if SOURCE not in groupings(run) or SOURCE in text_columns(run):
        return None
    found = retention_of(run, kept, SOURCE, decided)
    return _table(list(_groups(found)))


def _groups(found: pd.DataFrame) -> Iterator[Group]:
    columns = (found["value"], found["value"].isna(), found["before"], found["kept"])
    for value, missing, before, after in zip(*columns, strict=True):
        yield Group("none" if missing else str(value), int(before), int(after))


def _table(groups: list[Group]) -> Table:
    first, rest = groups[:GROUPS_LISTED], groups[GROUPS_LISTED:]
    return Table(
        listed=tuple(first),
        others=len(rest),
        rest=Group("", sum(one.before for one in rest), sum(one.after for one in rest)),
        emptied=sum(one.before > 0 and not one.after for one in groups),
        entropy_before=class_entropy([one.before for one in groups]),
        entropy_after=class_entropy([one.after for one in groups]),
    )


def reviews(decided: Corrections | None) -> ReviewTold | None:
    """Return what reviewers decided; None where nothing of it was applied."""
    if decided is None or not decided.decisions:
        return None
    days = sorted(one.time[:10] for one in decided.decisions.values())
    facts = decided.facts
    return ReviewTold(
        version=facts.version,
        rows=listed({DECIDED[action]: rows for action, rows in facts.rows.items()}),
        people=tuple(Counter(facts.reviewers).most_common()),
        first=days[0],
        last=days[-1],
    )


def overruled(run: Run, kept: Rows, decided: Corrections | None) -> Overruled:
    """Count the rows that reviewers relabelled or found right, and those that go all the same."""
    gone = training(run)
    gone[kept] = False
    ids = run.examples(["id"])["id"][gone]
    decisions = {} if decided is None else decided.decisions
    named = {
        action: [one.id for one in decisions.values() if one.action == action]
        for action in ("relabel", "keep")
    }
    lost = {action: int(ids.isin(rows).sum()) for action, rows in named.items()}
    return Overruled(
        relabelled=len(named["relabel"]),
        relabelled_gone=lost["relabel"],
        right=len(named["keep"]),
        right_gone=lost["keep"],
    )


def doubts(run: Run, left: Rows, decided: Corrections | None) -> Doubts:
    """Count the rows left that may not be what they seem."""
    return Doubts(_never_learnt(run, left), suspects(run, left, decided))


def suspects(run: Run, left: Rows, decided: Corrections | None) -> Suspects | None:
    """Count rows left that look wrongly labelled and that nobody judged; None if never estimated.

    As many of the ranking count as suspects as labels are estimated to be wrong.
    """
    import pyarrow.parquet as pq

    from influence_core.noise.table import noise_file, read_facts

    facts = read_facts(run)
    if facts is None or facts.wrong is None:
        return None
    ranked = pq.read_table(noise_file(run), columns=["id", "row"])
    top = ranked.slice(0, round(facts.wrong.share * len(ranked))).to_pandas()
    judged = [] if decided is None else list(decided.decisions)
    open_rows = top.loc[~top["id"].isin(judged), "row"]
    return Suspects(len(top), len(ranked), int(np.isin(open_rows, left).sum()), len(left))


def _never_learnt(run: Run, left: Rows) -> int | None:
    import pyarrow.parquet as pq

    if not run.scores_file.exists() or NEVER_LEARNT not in pq.read_schema(run.scores_file).names:
        return None
    scores = run.scores(["row", NEVER_LEARNT])
    return int(np.isin(scores.loc[scores[NEVER_LEARNT], "row"], left).sum())
