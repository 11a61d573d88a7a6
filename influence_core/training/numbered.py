"""Rows that carry their number through somebody else's DataLoader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset

from influence_core.errors import DataError

ROW = "influence_row"
"""Key under which a row's number travels, with the item and then with the batch."""


@dataclass(frozen=True)
class NumberedItem:
    """An item that is no mapping, with its number."""

    row: int
    item: Any


class NumberedRows(Dataset[Any]):
    """A dataset whose items carry their positions; everything else is as in the original."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Any:
        return _numbered(self._dataset[index], int(index))

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        fetch = getattr(self._dataset, "__getitems__", None)
        items = fetch(indices) if fetch else [self._dataset[index] for index in indices]
        return [_numbered(item, int(row)) for item, row in zip(items, indices, strict=True)]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_dataset":
            raise AttributeError(name)
        return getattr(self._dataset, name)


class NumberedCollator:
    """A collator that keeps the numbers beside what another one makes of the items.

    Items without numbers, as those of an evaluation, go through as they are.
    """

    def __init__(self, collate: Callable[[list[Any]], Any]) -> None:
        self._collate = collate

    def __call__(self, items: list[Any]) -> Any:
        """Collate items, with their numbers where they have any."""
        if _row_of(items[0]) is None:
            return self._collate(items)
        batch = self._collate([_plain(item) for item in items])
        if not isinstance(batch, MutableMapping):
            raise DataError(
                "A recorder needs a collator that makes dictionaries; this one makes "
                f"{type(batch).__name__}."
            )
        batch[ROW] = torch.tensor([_row_of(item) for item in items])
        return batch

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_collate":
            raise AttributeError(name)
        return getattr(self._collate, name)


def _numbered(item: Any, row: int) -> Any:
    return {**item, ROW: row} if isinstance(item, Mapping) else NumberedItem(row, item)


def _row_of(item: Any) -> int | None:
    if isinstance(item, NumberedItem):
        return item.row
    return item.get(ROW) if isinstance(item, Mapping) else None


def _plain(item: Any) -> Any:
    if isinstance(item, NumberedItem):
        return item.item
    return {name: value for name, value in item.items() if name != ROW}
