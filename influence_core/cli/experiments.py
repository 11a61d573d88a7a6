"""Experiments on a run at the command line: gone on with after a stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from influence_core.cli.options import chosen, divided
from influence_core.config import ComputeSettings, Settings
from influence_core.errors import ConfigError
from influence_core.store.run import open_run

if TYPE_CHECKING:
    from influence_core.store.experiments import RunExperiment

Place = TypeVar("Place", bound="RunExperiment[Any]")

Resume = Annotated[bool, typer.Option("--resume", help="Go on with the experiment of that name.")]


def resumed(
    kind: type[Place],
    run: str,
    name: str | None,
    settings: type[Settings],
    given: Mapping[str, object],
) -> tuple[Place, ComputeSettings]:
    """Open the experiment to go on with; its work is divided as before, but for what was typed.

    Raises:
        ConfigError: one of `settings`, which the experiment has already, was typed.
        RunNotFound: there is no such run, or it has no such experiment.
    """
    deciding = chosen(settings, given)
    if deciding:
        raise ConfigError(
            f"'{next(iter(deciding))}' must be left out with --resume: the experiment goes on with "
            "the settings that it was started with."
        )
    experiment = kind.open(open_run(run), name or kind.WORD)
    return experiment, divided(experiment.manifest().compute, given)
