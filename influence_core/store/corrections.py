"""What reviewers decided, applied to the examples of a run: rows that leave, labels that change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from influence_core.errors import ConfigError, DataError, rule
from influence_core.store.review import Action, Decision, Reviews
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pyarrow as pa

ACTION, BEFORE = "review_action", "label_before_review"
"""Columns that tell what was decided about a row, and the label that a relabelled one had.

Where data that was reviewed before has them, older decisions stay, and so does the first label.
"""

Mask = npt.NDArray[np.bool_]


class ReviewFacts(BaseModel):
    """What a manifest says of the decisions that were applied.

    `version` is that of the reviews, `rows` counts rows by what was decided about them, and
    `reviewers` by who decided it.
    """

    model_config = ConfigDict(frozen=True)

    version: int
    rows: dict[Action, int]
    reviewers: dict[str, int]


@dataclass(frozen=True)
class Corrections:
    """The decisions that stood at a version of the reviews of a run, by id."""

    version: int
    decisions: Mapping[str, Decision]

    @property
    def facts(self) -> ReviewFacts:
        """How many there are, of what kind and by whom."""
        decisions = self.decisions.values()
        return ReviewFacts(
            version=self.version,
            rows=Counter(one.action for one in decisions),
            reviewers=Counter(one.reviewer for one in decisions),
        )

    def schema(self, stored: pa.Schema) -> pa.Schema:
        """Return the columns of corrected rows: those that are stored, and what was decided.

        Raises:
            DataError: the data has a column of such a name that holds other things.
        """
        import pyarrow as pa

        told = {name: pa.field(name, pa.string()) for name in (ACTION, BEFORE)}
        for name in told.keys() & set(stored.names):
            kind = stored.field(name).type
            # A column without any value may be read as one without a type.
            if not (pa.types.is_string(kind) or pa.types.is_null(kind)):
                raise DataError(rule(name, "be text, as an earlier review wrote it", str(kind)))
        others = {field.name: field for field in stored}
        return pa.schema((others | told).values())

    def leave(self, rows: pa.RecordBatch) -> Mask:
        """Say of each row of a batch whether it was dropped (n,)."""
        decisions = (self.decisions.get(id) for id in rows["id"].to_pylist())
        return np.array([one is not None and one.action == "drop" for one in decisions], bool)

    def outcome(
        self, ids: npt.NDArray[np.object_], labels: npt.NDArray[np.object_]
    ) -> tuple[Mask, npt.NDArray[np.object_]]:
        """Say of rows whether they were dropped (n,), and which labels they get (n,)."""
        dropped, wanted = np.zeros(len(ids), bool), labels.copy()
        for place in np.flatnonzero(np.isin(ids, list(self.decisions))):
            decision = self.decisions[ids[place]]
            dropped[place] = decision.action == "drop"
            wanted[place] = decision.new_label or wanted[place]
        return dropped, wanted

    def applied(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with new labels and the columns of `schema`; dropped rows stay in it."""
        import pyarrow as pa

        schema = self.schema(rows.schema)
        given = {name: _values(rows, name) for name in ("id", "label", ACTION, BEFORE)}
        for place, id in enumerate(given["id"]):
            decision = self.decisions.get(str(id))
            if decision is None:
                continue
            given[ACTION][place] = decision.action
            if decision.new_label is not None:
                given[BEFORE][place] = given[BEFORE][place] or given["label"][place]
                given["label"][place] = decision.new_label
        columns = [
            pa.array(given[field.name], field.type) if field.name in given else rows[field.name]
            for field in schema
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def corrections(run: Run, version: int | None = None) -> Corrections:
    """Read what stood at a version of the reviews of a run, by default at the newest.

    Raises:
        ConfigError: the reviews have not had that version yet.
    """
    reviews = Reviews(run)
    newest = reviews.version()
    until = newest if version is None else version
    if not 0 <= until <= newest:
        raise ConfigError(rule("review_version", f"be between 0 and {newest}", until))
    return Corrections(until, reviews.standing(until))


def _values(rows: pa.RecordBatch, name: str) -> list[str | None]:
    present = name in rows.schema.names
    values: list[str | None] = rows[name].to_pylist() if present else [None] * len(rows)
    return values
