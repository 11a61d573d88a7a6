"""A first look at a source, for a form: columns, guessed roles, first rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from influence_core.config import DataSettings
from influence_core.data.arrow_types import NumberGuess
from influence_core.data.columns import guess
from influence_core.data.findings import Report
from influence_core.data.sources import parts_of
from influence_core.errors import DataError
from influence_core.store.run import Finding


class Inspection(BaseModel):
    """What the beginning of a source shows.

    `settings` has the guessed columns filled in, an empty name where a role stays empty; roles that
    could not be told stay None, and `findings` says why. `columns` maps names to types.
    """

    model_config = ConfigDict(frozen=True)

    settings: DataSettings
    columns: dict[str, str]
    rows: list[dict[str, Any]]
    parts: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def inspect(settings: DataSettings, limit: int = 20) -> Inspection:
    """Look at the first batch of the source without writing anything.

    Raises:
        DataError: the source cannot be read, or has no rows.
    """
    report = Report()
    parts = parts_of(settings)
    for part in parts:
        head = _head(part.read())
        if head is not None:
            return Inspection(
                settings=_filled(settings, head, report),
                columns=_kinds(head, part.plain),
                rows=head.slice(0, limit).to_pylist(),
                parts=tuple(part.name for part in parts),
                findings=report.findings,
            )
    raise DataError("The source has no rows below its header; add labelled texts.")


def _head(batches: Any) -> pa.Table | None:
    """Return the first batch that has rows."""
    return next((batch.table for batch in batches if batch.table.num_rows), None)


def _filled(settings: DataSettings, head: pa.Table, report: Report) -> DataSettings:
    mapping = guess(settings, head, report)
    if mapping is None:
        return settings
    roles = ("text", "text_pair", "label", "id", "split")
    return settings.model_copy(update={role: getattr(mapping, role) or "" for role in roles})


def _kinds(head: pa.Table, plain: bool) -> dict[str, str]:
    numbers = NumberGuess()
    if plain:
        numbers.look(head)
    return {
        column.name: str(numbers.kind(column.name) if plain else column.type)
        for column in head.schema
    }
