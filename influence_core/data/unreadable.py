"""The rows that are no rows: counted by what is wrong with them, and kept on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from influence_core.data.batches import Rejected
from influence_core.data.findings import ROWS_SHOWN


@dataclass
class Kind:
    """How many rows have one thing wrong with them, and part and number of the first."""

    count: int = 0
    parts: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def add(self, part: str, row: int) -> None:
        """Count a row."""
        self.count += 1
        if len(self.rows) < ROWS_SHOWN:
            self.parts.append(part)
            self.rows.append(row)


class Unreadable:
    """The rows that could not be read; `path` holds them as `rejected.jsonl` does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kinds: dict[str, Kind] = {}
        path.touch()

    def __len__(self) -> int:
        return sum(kind.count for kind in self.kinds.values())

    def add(self, part: str, rows: Iterable[Rejected]) -> None:
        """Take rows of a part into account."""
        with self.path.open("a", encoding="utf-8") as file:
            for one in rows:
                self.kinds.setdefault(one.check, Kind()).add(part, one.row)
                file.write(rejected_line(one.row, part, one.reason, one.values))


def rejected_line(row: int, part: str, reason: str, values: Any) -> str:
    """Return a line of `rejected.jsonl`."""
    line = {"row": row, "file": part, "reason": reason, "values": values}
    return json.dumps(line, ensure_ascii=False, default=str) + "\n"
