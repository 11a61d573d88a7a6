"""Exports that were written: what lies in them, whether it is still what it was, and which rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from influence_core.errors import ConfigError, rule
from influence_core.store.export import MANIFEST, Export, ExportManifest, checksum
from influence_core.store.formats import WRITERS, Format, unguarded
from influence_core.store.run import Run

LONGEST_FIELD = 2**31 - 1
"""Letters of a field of a CSV file up to which it is read: more than any text has."""

Condition = Literal["intact", "changed", "missing", "added"]
"""What became of a file since it was written; `added` is one that the manifest does not name."""


@dataclass(frozen=True)
class File:
    """A file of an export, by its name in the folder; the size in bytes is None if it is gone."""

    name: str
    size: int | None


def exports_folder(run: Run) -> Path:
    """Return where the dashboard writes the exports of a run: `exports/`."""
    return run.path / "exports"


def written_exports(run: Run) -> list[Export]:
    """Return the exports in the folder of a run, the newest first; what is none is passed over."""
    found = [_opened(path.parent) for path in exports_folder(run).glob(f"*/{MANIFEST}")]
    known = [one for one in found if one is not None]
    return sorted(known, key=lambda one: (one.manifest.created, one.folder.name), reverse=True)


def open_export(folder: Path) -> Export:
    """Open an export by its folder.

    Raises:
        ConfigError: it holds none.
    """
    found = _opened(folder)
    if found is None:
        raise ConfigError(rule("folder", "hold an export", str(folder)))
    return found


def files(export: Export) -> list[File]:
    """Return the files of an export, the manifest last."""
    return [_file(export.folder, name) for name in (*export.manifest.files, MANIFEST)]


def verify(export: Export) -> dict[str, Condition]:
    """Read every file of an export again, and say of each whether it is what it was.

    The manifest itself has no checksum and is left out.
    """
    known = export.manifest.files
    present = {
        path.relative_to(export.folder).as_posix()
        for path in export.folder.rglob("*")
        if path.is_file()
    } - {MANIFEST}
    found: dict[str, Condition] = {name: _condition(export, name) for name in known}
    return found | dict.fromkeys(sorted(present - set(known)), "added")


def kept_ids(export: Export) -> list[str]:
    """Return the ids of the training rows that an export keeps.

    Raises:
        ConfigError: its file is gone or cannot be read.
    """
    format = export.manifest.format
    path = export.folder / f"kept{WRITERS[format].suffix}"
    try:
        return [one["id"] for one in _records(path, format) if one["split"] == "train"]
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ConfigError(rule("export", f"hold {path.name!r} as written", str(error))) from error


def _records(path: Path, format: Format) -> Iterator[dict[str, Any]]:
    """Yield `id` and `split` of every row of a file, among what else may be there."""
    if format == "csv":
        csv.field_size_limit(LONGEST_FIELD)
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                yield line | {"id": unguarded(line["id"])}
    elif format == "jsonl":
        with path.open(encoding="utf-8", newline="\n") as file:
            yield from map(json.loads, file)
    elif format == "parquet":
        yield from _columns(path)
    else:
        from datasets import load_from_disk

        for split, part in load_from_disk(str(path)).items():
            yield from ({"id": id, "split": split} for id in part["id"])


def _columns(path: Path) -> Iterable[dict[str, Any]]:
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = pq.read_table(path, columns=["id", "split"]).to_pylist()
    return found


def _opened(folder: Path) -> Export | None:
    try:
        told = (folder / MANIFEST).read_bytes()
        return Export(folder, ExportManifest.model_validate_json(told))
    except (OSError, ValidationError):
        return None


def _file(folder: Path, name: str) -> File:
    try:
        return File(name, (folder / name).stat().st_size)
    except OSError:
        return File(name, None)


def _condition(export: Export, name: str) -> Condition:
    try:
        same = checksum(export.folder / name) == export.manifest.files[name]
    except OSError:
        return "missing"
    return "intact" if same else "changed"
