"""Second pass: kept rows go to `examples.parquet`, all others to `rejected.jsonl`."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from influence_core.data.arrow_types import convert
from influence_core.data.splits import SPLITS
from influence_core.data.staging import REASONS, Group, Staged, raw_values
from influence_core.data.unreadable import rejected_line
from influence_core.store.files import atomic

STANDARD = ("id", "text", "text_pair", "label", "split")
"""Columns every `examples.parquet` begins with."""

_PRINTED_ROWS = 200
"""Rows whose values are Python objects at once while the fingerprint is taken."""

_REASON_WORDS = {
    "missing_text": "the text is missing",
    "empty_text": "the text is empty or only white space",
    "missing_pair": "the second text is missing",
    "missing_label": "the label is missing",
    "duplicate_id": "an earlier row has the same id",
}


@dataclass(frozen=True)
class Codes:
    """By staged position: label code (-1 where the row is left out) and split code."""

    labels: npt.NDArray[np.int32]
    splits: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Written:
    """The fingerprint of the examples and their columns with types."""

    fingerprint: str
    columns: dict[str, str]


def write_examples(
    staged: Staged,
    codes: Codes,
    label_names: Sequence[str],
    path: Path,
    share_written: Callable[[float], None],
) -> Written:
    """Write the kept rows in input order."""
    kinds = staged.rest_kinds()
    names = renamed(list(kinds))
    schema = pa.schema(
        [
            *((name, pa.string()) for name in STANDARD),
            *((names[name], kind) for name, kind in kinds.items()),
        ]
    )
    prints = {name: hashlib.sha256() for name in schema.names}
    with atomic(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for group in staged.groups():
            core, rest = group.core(), group.rest()
            position = core["position"].to_numpy()
            piece = _standard(core, codes, label_names)
            for name, kind in kinds.items():
                piece[names[name]] = _rest_column(rest, name, kind)
            table = pa.table(piece, schema=schema).filter(pa.array(codes.labels[position] >= 0))
            _update(prints, table)
            writer.write_table(table)
            share_written((position[-1] + 1) / staged.rows)
    columns = {field.name: str(field.type) for field in schema}
    return Written(_fingerprint(prints), columns)


def write_rejected(staged: Staged, duplicates: npt.NDArray[np.int64], path: Path) -> int:
    """Write the rows left out as JSON lines (row, file, reason, values) and return their number.

    Rows that could not be read come first, then the others in input order.
    """
    repeated = np.zeros(staged.rows, dtype=bool)
    repeated[duplicates] = True
    count = len(staged.unreadable)
    with atomic(path) as partial:
        shutil.copyfile(staged.unreadable.path, partial)
        with partial.open("a", encoding="utf-8") as file:
            for group in staged.groups():
                count += _write_left_out(file, staged, group, repeated)
    return count


def renamed(names: Sequence[str]) -> dict[str, str]:
    """Return the name of every other input column in the examples: none hides a standard one.

    >>> renamed(["domain", "label"])
    {'domain': 'domain', 'label': 'label_input'}
    """
    taken = {*STANDARD, *names} - {name for name in names if name in STANDARD}
    result = {}
    for name in names:
        new = name
        while new in STANDARD or (new != name and new in taken):
            new += "_input"
        taken.add(new)
        result[name] = new
    return result


def group_column(staged: Staged) -> str | None:
    """Return the name under which the examples hold the column of groups, None without one."""
    mapping = staged.mapping
    if mapping is None or mapping.group is None:
        return None
    roles = {getattr(mapping, role): role for role in STANDARD}
    return roles.get(mapping.group) or renamed(list(staged.rest_kinds()))[mapping.group]


def _standard(core: pa.Table, codes: Codes, label_names: Sequence[str]) -> dict[str, Any]:
    position = core["position"].to_numpy()
    own_id = pa.array([f"row-{number + 1}" for number in position], pa.string())
    labels = codes.labels[position]
    return {
        "id": pc.coalesce(core["id"], own_id),
        "text": core["text"],
        "text_pair": core["text_pair"],
        "label": pa.array(label_names, pa.string()).take(pa.array(np.maximum(labels, 0))),
        "split": pa.array(SPLITS).take(pa.array(codes.splits[position])),
    }


def _rest_column(rest: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    if name not in rest.column_names:
        return pa.chunked_array([pa.nulls(rest.num_rows, kind)])
    return convert(rest[name], kind)


def _update(prints: Mapping[str, Any], table: pa.Table) -> None:
    """Add the values of a table; where pieces end makes no difference."""
    for name, digest in prints.items():
        for start in range(0, table.num_rows, _PRINTED_ROWS):
            values = table[name].slice(start, _PRINTED_ROWS).to_pylist()
            text = json.dumps(values, ensure_ascii=False, default=str)
            digest.update(text[1:-1].encode() + b", ")


def _fingerprint(prints: Mapping[str, Any]) -> str:
    whole = hashlib.sha256()
    for name, digest in prints.items():
        whole.update(json.dumps([name, digest.hexdigest()]).encode())
    return whole.hexdigest()


def _write_left_out(
    file: IO[str], staged: Staged, group: Group, repeated: npt.NDArray[np.bool_]
) -> int:
    marks = group.core("position", "reason")
    reasons = marks["reason"].to_numpy()
    places = np.flatnonzero((reasons > 0) | repeated[marks["position"].to_numpy()])
    mapping = staged.mapping
    if mapping is None or not len(places):
        return 0
    core, rest = group.core().take(places), group.rest().take(places)
    for number, reason in enumerate(reasons[places].tolist()):
        part = staged.parts[core["part"][number].as_py()].name
        why = _REASON_WORDS[REASONS[reason] or "duplicate_id"]
        values = raw_values(core, rest, number, mapping)
        file.write(rejected_line(core["row"][number].as_py(), part, why, values))
    return len(places)
