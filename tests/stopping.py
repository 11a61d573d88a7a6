"""Stopping an experiment between two of its models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from influence_core.errors import Cancelled
from influence_core.pruning.experiment import Experiment, Outcome


@contextmanager
def stopped_after(models: int) -> Iterator[None]:
    """Expect what is done here to be cancelled once so many models were kept."""
    keep, kept = Experiment.keep, []

    def stop(experiment: Experiment, outcome: Outcome) -> None:
        if len(kept) == models:
            raise Cancelled("enough")
        kept.append(outcome)
        keep(experiment, outcome)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Experiment, "keep", stop)
        with pytest.raises(Cancelled):
            yield
