"""Reading the JSON of Rasa NLU: examples with an intent and entities, in one document."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa

from influence_core.data.arrow_types import column_of
from influence_core.data.batches import Batch, Collector
from influence_core.data.findings import failure
from influence_core.data.json_document import BrokenDocument, Document, Element
from influence_core.data.json_lines import read_json_lines
from influence_core.data.spans import SLOTS
from influence_core.data.text_files import open_text, read_head

_ROOT = "rasa_nlu_data"

_LISTS = ("common_examples", "intent_examples", "entity_examples")
"""Where examples are; the last two are of early versions."""

_PARSED = 4
"""How much more memory an example takes when it is parsed."""

_SIGN = re.compile(rf'\s*\{{.*(?<!\\)"{_ROOT}"\s*:\s*\{{', re.DOTALL)

_TYPES: dict[str, pa.DataType] = {"text": pa.string(), "intent": pa.string(), "slots": SLOTS}


def read_json(path: Path) -> Iterator[Batch]:
    """Read a JSON file in batches: training data of Rasa NLU, or else JSON lines.

    Raises:
        DataError: the file cannot be read.
    """
    return read_rasa(path) if _is_rasa(path) else read_json_lines(path)


def read_rasa(path: Path) -> Iterator[Batch]:
    """Read the examples of Rasa NLU in batches; those that cannot be used are rejected.

    Entities become `slots` in the order of the text, named by their entity and, where they have
    one, its role: `city.from`.

    Raises:
        DataError: the file cannot be read, or breaks off.
    """
    size = max(path.stat().st_size, 1)
    with open_text(path) as file:
        collector, names = Collector(), dict.fromkeys(["text"])
        for row, example in enumerate(_examples(path, Document(file)), start=1):
            _sort(collector, row, example)
            if collector.full:
                share = min(1.0, file.buffer.tell() / size)  # type: ignore[attr-defined]
                yield _batch(path, collector, names, share)
        yield _batch(path, collector, names, 1.0)


def _is_rasa(path: Path) -> bool:
    head = read_head(path)
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head.decode("utf-16" if wide else "utf-8-sig", errors="ignore")
    return bool(_SIGN.match(text))


def _examples(path: Path, document: Document) -> Iterator[Element]:
    """Yield the examples of all lists.

    Raises:
        DataError: the document breaks off.
    """
    try:
        for root in document.members():
            if root == _ROOT:
                yield from _listed(document)
            else:
                document.skip()
    except BrokenDocument as error:
        raise failure(
            "broken_json",
            f"File {path.name!r} cannot be read as JSON beyond line {document.line}: {error}. "
            "Mend it there.",
        ) from None


def _listed(document: Document) -> Iterator[Element]:
    for name in document.members():
        if name in _LISTS:
            yield from document.elements()
        else:
            document.skip()


def _sort(collector: Collector, row: int, example: Element) -> None:
    """Keep an example, or reject it with the reason."""
    size = sys.getsizeof(example.text)
    try:
        collector.keep(row, _record(example), _PARSED * size)
    except ValueError as error:
        reason = f"the example on line {example.line} cannot be used: {error}"
        collector.reject(row, "broken_example", reason, example.text, size)


def _record(example: Element) -> dict[str, Any]:
    """Return the columns of an example.

    Raises:
        ValueError: it is broken, or its entities do not lie one after the other in its text.
    """
    if example.error:
        raise ValueError(example.error)
    if not isinstance(example.value, dict):
        raise ValueError(f"it holds {type(example.value).__name__}")
    if "\\ud" in example.text.lower():
        json.dumps(example.value, ensure_ascii=False).encode()
    record = {name: value for name, value in example.value.items() if value is not None}
    entities = record.pop("entities", [])
    for name, value, kind in (
        ("text", record.get("text", ""), str),
        ("intent", record.get("intent", ""), str),
        ("entities", entities, list),
    ):
        if not isinstance(value, kind):
            raise ValueError(f"its {name!r} holds {type(value).__name__}")
    length = len(record.get("text", ""))
    slots = sorted((_slot(entity, length) for entity in entities), key=itemgetter("start"))
    for before, after in pairwise(slots):
        if after["start"] < before["end"]:
            raise ValueError(f"entities {before['slot']!r} and {after['slot']!r} overlap")
    return {**record, "slots": slots}


def _slot(entity: Any, length: int) -> dict[str, Any]:
    """Return an entity as a slot of a text so many characters long.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(entity, dict) or not isinstance(entity.get("entity"), str):
        raise ValueError("an entity has no 'entity', its name")
    name, role = entity["entity"], entity.get("role")
    start, end = entity.get("start"), entity.get("end")
    if type(start) is not int or type(end) is not int:
        raise ValueError(f"entity {name!r} has no whole numbers as its 'start' and 'end'")
    if not 0 <= start < end <= length:
        raise ValueError(
            f"entity {name!r} goes from {start} to {end} in a text of {length} characters"
        )
    return {"start": start, "end": end, "slot": f"{name}.{role}" if role else name}


def _batch(path: Path, collector: Collector, names: dict[str, None], share: float) -> Batch:
    """Return the batch as a table of all columns that were met so far, which `names` holds.

    Raises:
        DataError: no example says its intent.
    """
    records = collector.records
    names.update(dict.fromkeys(name for record in records for name in record))
    if records and "intent" not in names:
        raise failure(
            "columns",
            f"File {path.name!r} names no intent, so there is no label: give each example its "
            '"intent", beside its "text".',
        )
    columns = {name: _column(name, [record.get(name) for record in records]) for name in names}
    return collector.hand_on(pa.table(columns), share)


def _column(name: str, values: list[Any]) -> pa.ChunkedArray:
    kind = _TYPES.get(name)
    return column_of(values) if kind is None else pa.chunked_array([pa.array(values, kind)])
