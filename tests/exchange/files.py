"""Hand-made files: labelled texts, and tables that belong to them or do not."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

TEXTS = (
    # id, text, label
    ("a", "dim the lamp", "lights"),
    ("b", "play some jazz", "music"),
    ("c", "lamp off", "lights"),
    ("d", "louder", "music"),
    ("e", "all bulbs on", "lights"),
    ("f", "next song", "music"),
)
IDS = [name for name, _, _ in TEXTS]


def write_csv(path: Path, columns: Mapping[str, Sequence[object]], delimiter: str = ",") -> Path:
    """Write columns as delimited text."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def write_lines(path: Path, rows: Sequence[object]) -> Path:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def write_texts(folder: Path, ids: bool = True, splits: Sequence[str] | None = None) -> Path:
    """Write the six texts, with their ids and splits as asked."""
    columns: dict[str, Sequence[object]] = {"id": IDS} if ids else {}
    columns |= {"text": [row[1] for row in TEXTS], "label": [row[2] for row in TEXTS]}
    if splits:
        columns["split"] = splits
    return write_csv(folder / "texts.csv", columns)
