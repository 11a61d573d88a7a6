"""Stopping an experiment between two of its models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from influence_core.errors import Cancelled
from influence_core.pruning.experiment import Experiment


@contextmanager
def stopped_after(models: int, kind: Any = Experiment) -> Iterator[None]:
    """Expect what is done here to be cancelled once so many models of a kind were kept."""
    keep, kept = kind.keep, []

    def stop(experiment: Any, outcome: Any) -> None:
        if len(kept) == models:
            raise Cancelled("enough")
        kept.append(outcome)
        keep(experiment, outcome)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kind, "keep", stop)
        with pytest.raises(Cancelled):
            yield
