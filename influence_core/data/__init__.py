"""From a source of labelled texts to `examples.parquet`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from influence_core.data.inspection import Inspection, inspect
    from influence_core.data.loading import load

_HOMES = {
    "Inspection": "influence_core.data.inspection",
    "inspect": "influence_core.data.inspection",
    "load": "influence_core.data.loading",
}

__all__ = ["Inspection", "inspect", "load"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
