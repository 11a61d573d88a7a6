"""The columns a run can be asked about: of its examples, scores, predictions and suspicions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from influence_core.errors import RunError, rule
from influence_core.store.database import Parameters, quote, rows, state_of
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "number", "integer", "flag", "time", "nested"]
Derived = Literal["scores", "predictions", "noise"]
Table = Literal["examples"] | Derived

CORE = ("id", "text", "text_pair", "label", "split")
"""Columns that every `examples.parquet` starts with."""

NORMS = ("class", "dataset")
"""Ways a score is normalised, besides raw."""

DERIVED: tuple[Derived, ...] = ("scores", "predictions", "noise")
"""Tables that a run computes; they have a column `row`."""

NEVER_LEARNT = "never_learnt"
"""Column of the rows that the model never got right: forgetting cannot tell them, they are hard."""

NOISE_FACTS = b"noise"
"""Key of what `noise.parquet` says of itself, among it the content version that was read."""

_KEYS: dict[Derived, tuple[str, ...]] = {
    "scores": ("row", "id"),
    "predictions": ("row", "id", "split"),
    "noise": ("row", "id", "label"),
}
_ALIAS: dict[Table, str] = {"examples": "e", "scores": "s", "predictions": "p", "noise": "n"}
_ROW_COLUMN = "file_row_number"

PLACE = _ROW_COLUMN
"""Name under which values that are in memory are counted: no input column may have it."""


@dataclass(frozen=True)
class Column:
    """A column by the name it is asked for, and where it lies.

    An input column whose name is taken by a computed one is asked for as `<name>_input`. In
    statements it is `listed`, as DuckDB names it: there capital letters tell no names apart.
    """

    name: str
    kind: Kind
    table: Table
    stored: str
    listed: str = ""

    @property
    def expression(self) -> str:
        """The column in a statement that reads its table under its alias."""
        return f"{_ALIAS[self.table]}.{quote(self.listed or self.stored)}"

    @property
    def comparable(self) -> str:
        """The same, with NaN and infinities as missing values: DuckDB takes NaN for the largest.

        `isnan` will not do: DuckDB answers it from Parquet's statistics, which leave NaN out.
        """
        if self.kind != "number":
            return self.expression
        value = self.expression
        return f"CASE WHEN isfinite(CAST({value} AS DOUBLE)) THEN {value} END"

    @property
    def groupable(self) -> bool:
        """Whether rows can be grouped by it: few distinct values are likely."""
        return self.kind in ("text", "integer", "flag") and (
            self.name in ("label", "split", "predicted", "correct", "never_learnt") or self.extra
        )

    @property
    def filterable(self) -> bool:
        """Whether a filter can look at it."""
        return self.kind != "nested"

    @property
    def extra(self) -> bool:
        """Whether it is an input column beyond the ones every run has."""
        return self.table == "examples" and self.name not in CORE


class Catalogue:
    """All columns of a run by name."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self.columns = tuple(columns)
        self._by_name = {column.name: column for column in self.columns}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, name: str) -> Column:
        """Return the column of that name.

        Raises:
            RunError: there is none.
        """
        try:
            return self._by_name[name]
        except KeyError:
            names = ", ".join(map(repr, self._by_name))
            raise RunError(rule("column", f"be one of {names}", name)) from None

    def score(self, key: str, normalise: str = "raw") -> Column:
        """Return the column of a score, raw or normalised.

        Raises:
            RunError: the run has no scores yet, or not this one.
        """
        scored = self.scores
        if not scored:
            raise RunError("The run has no scores yet; finish it first, or ask without a score.")
        if key not in scored:
            raise RunError(rule("score", f"be one of {', '.join(map(repr, scored))}", key))
        return self.get(score_column(key, normalise))

    @property
    def scores(self) -> tuple[str, ...]:
        """Keys of the scores that the run has."""
        stored = [column.stored for column in self.columns if column.table == "scores"]
        keys = (name.removesuffix("_rank") for name in stored if name.endswith("_rank"))
        return tuple(key for key in keys if f"{key}_class_norm" in stored)


def score_column(key: str, normalise: str = "raw") -> str:
    """Return the name of a score's column: raw, or normalised by 'class' or 'dataset'."""
    return f"{key}_{normalise}_norm" if normalise in NORMS else key


def rank_column(key: str) -> str:
    """Return the name of the column of a score's ranks."""
    return f"{key}_rank"


def columns(run: Run) -> list[Column]:
    """Return every column that a run can be asked about."""
    return list(catalogue(run).columns)


def catalogue(run: Run) -> Catalogue:
    """Read the schemas of a run's files.

    Raises:
        RunError: the run has no examples yet.
    """
    if not run.examples_file.exists():
        raise RunError(
            f"Run {run.name!r} has no examples yet; its status is {run.manifest().status!r}."
        )
    derived = [column for table in DERIVED for column in _derived(run, table)]
    taken = {"row", *CORE, *(column.name for column in derived)}
    return Catalogue([*_inputs(run.examples_file, taken), *derived])


def table_file(run: Run, table: Table) -> Path:
    """Return the file of a table."""
    files: dict[Table, Path] = {
        "examples": run.examples_file,
        "scores": run.scores_file,
        "predictions": run.predictions_file,
        "noise": run.noise_file,
    }
    return files[table]


def row_number(table: Table) -> str:
    """Return the row numbers of a table in a statement that reads it under its alias."""
    return f"{_ALIAS[table]}.{_ROW_COLUMN if table == 'examples' else 'row'}"


def read_table(run: Run, table: Table, parameters: Parameters) -> str:
    """Return the part of a statement that reads a table under its alias."""
    return f"{parameters.parquet(table_file(run, table))} {_ALIAS[table]}"


def read_values(column: Column, values: pa.ChunkedArray, parameters: Parameters) -> str:
    """Return the part of a statement that reads values as a column of its table, with PLACE."""
    import numpy as np
    import pyarrow as pa

    name = column.listed or column.stored
    told = pa.table({name: values, PLACE: np.arange(len(values))})
    return f"{parameters.table(told)} {_ALIAS[column.table]}"


def join_table(run: Run, table: Table, row: str, parameters: Parameters, how: str = "LEFT") -> str:
    """Return the part of a statement that joins a table at the row numbers of another."""
    return f" {how} JOIN {read_table(run, table, parameters)} ON {row_number(table)} = {row}"


def _derived(run: Run, table: Derived) -> list[Column]:
    """Return the columns of a computed file, or none before it is computed."""
    path = table_file(run, table)
    if not path.exists() or (table == "noise" and not _judges_this_version(run)):
        return []
    return [
        Column(_derived_name(table, stored), kind, table, stored, listed)
        for stored, listed, kind in _schema(path)
        if stored not in _KEYS[table]
    ]


def _judges_this_version(run: Run) -> bool:
    """Say whether the suspicions are those of the run as it is."""
    import pyarrow.parquet as pq

    told = (pq.read_schema(run.noise_file).metadata or {}).get(NOISE_FACTS, b"{}")
    content: object = json.loads(told).get("content")
    return content == run.manifest().content_version


def _derived_name(table: Derived, name: str) -> str:
    """Tell apart figures of one name: the final model's, those of suspicion, and scores."""
    if table == "noise":
        return name if name.startswith("suspicion_") else f"noise_{name}"
    return f"final_{name}" if table == "predictions" and name == "confidence" else name


def _inputs(path: Path, taken: set[str]) -> list[Column]:
    schema = _schema(path)
    for stored, *_ in schema:
        if stored.lower() == _ROW_COLUMN:
            raise RunError(
                rule("column", "be called otherwise: the name is kept for row numbers", stored)
            )
    found = []
    used = taken | {stored for stored, *_ in schema}
    for stored, listed, kind in schema:
        name = stored
        if stored not in CORE and stored in taken:
            while name in used:
                name += "_input"
            used.add(name)
        found.append(Column(name, kind, "examples", stored, listed))
    return found


def _schema(path: Path) -> tuple[tuple[str, str, Kind], ...]:
    """Return the columns of a file: their names there, and in the database, and their kinds."""
    return _schema_of(path, state_of(path))


@lru_cache(maxsize=64)
def _schema_of(path: Path, state: tuple[int, int]) -> tuple[tuple[str, str, Kind], ...]:
    import pyarrow.parquet as pq

    parameters = Parameters()
    described = rows(f"DESCRIBE SELECT * FROM {parameters.parquet(path)}", parameters)
    told = zip(pq.read_schema(path).names, described, strict=True)
    return tuple((stored, listed, _kind(kind)) for stored, (listed, kind, *_) in told)


def _kind(duckdb_type: str) -> Kind:
    base = duckdb_type.split("(")[0]
    if duckdb_type.endswith("]") or base in ("STRUCT", "MAP", "UNION", "BLOB", "BIT"):
        return "nested"
    if base in ("FLOAT", "DOUBLE", "DECIMAL"):
        return "number"
    if "INT" in base and base != "INTERVAL":
        return "integer"
    if base == "BOOLEAN":
        return "flag"
    return "time" if base.startswith(("DATE", "TIME", "INTERVAL")) else "text"
