"""The folder of an experiment with stacks: its settings, and what every stack left there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from influence_core.data.spans import SLOTS
from influence_core.nlu.cells import Cell, cells
from influence_core.nlu.settings import StackSettings
from influence_core.nlu.slots import Interpretation, Slot
from influence_core.store.experiments import RunExperiment, TrainingManifest
from influence_core.store.files import write_parquet
from influence_core.store.run import Run

_FACTS = b"outcome"


class StackManifest(TrainingManifest):
    """The contents of `experiment.json`.

    `small_domains` have too few training rows for models of their own.
    """

    settings: StackSettings
    small_domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a stack understood of the test rows, and what training it took.

    `rows` of each domain were trained on in `seconds`; stacks that were trained together share
    them evenly. `confidence` (test rows,) is the probability of the domain that was chosen, and
    `outside`, if it was asked for, that by a classifier which has never seen a row of its domain.
    """

    cell: Cell
    rows: Mapping[str, int]
    seconds: float
    domains: Sequence[str]
    intents: Sequence[str]
    slots: Sequence[tuple[Slot, ...]]
    confidence: npt.NDArray[np.float32]
    outside: npt.NDArray[np.float32] | None = None

    def understood(self, texts: Sequence[str]) -> list[Interpretation]:
        """Return what it understood of the test rows, whose texts these are."""
        rows = zip(texts, self.domains, self.intents, self.slots, strict=True)
        return [Interpretation(*row) for row in rows]


@dataclass(frozen=True)
class StackExperiment(RunExperiment[StackManifest]):
    """An experiment with stacks, `nlu/<name>/` in the folder of its run."""

    KIND = "a stack experiment"
    FOLDER = "nlu"
    MANIFEST = "experiment.json"
    OPTION = "--stack"
    WORD = "stack"

    @property
    def manifest_type(self) -> type[StackManifest]:
        """What `experiment.json` holds."""
        return StackManifest

    def cells(self) -> list[Cell]:
        """List all cells of the experiment."""
        return cells(self.manifest().settings)

    def missing(self) -> list[Cell]:
        """List the cells that were not trained yet."""
        return [cell for cell in self.cells() if not self.file_of(cell).exists()]

    def file_of(self, cell: Cell) -> Path:
        """Return where the outcome of a cell lies once it is there."""
        return self.path / "cells" / f"{cell.name}.parquet"

    def keep(self, outcome: Outcome) -> None:
        """Write the outcome of a cell."""
        import pyarrow as pa

        facts = {"rows": dict(outcome.rows), "seconds": outcome.seconds}
        table = pa.table(
            {
                "domain": pa.array(outcome.domains, pa.string()),
                "intent": pa.array(outcome.intents, pa.string()),
                "slots": pa.array([_structs(one) for one in outcome.slots], SLOTS),
                "confidence": outcome.confidence,
            }
        )
        if outcome.outside is not None:
            table = table.append_column("outside", pa.array(outcome.outside))
        table = table.replace_schema_metadata({_FACTS: json.dumps(facts)})
        write_parquet(self.file_of(outcome.cell), table)

    def outcomes(self) -> Iterator[Outcome]:
        """Read what the trained stacks left, in the order of the grid."""
        import pyarrow.parquet as pq

        for cell in self.cells():
            path = self.file_of(cell)
            if not path.exists():
                continue
            table = pq.read_table(path)
            facts = json.loads(table.schema.metadata[_FACTS])
            domains, intents, slots = (
                table[name].to_pylist() for name in ("domain", "intent", "slots")
            )
            confidence = table["confidence"].to_numpy()
            outside = table["outside"].to_numpy() if "outside" in table.column_names else None
            told = [
                tuple(Slot(one["start"], one["end"], one["slot"]) for one in row) for row in slots
            ]
            said = (domains, intents, told, confidence, outside)
            yield Outcome(cell, facts["rows"], facts["seconds"], *said)


def open_stacks(run: Run, name: str) -> StackExperiment:
    """Open an experiment with stacks by name.

    Raises:
        RunNotFound: the run has none of that name.
    """
    return StackExperiment.open(run, name)


def _structs(slots: Sequence[Slot]) -> list[dict[str, object]]:
    return [{"start": one.start, "end": one.end, "slot": one.name} for one in slots]
