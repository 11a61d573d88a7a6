"""Examples that somebody hands over in memory: tables of any kind become `examples.parquet`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from influence_core.config import DataSettings
from influence_core.data.columns import guess
from influence_core.data.findings import Report
from influence_core.data.writing import STANDARD, renamed
from influence_core.errors import DataError, rule
from influence_core.store.files import write_parquet
from influence_core.store.run import DatasetSummary, Run

SOURCE = "recorder"


class GivenExamples:
    """The training rows, in their order: a table of standard columns, and label codes (rows,)."""

    def __init__(self, examples: Any, settings: DataSettings, outputs: Sequence[str]) -> None:
        """Read the examples; `outputs` are the classes of the model, in its order.

        Raises:
            DataError: a column is not found, a label is none of the model's, ids repeat.
        """
        table = _table(examples)
        report = Report()
        mapping = guess(settings, table, report)
        report.raise_errors()
        if mapping is None:
            raise DataError(rule("examples", "have a text and a label", table.column_names))
        self.names = _class_names(examples, mapping.label, outputs)
        self.codes = _codes(table[mapping.label], self.names)
        self.pairs = mapping.text_pair is not None
        rest = [name for name in table.column_names if name not in mapping.used]
        plain = [name for name in rest if not pa.types.is_nested(table.schema.field(name).type)]
        other_names = renamed(plain)
        self.table = pa.table(
            {
                "id": _ids(table, mapping.id),
                "text": pc.fill_null(table[mapping.text].cast(pa.string()), ""),
                "text_pair": _pairs(table, mapping.text_pair),
                "label": pa.array(self.names, pa.string()).take(pa.array(self.codes)),
                "split": pa.array(["train"] * len(table), pa.string()),
                **{other_names[name]: table[name] for name in plain},
            }
        )

    def write(self, run: Run) -> DatasetSummary:
        """Write `examples.parquet` of a run, and return what it holds."""
        write_parquet(run.examples_file, self.table)
        counts = np.bincount(self.codes, minlength=len(self.names))
        columns = {field.name: str(field.type) for field in self.table.schema}
        return DatasetSummary(
            fingerprint=self._fingerprint(),
            source=SOURCE,
            rows=len(self.table),
            rejected=0,
            splits={"train": len(self.table), "validation": 0, "test": 0},
            label_names=tuple(self.names),
            class_counts={name: int(n) for name, n in zip(self.names, counts, strict=True)},
            columns=columns,
            pairs=self.pairs,
        )

    def _fingerprint(self) -> str:
        whole = hashlib.sha256()
        for batch in self.table.select(STANDARD).to_batches(max_chunksize=10_000):
            whole.update(json.dumps(batch.to_pydict(), ensure_ascii=False).encode())
        return whole.hexdigest()


def _table(examples: Any) -> pa.Table:
    """Read a data frame, a dataset, a table, columns by name, or a list of rows."""
    if isinstance(examples, pa.Table):
        return examples
    if hasattr(examples, "with_format") and hasattr(examples, "features"):
        return examples.with_format("arrow")[:]
    if hasattr(examples, "iloc"):
        return pa.Table.from_pandas(examples, preserve_index=False)
    if isinstance(examples, Mapping):
        return pa.table({name: _values(column) for name, column in examples.items()})
    rows = [examples[index] for index in range(len(examples))]
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise DataError(
            "The training dataset holds no named columns; give the texts and labels of its rows, "
            "in their order, as 'examples': a data frame, a dataset, or a dictionary of columns."
        )
    names = [name for name, value in rows[0].items() if _single(value)]
    return pa.table({name: _values([row[name] for row in rows]) for name in names})


def _single(value: Any) -> bool:
    return isinstance(value, str | int | float) or getattr(value, "ndim", 1) == 0


def _values(column: Any) -> pa.Array:
    """Make a column; tensors of a single number give their number."""
    return pa.array([value.item() if hasattr(value, "item") else value for value in column])


def _class_names(examples: Any, label: str, outputs: Sequence[str]) -> list[str]:
    """Return the name of every output: the dataset's own where it names as many classes."""
    feature = getattr(examples, "features", {}).get(label)
    known = list(getattr(feature, "names", None) or [])
    return known if len(known) == len(outputs) else list(outputs)


def _codes(labels: pa.ChunkedArray, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the output that each label stands for: by its place, or by its name."""
    if pa.types.is_integer(labels.type):
        codes: npt.NDArray[np.int64] = labels.to_numpy().astype(np.int64)
        if len(codes) and (codes.min() < 0 or codes.max() >= len(names)):
            raise DataError(rule("label", f"be in [0, {len(names)})", int(codes.max())))
        return codes
    places = pc.index_in(labels.cast(pa.string()), value_set=pa.array(names, pa.string()))
    if places.null_count:
        unknown = pc.unique(labels.filter(pc.is_null(places))).to_pylist()
        raise DataError(
            f"The model does not know {len(unknown)} of the labels: {unknown[:5]}. Its classes are "
            f"{list(names[:5])}: set id2label of its configuration, or give the labels as numbers."
        )
    named: npt.NDArray[np.int64] = places.to_numpy().astype(np.int64)
    return named


def _ids(table: pa.Table, name: str | None) -> pa.Array:
    if name is None:
        return pa.array([f"row-{number + 1}" for number in range(len(table))], pa.string())
    ids = table[name].cast(pa.string())
    if ids.null_count or pc.count_distinct(ids).as_py() < len(ids):
        raise DataError(rule("id", "name a column of unique values", name))
    return ids


def _pairs(table: pa.Table, name: str | None) -> pa.Array:
    if name is None:
        return pa.nulls(len(table), pa.string())
    return pc.fill_null(table[name].cast(pa.string()), "")
