"""Which examples are asked for, and in which order."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from influence_core.config import Settings
from influence_core.errors import ConfigError, rule
from influence_core.store import laid
from influence_core.store.columns import (
    DERIVED,
    Catalogue,
    Column,
    Table,
    catalogue,
    join_table,
    rank_column,
    read_table,
    row_number,
    score_column,
)
from influence_core.store.database import Parameters, rows
from influence_core.store.run import Run
from influence_core.store.selections import Selections

Normalise = Literal["raw", "class", "dataset"]
Order = Literal["hardest", "easiest", "row", "column"]
Value = bool | int | float | str | None


class OneOf(Settings):
    """Keep rows whose column holds one of the values; None stands for a missing value."""

    column: str
    values: tuple[Value, ...]

    def condition(self, column: Column, parameters: Parameters) -> str:
        """Return the filter as a condition."""
        missing = f"{column.expression} IS NULL" if None in self.values else "FALSE"
        return f"{missing} OR coalesce({self._found(column, parameters)}, FALSE)"

    def _found(self, column: Column, parameters: Parameters) -> str:
        present = [value for value in self.values if value is not None]
        if column.kind in ("number", "integer"):
            numbers = parameters.bind([_number(value) for value in present])
            return f"CAST({column.expression} AS DOUBLE) IN (SELECT unnest({numbers}::DOUBLE[]))"
        words = parameters.bind([_written(value) for value in present])
        return f"CAST({column.expression} AS VARCHAR) IN (SELECT unnest({words}::VARCHAR[]))"


class Between(Settings):
    """Keep rows whose column lies in a closed range; None leaves an end open."""

    column: str
    minimum: float | datetime | date | None = None
    maximum: float | datetime | date | None = None

    def condition(self, column: Column, parameters: Parameters) -> str:
        """Return the filter as a condition."""
        ends = ((">=", self.minimum), ("<=", self.maximum))
        tests = [
            f"{column.comparable} {sign} {parameters.bind(self._checked(end, column))}"
            for sign, end in ends
            if end is not None
        ]
        return " AND ".join(tests) or "TRUE"

    def _checked(self, end: float | date, column: Column) -> float | date:
        kinds = ("time",) if isinstance(end, date) else ("number", "integer")
        if column.kind not in kinds:
            raise ConfigError(rule("column", f"hold {' or '.join(kinds)} values", self.column))
        return end


class Contains(Settings):
    """Keep rows whose column contains the text, in any case."""

    column: str
    text: str

    def condition(self, column: Column, parameters: Parameters) -> str:
        """Return the filter as a condition."""
        return _contains(f"CAST({column.expression} AS VARCHAR)", self.text, parameters)


class Matches(Settings):
    """Keep rows of which the regular expression (RE2) finds something, in any case."""

    column: str
    pattern: str

    def condition(self, column: Column, parameters: Parameters) -> str:
        """Return the filter as a condition."""
        pattern = parameters.bind(self.pattern)
        return f"coalesce(regexp_matches({column.expression}, {pattern}, 'i'), FALSE)"


Filter = OneOf | Between | Contains
Test = Filter | Matches


_ORDERING = ("score", "normalise", "order", "column", "descending")
"""Fields of a query that say nothing about which rows it finds."""


class ExampleQuery(Settings):
    """A question for examples: filters, a search and an order. Empty tuples keep everything."""

    score: str | None = Field(None, description="Score that is shown and that orders the rows.")
    normalise: Normalise = Field(
        "raw", description="The score itself, or its z-score within the class or the dataset."
    )
    order: Order = Field(
        "row", description="Hardest or easiest first by the score, input order, or by a column."
    )
    column: str | None = Field(None, description="Column that orders the rows if order=column.")
    descending: bool = Field(False, description="Whether the column's largest value comes first.")
    labels: tuple[str, ...] = Field((), description="Labels to keep.")
    splits: tuple[str, ...] = Field((), description="Splits to keep.")
    filters: tuple[Filter, ...] = Field((), description="Further filters; all of them must hold.")
    search: str = Field("", description="Text to find in either text, in any case.")
    regex: bool = Field(False, description="Whether the search is a regular expression (RE2).")
    selection: str | None = Field(None, description="Named selection to keep to.")
    selection_version: str = Field(
        "", description="Its version, by which answers from before a change are told apart."
    )
    scored_only: bool = Field(False, description="Whether rows without scores are left out.")

    @model_validator(mode="after")
    def _order_has_its_column(self) -> Self:
        if self.order in ("hardest", "easiest") and self.score is None:
            raise ValueError(rule("score", f"be given to order by {self.order}", self.score))
        if self.order == "column" and self.column is None:
            raise ValueError(rule("column", "be given to order by a column", self.column))
        return self

    @property
    def filtered(self) -> bool:
        """Whether any filter or search is set."""
        return bool(self.labels or self.splits or self.filters or self.search or self.selection)

    @property
    def tests(self) -> tuple[Filter, ...]:
        """What must hold of single columns, but for the search."""
        chosen = (("label", self.labels), ("split", self.splits))
        given = (OneOf(column=name, values=values) for name, values in chosen if values)
        return (*given, *self.filters)

    @property
    def searches(self) -> tuple[Contains | Matches, ...]:
        """What the search asks of either text, one of which must hold."""
        texts = ("text", "text_pair")
        if self.regex:
            return tuple(Matches(column=name, pattern=self.search) for name in texts)
        return tuple(Contains(column=name, text=self.search) for name in texts)

    @property
    def conditions(self) -> Self:
        """The query for the same rows in input order, whatever their scores."""
        return self.model_copy(update=_unset(type(self), *_ORDERING))

    @property
    def arrangement(self) -> Self:
        """The query for the same order of all rows."""
        kept = (*_ORDERING, "scored_only")
        return self.model_copy(update=_unset(type(self), *set(type(self).model_fields) - set(kept)))


class Scan:
    """A query made ready for one run: the tables it must read, its conditions and its order."""

    def __init__(self, run: Run, query: ExampleQuery) -> None:
        self.parameters = Parameters()
        self.catalogue: Catalogue = catalogue(run)
        self._run = run
        self._query = query
        self._used: set[Table] = set()
        if query.score is not None:
            self.catalogue.score(query.score, query.normalise)
        self._scored = query.scored_only and bool(self.catalogue.scores)
        self.where = self._conditions()
        self.key, self.descending = sort_key(run, query)
        if self.key is not None:
            self._used.add(self.key.table)

    @property
    def row(self) -> str:
        """Expression of the row number in the table that leads."""
        return row_number(self._lead)

    @property
    def order(self) -> str:
        """The ORDER BY clause: rows without a value come last, ties in input order."""
        if self.key is None:
            return self.row
        return f"{self.key.comparable} {_way(self.descending)}, {self.row}"

    @property
    def _lead(self) -> Table:
        return "scores" if self._scored else "examples"

    def use(self, name: str) -> str:
        """Return the expression of a column and see to it that its table is read."""
        column = self.catalogue.get(name)
        self._used.add(column.table)
        return column.expression

    def source(self) -> str:
        """Return the FROM clause that reads the tables in use, and no others."""
        how = "INNER" if self._scored else "LEFT"
        tables: tuple[Table, ...] = ("examples", *DERIVED)
        return read_table(self._run, self._lead, self.parameters) + "".join(
            join_table(self._run, table, self.row, self.parameters, how)
            for table in tables
            if table != self._lead and table in self._used
        )

    def _conditions(self) -> str:
        query = self._query
        tests = [self._condition(test) for test in query.tests]
        if query.selection is not None:
            tests.append(f"{self.row} IN (SELECT row FROM {self._selected(query.selection)})")
        if query.search:
            if query.regex:
                check_pattern(query.search)
            tests.append(" OR ".join(f"({self._condition(one)})" for one in query.searches))
        return " AND ".join(f"({test})" for test in tests) or "TRUE"

    def _condition(self, test: Test) -> str:
        self.use(test.column)
        return test.condition(self.catalogue.get(test.column), self.parameters)

    def _selected(self, name: str) -> str:
        selections = Selections(self._run)
        selections.get(name)
        return self.parameters.parquet(selections.file(name))


def sort_key(run: Run, query: ExampleQuery) -> tuple[Column | None, bool]:
    """Return the column that orders the rows, and whether its largest value comes first.

    The stored rank stands for a score; normalised within the class it has none and is sorted.
    Dataset normalisation is monotone, so that the rank of the raw score holds for it.

    Raises:
        RunError: the column is unknown.
    """
    if query.order == "row":
        return None, False
    known = catalogue(run)
    if query.order == "column":
        return known.get(str(query.column)), query.descending
    score, easiest = str(query.score), query.order == "easiest"
    if query.normalise != "class":
        return known.get(rank_column(score)), easiest
    return known.get(score_column(score, "class")), _hard_is_high(run, score) != easiest


def check_pattern(pattern: str) -> None:
    """See that a text to find is a regular expression.

    Raises:
        ConfigError: it is none in RE2 syntax.
    """
    import duckdb

    parameters = Parameters()
    try:
        rows(f"SELECT regexp_matches('', {parameters.bind(pattern)})", parameters)
    except duckdb.Error as error:
        reason = str(error).removeprefix("Invalid Input Error: ")
        raise ConfigError(
            rule("search", f"be a regular expression in RE2 syntax ({reason})", pattern)
        ) from None


def _unset(settings: type[ExampleQuery], *names: str) -> dict[str, Any]:
    return {name: settings.model_fields[name].default for name in names}


def _way(descending: bool) -> str:
    return "DESC NULLS LAST" if descending else "ASC NULLS LAST"


def _contains(expression: str, text: str, parameters: Parameters) -> str:
    needle = parameters.bind(text)
    return f"coalesce(contains(lower({expression}), lower({needle})), FALSE)"


def _written(value: Value) -> str:
    """Write a value as DuckDB does."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Value) -> float | None:
    """Read a value as a number; what is none matches nothing."""
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None


def _hard_is_high(run: Run, key: str) -> bool:
    """Say which end of a score is hard, as its ranks tell: rank 1 is the hardest row."""
    value = laid.values(run.scores_file, key)
    if np.isnan(value).all():
        return False
    ranks = laid.values(run.scores_file, rank_column(key))
    # Of rows that share a value some may be ranked by something else: what was never learnt is
    # hard, though nothing of it was forgotten. The last of them stands for the value.
    highest, lowest = (ranks[value == end].max() for end in (np.nanmax(value), np.nanmin(value)))
    return bool(highest <= lowest)
