"""Values of a column over the rows that a query finds, told apart by the groups they are in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from influence_core.errors import ConfigError, rule
from influence_core.store.columns import Column, catalogue
from influence_core.store.finding import Rows, numbers
from influence_core.store.laid import Coded
from influence_core.store.lookup import coded_at, numbers_at
from influence_core.store.plain import written
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run

OTHER = "(other)"
MISSING = "(none)"
ALL = "all"

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Groups(NamedTuple):
    """The groups of some rows: `members` (rows,) are places in `names`."""

    members: npt.NDArray[np.integer]
    names: list[str]


@dataclass(frozen=True)
class Grouped:
    """The finite values of a column, and the groups they are in."""

    observed: Floats
    groups: Groups

    @cached_property
    def sizes(self) -> Integers:
        """How many values every group has (groups,)."""
        return np.bincount(self.groups.members, minlength=len(self.groups.names))

    @cached_property
    def rising(self) -> Floats:
        """The values group after group, rising within each of them."""
        small = np.int16 if len(self.groups.names) < 2**15 else np.int32
        by_group = self.observed[np.argsort(self.groups.members.astype(small), kind="stable")]
        for part in np.split(by_group, np.cumsum(self.sizes)[:-1]):
            part.sort()
        return by_group

    def quantiles(self, levels: npt.ArrayLike) -> Floats:
        """Return quantiles of every group (groups, levels), interpolated linearly.

        Groups without values have NaN.
        """
        asked = np.asarray(levels, np.float64)
        if not len(self.observed):
            return np.full((len(self.sizes), len(asked)), np.nan)
        places = np.maximum(self.sizes - 1, 0)[:, None] * asked
        low = np.floor(places).astype(np.int64)
        first = (np.cumsum(self.sizes) - self.sizes)[:, None]
        last = len(self.observed) - 1
        below = self.rising[np.minimum(first + low, last)]
        above = self.rising[np.minimum(first + np.ceil(places).astype(np.int64), last)]
        found = below + (above - below) * (places - low)
        return np.where(self.sizes[:, None] > 0, found, np.nan)

    def sums(self, weights: Floats) -> Floats:
        """Return the sum of weights of the values of every group (groups,)."""
        totals = np.bincount(self.groups.members, weights, len(self.groups.names))
        return totals.astype(np.float64, copy=False)

    def shown(self, by_size: bool = False) -> list[int]:
        """Return the groups that have values as they are listed: what is gathered stands last."""

        def place(group: int) -> tuple[bool, int, str]:
            name = self.groups.names[group]
            return name == OTHER, -int(self.sizes[group]) if by_size else 0, name

        return sorted(np.flatnonzero(self.sizes).tolist(), key=place)


def grouped(run: Run, column: str, by: str | None, query: ExampleQuery, groups: int) -> Grouped:
    """Return the values of a column over the rows that a query finds.

    Of a score only training rows have one.

    Raises:
        ConfigError: the column holds no numbers.
        RunError: the run has no such column.
    """
    known = catalogue(run)
    wanted = known.get(column)
    if wanted.kind not in ("number", "integer"):
        raise ConfigError(rule("column", "hold numbers", column))
    if wanted.table == "scores":
        query = query.model_copy(update={"scored_only": True})
    rows = numbers(run, query)
    values = numbers_at(run, wanted, rows).astype(np.float64, copy=False)
    found = _one_group(rows) if by is None else groups_of(run, known.get(by), rows, groups)
    finite = np.isfinite(values)
    if finite.all():
        return Grouped(values, found)
    return Grouped(values[finite], Groups(found.members[finite], found.names))


def groups_of(run: Run, column: Column, rows: Rows, most: int) -> Groups:
    """Return the groups of rows by a column: the largest keep their names, the rest is gathered."""
    coded = coded_at(run, column, rows)
    kinds = written(coded.names).to_pylist()
    largest = _largest(coded, kinds, most)
    names = list(dict.fromkeys([*(kinds[kind] for kind in largest), MISSING, OTHER]))
    place = {name: index for index, name in enumerate(names)}
    group = np.full(len(kinds) + 1, place[OTHER], np.int32)
    group[-1] = place[MISSING]
    group[largest] = [place[kinds[kind]] for kind in largest]
    return Groups(group[coded.codes], names)


def _largest(coded: Coded, kinds: list[str], most: int) -> list[int]:
    """Return the most frequent kinds; of equally frequent ones the first by name."""
    sizes = np.bincount(coded.codes + 1, minlength=len(kinds) + 1)[1:]
    present = np.flatnonzero(sizes).tolist()
    return sorted(present, key=lambda kind: (-int(sizes[kind]), kinds[kind]))[:most]


def _one_group(rows: Rows) -> Groups:
    return Groups(np.zeros(len(rows), np.int32), [ALL])
