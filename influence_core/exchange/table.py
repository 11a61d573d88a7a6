"""Importing a table of scores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from influence_core.data.columns import IDS, by_name
from influence_core.data.findings import Report, counted, listed
from influence_core.exchange.examples import train_rows
from influence_core.exchange.joining import join
from influence_core.exchange.naming import Incoming, derived, incoming
from influence_core.exchange.numbers import numeric
from influence_core.exchange.staging import Layout, Staged, head_of, listed_rows, stage
from influence_core.exchange.work import Brought, Percent, Work
from influence_core.exchange.writing import write_scores
from influence_core.scores.registry import SCORES, End
from influence_core.store.columns import NEVER_LEARNT

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

_READ = 60
"""Percent of the stage that is done when the table is read."""

_SLACK = 1e-6
"""How far beyond a score's range rounding may lead."""


def import_table(work: Work) -> Brought:
    """Write `scores.parquet` from the columns of a table.

    Memory holds one column of the training rows at a time, with what it is normalised and ranked
    by: some 80 bytes a row beside the joined ids.

    Raises:
        DataError: the table does not fit the data; all problems are told at once.
    """
    report, settings = work.report, work.imported
    layout = _layout(work)
    scores = incoming([name for name in layout.columns if not _flag(name)], settings.hard, report)
    if not scores:
        report.error(
            "columns",
            "No column of the imported table holds scores; name the ones to import as 'scores'.",
        )
    report.raise_errors()
    done = Percent(work.progress)
    target = work.folder / "staged.parquet"
    staged = stage(settings.path, layout, target, report, lambda share: done.at(_READ * share))
    places = join(staged, work.run, work.dataset, settings.partial, report)
    train = train_rows(work.run, work.dataset)
    table = _Table(staged, places[train.rows], settings.partial, report)
    for score in scores:
        table.check(score)
    report.raise_errors()
    step = (100 - _READ) / len(scores)
    write_scores(
        work.run,
        train,
        table.values(scores),
        work.folder,
        lambda: done.at(done.percent + step),
        table.never_learnt(),
    )
    done.end()
    return Brought(
        scores=tuple(score.key for score in scores),
        custom=tuple(score.custom for score in scores if score.custom),
    )


def _layout(work: Work) -> Layout:
    """Tell ids and scores by the settings, the names and the first rows."""
    settings, report = work.imported, work.report
    head = head_of(settings.path)
    names = head.column_names
    id_column = id_column_of(names, work)
    missing = [name for name in settings.scores if name not in names]
    if missing:
        report.error(
            "columns",
            f"'scores' must name columns of the imported table; got {listed(missing)}. "
            f"Its columns are {listed(names, 30)}.",
        )
    if settings.scores:
        return Layout(id_column, tuple(dict.fromkeys(settings.scores)))
    followers = derived(names) | {"row", id_column}
    numbers = [name for name in names if name not in followers and numeric(head[name])]
    shared = [name for name in numbers if name in work.dataset.columns]
    chosen = [name for name in numbers if name not in shared]
    if shared:
        report.info(
            "columns",
            f"Numeric columns that the data has too are no scores: {listed(shared)}. "
            "Name them as 'scores' to import them.",
        )
    return Layout(id_column, tuple(chosen))


def id_column_of(names: list[str], work: Work) -> str | None:
    """Return the column of ids: as named, as in the data, or by a usual name; None for none."""
    asked, own = work.imported.score_id, work.settings.data.id
    if asked and asked not in names:
        work.report.error(
            "columns",
            f"'score_id' must name a column of the imported table; got {asked!r}. "
            f"Its columns are {listed(names, 30)}.",
        )
    if asked is not None:
        return asked or None
    return own if own in names else by_name(IDS, names)


def _flag(name: str) -> bool:
    return name.lower() == NEVER_LEARNT


class _Table:
    """The staged columns in the order of the training rows; `places` are −1 where a row lacks."""

    def __init__(self, staged: Staged, places: Positions, partial: bool, report: Report) -> None:
        self._staged = staged
        self._places = places
        self._partial = partial
        self._report = report

    def check(self, score: Incoming) -> None:
        """Report missing and infinite values, and values that the score cannot have."""
        values = self._raw(score.column)
        present = self._places >= 0
        self._doubt("missing", score, present & np.isnan(values), "no value")
        if score.key != "forgetting":
            self._doubt("infinite", score, np.isinf(values), "an infinite value")
        self._check_range(score, values)

    def values(self, scores: list[Incoming]) -> Iterator[tuple[str, End, Floats]]:
        """Yield key, hard end and values of the training rows, what is not finite as NaN."""
        for score in scores:
            values = self._raw(score.column)
            if score.key == "forgetting":
                values[values == np.inf] = 0.0
            values[np.isinf(values)] = np.nan
            yield score.key, score.hard, values

    def never_learnt(self) -> npt.NDArray[np.bool_] | None:
        """Return which rows were never learnt: by their own column, or infinite forgetting."""
        columns = {name.lower(): name for name in self._staged.layout.columns}
        if "forgetting" not in columns:
            return None
        if NEVER_LEARNT in columns:
            return np.equal(self._raw(columns[NEVER_LEARNT]), 1)
        never: npt.NDArray[np.bool_] = np.isposinf(self._raw(columns["forgetting"]))
        return never if never.any() else None

    def _raw(self, column: str) -> Floats:
        values = self._staged.column(self._staged.layout.columns.index(column))
        taken: Floats = values[self._places]
        taken[self._places < 0] = np.nan
        return taken

    def _doubt(self, check: str, score: Incoming, wrong: npt.NDArray[np.bool_], what: str) -> None:
        if not wrong.any():
            return
        rows = self._staged.numbers_of(np.sort(self._places[wrong]))
        tell = self._report.warning if self._partial else self._report.error
        advice = "They stay without a score." if self._partial else "Mend or allow with --partial."
        tell(
            check,
            f"{counted(int(wrong.sum()))} with {what} in column {score.column!r} "
            f"(first: {listed_rows(rows)}). {advice}",
            count=int(wrong.sum()),
            rows=rows,
        )

    def _check_range(self, score: Incoming, values: Floats) -> None:
        entry = SCORES.get(score.key) if score.custom is None else None
        if entry is None:
            return
        low = -np.inf if entry.minimum is None else entry.minimum - _SLACK
        high = np.inf if entry.maximum is None else entry.maximum + _SLACK
        outside = (values < low) | (values > high) & (values != np.inf)
        if outside.any():
            rows = self._staged.numbers_of(np.sort(self._places[outside]))
            self._report.warning(
                "range",
                f"{counted(int(outside.sum()))} of column {score.column!r} outside the range of "
                f"{entry.label} (first: {listed_rows(rows)}): it may be another score under that "
                "name.",
                count=int(outside.sum()),
                rows=rows,
            )
