"""Examples by page, one example whole, and how the training saw it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from influence_core.errors import ConfigError, DataError, rule
from influence_core.store import laid
from influence_core.store.columns import (
    CORE,
    NEVER_LEARNT,
    Catalogue,
    Table,
    catalogue,
    rank_column,
    score_column,
    table_file,
)
from influence_core.store.database import Parameters, quote, rows, state_of
from influence_core.store.finding import numbers
from influence_core.store.lookup import at, framed, places, training
from influence_core.store.query import ExampleQuery, Scan
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

DYNAMICS = ("p_true", "margin", "correct")


@dataclass(frozen=True)
class ScoreReading:
    """A score of one row. `percentile` is the percentage of the other scored rows that are easier.

    Rows as hard as this one are none of them, so that ties share it. NaN stands for no score.
    """

    score: str
    raw: float
    class_norm: float
    dataset_norm: float
    rank: int
    percentile: float
    spread: float | None = None


@dataclass(frozen=True)
class Example:
    """One row of a run: its input columns, what the final model says of it, and its scores."""

    row: int
    values: dict[str, Any]
    prediction: dict[str, Any] = field(default_factory=dict)
    scores: tuple[ScoreReading, ...] = ()
    never_learnt: bool | None = None


class Text(NamedTuple):
    """What a row says, and its label."""

    row: int
    id: str
    text: str
    text_pair: str | None
    label: str


def count(run: Run, query: ExampleQuery) -> int:
    """Return how many rows the query finds."""
    return len(numbers(run, query))


def page(
    run: Run, query: ExampleQuery, page: int = 1, size: int = 50, columns: Sequence[str] = ()
) -> pd.DataFrame:
    """Return one page of the rows that the query finds; pages count from 1.

    The columns are row, id, text, text_pair, label, split, then predicted where the run has
    predictions, the query's score (under the name of its column) with its rank, and `columns`.

    Raises:
        ConfigError: the page or its size is below 1.
        RunError: the run has no scores yet and the query names one, or a column is unknown.
    """
    for name, value in (("page", page), ("size", size)):
        if value < 1:
            raise ConfigError(rule(name, "be at least 1", value))
    return details(run, query, find_rows(run, query, (page - 1) * size, size), columns)


def find_rows(run: Run, query: ExampleQuery, start: int, limit: int) -> list[int]:
    """Return row numbers that the query finds, in its order, from position `start` on.

    Only the columns that decide are read: texts of the few rows shown are fetched afterwards.
    """
    ranked = query.order in ("hardest", "easiest") and query.normalise != "class"
    scan = Scan(run, query)
    if ranked and query.scored_only and not query.filtered:
        return _ranked_rows(run, query, start, limit)
    bind = scan.parameters.bind
    statement = (
        f"SELECT {scan.row} FROM {scan.source()} WHERE {scan.where} "
        f"ORDER BY {scan.order} LIMIT {bind(limit)} OFFSET {bind(start)}"
    )
    return [row for (row,) in rows(statement, scan.parameters)]


def example(run: Run, key: int | str) -> Example:
    """Return everything about one row, given by its number or its id.

    Raises:
        DataError: there is no such row.
    """
    known = catalogue(run)
    row = row_of(run, key)
    scores = _record(run, known, "scores", row)
    return Example(
        row=row,
        values=_record(run, known, "examples", row),
        prediction=_record(run, known, "predictions", row),
        scores=tuple(_readings(run, known.scores, scores)) if scores else (),
        never_learnt=scores.get(NEVER_LEARNT),
    )


def row_of(run: Run, key: int | str) -> int:
    """Return the number of a row, given by its number or its id.

    Raises:
        DataError: there is no such row.
    """
    parameters = Parameters()
    column = "id" if isinstance(key, str) else "file_row_number"
    found = rows(
        f"SELECT file_row_number FROM {parameters.parquet(run.examples_file)} "
        f"WHERE {column} = {parameters.bind(key)} LIMIT 1",
        parameters,
    )
    if not found:
        name = "id" if isinstance(key, str) else "row"
        raise DataError(rule(name, f"be one of run {run.name!r}", key))
    return int(found[0][0])


def texts(run: Run, wanted: Sequence[int]) -> list[Text]:
    """Return the texts and labels of rows, in the order of `wanted`."""
    parameters = Parameters()
    numbers = parameters.bind(list(wanted))
    found = rows(
        "SELECT file_row_number, id, text, text_pair, label "
        f"FROM {parameters.parquet(run.examples_file)} "
        f"WHERE file_row_number IN (SELECT unnest({numbers}::BIGINT[]))",
        parameters,
    )
    by_row = {record[0]: Text(*record) for record in found}
    return [by_row[row] for row in wanted]


def dynamics(run: Run, row: int) -> pd.DataFrame:
    """Return what every snapshot recorded of a training row: step, epoch, p_true, margin, correct.

    The frame is empty for rows outside training, and before the first snapshot.
    """
    import pandas as pd

    files = run.dynamics_folder.glob("step-*.parquet")
    position = _training_position(run, row)
    seen = [] if position is None else [_seen(path, position) for path in files]
    table = pd.DataFrame(seen, columns=["step", "epoch", *DYNAMICS])
    return table.sort_values("step", ignore_index=True)


def _seen(path: Path, position: int) -> tuple[Any, ...]:
    """Return step and epoch of a snapshot, and what it recorded of one training row."""
    (told,) = laid.cells(path, position, DYNAMICS).to_pylist()
    return (*_moment(path, state_of(path)), *(told[name] for name in DYNAMICS))


@lru_cache(maxsize=1024)
def _moment(path: Path, state: tuple[int, int]) -> tuple[int, float]:
    """Return step and epoch of a snapshot."""
    import pyarrow.parquet as pq

    told = pq.read_schema(path).metadata
    return int(told[b"step"]), float(told[b"epoch"])


def _ranked_rows(run: Run, query: ExampleQuery, start: int, limit: int) -> list[int]:
    """Page by the stored rank: no sort and no OFFSET, however deep the page."""
    first, last, way = start + 1, start + limit, "ASC"
    if query.order == "easiest":
        total = _scored_rows(run)
        first, last, way = total - last + 1, total - start, "DESC"
    parameters = Parameters()
    rank = quote(rank_column(str(query.score)))
    statement = (
        f"SELECT row FROM {parameters.parquet(run.scores_file)} "
        f"WHERE {rank} BETWEEN {parameters.bind(first)} AND {parameters.bind(last)} "
        f"ORDER BY {rank} {way}"
    )
    return [row for (row,) in rows(statement, parameters)]


def details(
    run: Run, query: ExampleQuery, wanted: Iterable[int], columns: Sequence[str] = ()
) -> pd.DataFrame:
    """Return some rows by their numbers, in that order, with the columns of `page`.

    Of the query only the score matters.
    """
    known = catalogue(run)
    names = [*CORE, *(["predicted"] if "predicted" in known else [])]
    if query.score is not None:
        names += [score_column(query.score, query.normalise), rank_column(query.score)]
    return columns_of(run, wanted, (*names, *columns))


def columns_of(run: Run, wanted: Iterable[int], names: Sequence[str]) -> pd.DataFrame:
    """Return `row` and the columns of those names of some rows, in the order of `wanted`.

    Cost: the first time a pass over each of these columns, then a look-up.

    Raises:
        RunError: a column is unknown.
    """
    import pyarrow as pa

    known = catalogue(run)
    asked = np.fromiter(wanted, np.int64)
    different = list(dict.fromkeys(names))
    read = [(name, at(run, known.get(name), asked)) for name in different]
    return framed([("row", pa.array(asked)), *read])


def _record(run: Run, known: Catalogue, table: Table, row: int) -> dict[str, Any]:
    """Return the columns of one table at one row, or nothing where the table lacks the row."""
    chosen = [column for column in known.columns if column.table == table]
    if not chosen:
        return {}
    place = int(places(run, table, np.array([row]))[0])
    if place < 0:
        return {}
    stored = laid.row(table_file(run, table), place)
    (found,) = stored.to_pylist(maps_as_pydicts="lossy")
    return {column.name: found[column.stored] for column in chosen}


def _readings(run: Run, keys: Iterable[str], values: dict[str, Any]) -> Iterator[ScoreReading]:
    for key in keys:
        yield ScoreReading(
            score=key,
            raw=values[key],
            class_norm=values[f"{key}_class_norm"],
            dataset_norm=values[f"{key}_dataset_norm"],
            rank=values[rank_column(key)],
            percentile=_percentile(run, key, values),
            spread=values.get(f"{key}_spread"),
        )


def _percentile(run: Run, key: str, values: dict[str, Any]) -> float:
    """Return the percentage of the other scored rows that are easier than the row with `values`.

    They are those behind the last of its ties: missing scores have the last ranks of all.
    """
    raw = laid.values(run.scores_file, key)
    tied = raw == values[key]
    if not tied.any():
        return float("nan")
    if key == "forgetting" and NEVER_LEARNT in values:
        # What was never learnt has nothing to forget, and ranks harder than what was learnt.
        tied &= laid.values(run.scores_file, NEVER_LEARNT) == values[NEVER_LEARNT]
    last = int(laid.values(run.scores_file, rank_column(key))[np.flatnonzero(tied)].max())
    scored = _scored(run.scores_file, state_of(run.scores_file), key)
    return 100.0 * (scored - last) / max(scored - 1, 1)


@lru_cache(maxsize=64)
def _scored(path: Path, state: tuple[int, int], key: str) -> int:
    """Return how many rows have a score."""
    return int(np.count_nonzero(~np.isnan(laid.values(path, key))))


def _scored_rows(run: Run) -> int:
    return len(laid.values(run.scores_file, "row")) if run.scores_file.exists() else 0


def _training_position(run: Run, row: int) -> int | None:
    """Return the place of a row among the training rows, which is its place in a snapshot."""
    train = training(run)
    return int(train[:row].sum()) if train[row] else None
