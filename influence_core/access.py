"""What this process may do: write or only read, show texts of the dataset or only labels.

Both are said by the environment, so that whoever serves a demonstration decides, not who visits it.
"""

from __future__ import annotations

import os

from influence_core.errors import ReadOnly, rule

READ_ONLY = "INFLUENCE_READ_ONLY"
"""Set to 1, nothing is written: no run, no decision, no selection, no export."""

MASK_TEXTS = "INFLUENCE_MASK_TEXTS"
"""Set to 1, no text of a dataset is shown, and nobody who looks can change that."""

_UNSET = ("", "0", "false", "no", "off")


def read_only() -> bool:
    """Say whether nothing may be written."""
    return _is_set(READ_ONLY)


def texts_masked() -> bool:
    """Say whether texts are masked for everybody, whatever they ask for."""
    return _is_set(MASK_TEXTS)


def must_be_writable(act: str) -> None:
    """Refuse what would write; `act` says what that is, as `"start run 'demo'"`.

    Raises:
        ReadOnly: nothing may be written.
    """
    if read_only():
        must = f"be unset to {act}"
        raise ReadOnly(
            f"{rule(READ_ONLY, must, os.environ[READ_ONLY])} This is a read-only demonstration; "
            "unset the variable where it was started, and start it again."
        )


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() not in _UNSET
