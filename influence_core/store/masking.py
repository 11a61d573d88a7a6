"""Texts of a dataset taken out of answers: labels, ids, scores and numbers stay.

What does not arrive where answers are shown cannot be shown there, whatever a page does with them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel

from influence_core.store.columns import Catalogue, Column, catalogue
from influence_core.store.database import Parameters, rows
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Finding, Manifest, Run

TEXTS = frozenset({"text", "text_pair", "tokens", "token"})
"""Names under which answers hold texts, or parts of them."""

UNSAID = "Masked: it may quote the data."
"""What stands for a message that was written about the data."""

MOST_VALUES = 500
LEAST_REPEATED = 10
LONGEST = 60
"""An input column is one of categories, and stays, if it has at most so many values, each so often
on average, and none longer: any other column of words may hold texts."""

Answer = TypeVar("Answer")


def masked(text: object) -> str:
    """Return what stands for a text.

    >>> masked("turn on the lamp")
    'masked, 4 words'
    """
    words = len(str(text).split())
    return f"masked, {words:,} word{'' if words == 1 else 's'}"


def without_texts(answer: Answer, names: Collection[str] = TEXTS) -> Answer:
    """Return an answer in whose fields, keys and columns of these names no text is left.

    Lists, mappings, frames, and objects with named fields are looked through, however deep. A
    catalogue comes back without the columns.
    """
    found: Answer = _veiled(answer, names)
    return found


def text_columns(run: Run) -> frozenset[str]:
    """Return the names under which a run's answers hold texts: `TEXTS`, and input columns."""
    extra = [column for column in catalogue(run).columns if column.extra]
    words = [column for column in extra if column.kind == "text"]
    nested = {column.name for column in extra if column.kind == "nested"}
    return TEXTS | nested | ({column.name for column in words} - _categories(run, words))


def query_without_texts(query: ExampleQuery, names: Collection[str]) -> ExampleQuery:
    """Return a query that asks nothing about texts: their answers would tell what they hold."""
    changes: dict[str, Any] = {
        "search": "",
        "regex": False,
        "filters": tuple(one for one in query.filters if one.column not in names),
    }
    if query.column in names:
        changes |= {"order": "row", "column": None}
    return query.model_copy(update=changes)


def manifest_without_texts(manifest: Manifest) -> Manifest:
    """Return a manifest without messages about the data: they quote values of its columns."""
    dataset = manifest.dataset
    if dataset is not None:
        dataset = dataset.model_copy(update={"findings": tuple(map(unsaid, dataset.findings))})
    error = UNSAID if manifest.error else ""
    notes = (UNSAID,) if manifest.notes else ()
    return manifest.model_copy(update={"dataset": dataset, "error": error, "notes": notes})


def unsaid(finding: Finding) -> Finding:
    """Return a finding without its message: what was checked, and how many rows it is about."""
    return finding.model_copy(update={"message": f"{finding.check.capitalize()}. {UNSAID}"})


def _categories(run: Run, words: list[Column]) -> set[str]:
    """Return which columns of words hold categories."""
    if not words:
        return set()
    parameters = Parameters()
    asked = ", ".join(
        f"count(DISTINCT {column.expression}), max(length(CAST({column.expression} AS VARCHAR)))"
        for column in words
    )
    source = f"{parameters.parquet(run.examples_file)} e"
    total, *figures = rows(f"SELECT count(*), {asked} FROM {source}", parameters)[0]
    most = min(MOST_VALUES, total // LEAST_REPEATED)
    told = zip(words, figures[::2], figures[1::2], strict=True)
    return {
        column.name
        for column, values, length in told
        if values <= most and (length or 0) <= LONGEST
    }


def _veiled(value: Any, names: Collection[str]) -> Any:
    """Return a value without texts, the very same where it holds none."""
    if isinstance(value, Catalogue):
        return Catalogue(column for column in value.columns if column.name not in names)
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_veiled(one, names) for one in value)
    if type(value).__module__.partition(".")[0] == "pandas":
        return _frame(value, names)
    return _record(value, names)


def _frame(value: Any, names: Collection[str]) -> Any:
    hidden = [name for name in getattr(value, "columns", ()) if name in names]
    return value.assign(**{name: _hidden(value[name].tolist()) for name in hidden})


def _record(value: Any, names: Collection[str]) -> Any:
    """Return a mapping, or an object with named fields, without texts in them."""
    parts = _parts(value)
    veiled = {
        name: _hidden(part) if name in names else _veiled(part, names)
        for name, part in parts.items()
    }
    changes = {name: part for name, part in veiled.items() if part is not parts[name]}
    if not changes:
        return value
    if isinstance(value, Mapping):
        return veiled
    if isinstance(value, BaseModel):
        return value.model_copy(update=changes)
    if isinstance(value, tuple):
        return value._replace(**changes)  # type: ignore[attr-defined]
    return replace(value, **changes)


def _parts(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple):
        return dict(value._asdict())  # type: ignore[attr-defined]
    if isinstance(value, BaseModel):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    return {}


def _hidden(value: Any) -> Any:
    """Return what stands for a value under the name of a text; numbers and gaps tell nothing."""
    if isinstance(value, list | tuple):
        return type(value)(map(_hidden, value))
    return value if value is None or isinstance(value, int | float) else masked(value)
