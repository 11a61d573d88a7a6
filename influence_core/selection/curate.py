"""From settings and named selections to the curated set: what stays of the training rows.

Named selections go before any score. Rows of a selection to keep stay, rows of one to drop leave,
and where the set starts from selections, all rows outside them leave but those to keep. The
settings then decide about the rows that are left, and their fraction counts over these alone.
What reviewers decided is applied afterwards, by the export: a row they drop leaves whatever keeps
it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field

from influence_core.config import Settings
from influence_core.errors import SelectionError
from influence_core.selection.select import Positions, Selection, SelectionSettings, select
from influence_core.store.lookup import training
from influence_core.store.rows import texts
from influence_core.store.run import Run
from influence_core.store.selections import Selections, SelectionUse, Use

NAMED = 5
"""Ids that an error tells before it says how many more there are."""


class CurationSettings(Settings):
    """Named selections that go before any score, each as NAME or as NAME@VERSION.

    A version refuses a selection that was changed since.
    """

    keep_selection: tuple[str, ...] = Field(
        (), description="Named selections whose training rows stay at any rate."
    )
    drop_selection: tuple[str, ...] = Field(
        (), description="Named selections whose training rows leave at any rate."
    )
    only_selection: tuple[str, ...] = Field(
        (),
        description="Named selections to start from: other training rows leave. Without a "
        "fraction all rows of these selections stay.",
    )


WHOLE = CurationSettings()
"""No named selection: the settings decide about every training row."""


@dataclass(frozen=True)
class Curated:
    """A curated set, as ascending numbers of training rows.

    `selection` holds what the settings chose among the rows left to decide; `uses` tells of the
    named selections, at the versions that were read.
    """

    selection: Selection
    kept: Positions
    dropped: Positions
    uses: tuple[SelectionUse, ...] = ()

    @property
    def decided(self) -> int:
        """How many rows were left to decide: those that the fraction counts over."""
        return len(self.selection.kept) + len(self.selection.dropped)

    @property
    def curation(self) -> CurationSettings:
        """The named selections, pinned to the versions that were read."""
        pinned = {f"{use}_selection": self._pinned(use) for use in ("keep", "drop", "only")}
        return CurationSettings.model_validate(pinned)

    def _pinned(self, use: str) -> tuple[str, ...]:
        return tuple(f"{one.name}@{one.version}" for one in self.uses if one.use == use)


def curate(run: Run, settings: SelectionSettings, curation: CurationSettings = WHOLE) -> Curated:
    """Choose the training rows to keep: by named selections first, then by the settings.

    Of n rows left to decide exactly round(fraction · n) are dropped. Floors, classes and
    near-duplicates count among these rows, too. Rows of a selection that are no training rows are
    passed over.

    Raises:
        SelectionError: as `select`; or there is no such selection or version, a row is both to
            keep and to drop, or no training row is left.
    """
    opened = list(_opened(run, curation))
    train = training(run)
    keep, drop, only = (train & _union(opened, use, len(train)) for use in ("keep", "drop", "only"))
    _require_apart(run, opened, np.flatnonzero(keep & drop))
    left = (only if curation.only_selection else train) & ~(keep | drop)
    selection = select(run, settings, np.flatnonzero(left))
    keep[selection.kept] = True
    if not keep.any():
        raise SelectionError(
            f"No training row of run {run.name!r} would be left; name other selections to start "
            "from, or fewer to drop."
        )
    uses = tuple(_told(use, rows, train) for use, rows in opened)
    return Curated(selection, np.flatnonzero(keep), np.flatnonzero(train & ~keep), uses)


Opened = tuple[SelectionUse, Positions]
Mask = npt.NDArray[np.bool_]


def _opened(run: Run, curation: CurationSettings) -> Iterator[Opened]:
    """Yield the selections that are named, each once for a use, with their rows."""
    named: dict[Use, tuple[str, ...]] = {
        "keep": curation.keep_selection,
        "drop": curation.drop_selection,
        "only": curation.only_selection,
    }
    for use, names in named.items():
        for written in dict.fromkeys(names):
            facts, rows = Selections(run).opened(written)
            yield SelectionUse(use=use, name=facts.name, version=facts.version, rows=0), rows


def _told(use: SelectionUse, rows: Positions, train: Mask) -> SelectionUse:
    return use.model_copy(update={"rows": int(train[rows].sum())})


def _union(opened: list[Opened], use: Use, size: int) -> Mask:
    """Return which of the examples are in any selection of a use."""
    found = np.zeros(size, np.bool_)
    for one, rows in opened:
        if one.use == use:
            found[rows] = True
    return found


def _require_apart(run: Run, opened: list[Opened], both: Positions) -> None:
    """Refuse rows that are both to keep and to drop."""
    if not len(both):
        return
    sides = {
        use: ", ".join(
            repr(one.name) for one, rows in opened if one.use == use and _meet(rows, both)
        )
        for use in ("keep", "drop")
    }
    shown = ", ".join(repr(text.id) for text in texts(run, both[:NAMED].tolist()))
    more = f" and {len(both) - NAMED:,} more" if len(both) > NAMED else ""
    raise SelectionError(
        f"{len(both):,} rows are both to keep ({sides['keep']}) and to drop ({sides['drop']}): "
        f"{shown}{more}. Take them out of one selection, or leave one out."
    )


def _meet(rows: Positions, others: Positions) -> bool:
    return bool(np.isin(rows, others).any())
