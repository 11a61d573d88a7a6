"""Frames as JSON has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows of a frame; what is missing is None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")
