"""Commands that compute: `run`, `demo`, and the hidden worker of the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from influence_core import jobs, ranks
from influence_core.cli.options import chosen, divided, with_settings
from influence_core.cli.summary import print_summary, run_facts
from influence_core.cli.terminal import errors, output, plain, print_json, reporting
from influence_core.config import (
    ComputeSettings,
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    Settings,
    TrainingSettings,
    validated,
)
from influence_core.errors import ConfigError, RunError, RunNotFound
from influence_core.progress import Listener
from influence_core.queue import queue_of
from influence_core.store.run import Run, anchored, list_runs, open_run, validate_name

DEMO = "demo"

DECIDING: dict[str, type[Settings]] = {
    "data": DataSettings,
    "model": ModelSettings,
    "training": TrainingSettings,
    "scoring": ScoringSettings,
}
"""The settings that decide what a run computes: they stay what they were at its start."""

PARTS: dict[str, type[Settings]] = {**DECIDING, "compute": ComputeSettings}
RENAMED = {"DataSettings.seed": "data_seed", "DataSettings.source": "data"}
"""Fields whose option has another name: the source is an argument, and there are two seeds."""

Done = TypeVar("Done")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@with_settings(*PARTS.values(), skip=("DataSettings.source",), rename=RENAMED)
def run(
    data: Annotated[
        str | None,
        typer.Argument(help=str(DataSettings.model_fields["source"].description)),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the run; made from the data by default.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the run of that name, or with the newest unfinished one."
        ),
    ] = False,
    queued: Annotated[
        bool,
        typer.Option(
            "--queue",
            help="Work in the background, once no other job works in the folder of runs and none "
            "that came earlier waits.",
        ),
    ] = False,
    as_json: AsJson = False,
    *,
    given: dict[str, object],
) -> None:
    """Train on a dataset and score every training example.

    A run that was stopped or killed loses nothing: the same command with --resume goes on.
    Under torchrun or accelerate launch, fine-tuning divides every batch among the processes.
    """
    if not ranks.leads():
        _follow()
        return
    if data is None and not resume:
        raise ConfigError(
            "'data' must name what to train on; got nothing. "
            "`influence run voice-assistant` takes the built-in dataset."
        )
    typed = given if data is None else {**given, "data": data}
    settings = build_settings(typed)
    if name is not None:
        validate_name(name)
    if resume:
        target = _unfinished(name)
        _check_same(target, settings, typed)
        division = divided(target.manifest().settings.compute, typed)
        if queued:
            _tell_queued(_resume_queued(target, division), as_json)
        else:
            report(_go_on(target, division), as_json)
    elif queued:
        _tell_queued(_start_queued(name, settings), as_json)
    else:
        report(_begin(name, settings), as_json)


def demo(as_json: AsJson = False) -> None:
    """Make the demo run from the built-in dataset, if there is none."""
    try:
        present = open_run(DEMO)
    except RunNotFound:
        present = None
    if present is None:
        present = _begin(DEMO, RunSettings())
    elif present.manifest().status != "complete":
        present = _go_on(present)
    report(present, as_json)


def work(
    name: str,
    root: Annotated[Path, typer.Option()],
    experiment: Annotated[str | None, typer.Option()] = None,
    noisy: Annotated[str | None, typer.Option()] = None,
    stack: Annotated[str | None, typer.Option()] = None,
    mapped: Annotated[bool, typer.Option("--map")] = False,
) -> None:
    """Compute a run in the background."""
    jobs.work(name, root, experiment, noisy, stack, mapped)


def build_settings(typed: Mapping[str, object]) -> RunSettings:
    """Make the settings of a run out of the options that were typed.

    Raises:
        ConfigError: some are out of range.
    """
    parts = {part: chosen(model, typed, RENAMED) for part, model in PARTS.items()}
    return validated(RunSettings, parts)


def compute(action: Callable[..., Done]) -> Done:
    """Do long work with its progress shown, and stoppable by Ctrl-C."""

    def announce() -> None:
        errors().print("Stopping at the next step; press Ctrl-C again to stop at once.")

    shown: Listener
    with reporting() as shown, jobs.stop_on_signal(announce) as stop:
        return action(shown, stop)


def _follow() -> None:
    from influence_core import pipeline

    pipeline.follow()


def _begin(name: str | None, settings: RunSettings) -> Run:
    def begin(*listeners: Listener) -> Run:
        from influence_core import pipeline

        return pipeline.run(name=name, settings=settings, listeners=listeners)

    return compute(begin)


def _go_on(run: Run, division: ComputeSettings | None = None) -> Run:
    def go_on(*listeners: Listener) -> Run:
        from influence_core import pipeline

        return pipeline.resume(run.name, compute=division, listeners=listeners)

    return compute(go_on)


def _start_queued(name: str | None, settings: RunSettings) -> Run:
    from influence_core import pipeline

    pipeline.check(settings)
    chosen = name if name is not None else pipeline.free_name(settings.data)
    jobs.start(settings, chosen, queued=True)
    return open_run(chosen)


def _resume_queued(run: Run, division: ComputeSettings) -> Run:
    settings = run.manifest().settings
    jobs.resume(run, queued=True, settings=settings.model_copy(update={"compute": division}))
    return run


def _tell_queued(run: Run, as_json: bool) -> None:
    """Print how a background job stands, and what it waits for."""
    state, present = jobs.status(run).state, queue_of(run.root)
    ahead = [place.title for place in present.ahead(run)] if run in present.waiting else []
    if as_json:
        print_json({"name": run.name, "path": str(run.path), "state": state, "ahead": ahead})
        return
    after = f", after {', '.join(ahead)}" if ahead else ""
    output().print(
        plain(
            f"{run.name}: {state}{after}. `influence runs` tells how it stands, "
            f"`influence cancel {run.name}` stops it."
        )
    )


def _unfinished(name: str | None) -> Run:
    """Find the run to go on with: the one of that name, or the newest unfinished one."""
    if name is not None:
        return open_run(name)
    for candidate in list_runs():
        with suppress(RunError):
            if jobs.status(candidate).resumable:
                return candidate
    raise RunNotFound("There is no unfinished run; `influence runs` lists all of them.")


def _check_same(target: Run, settings: RunSettings, typed: Mapping[str, object]) -> None:
    """Refuse options that differ from those the run was started with."""
    before, settings = target.manifest().settings, anchored(settings)
    for part, model in DECIDING.items():
        for field in chosen(model, typed, RENAMED):
            old, new = (getattr(getattr(each, part), field) for each in (before, settings))
            if old != new:
                raise ConfigError(
                    f"'{field}' must stay {old!r}, with which run {target.name!r} was started; "
                    f"got {new!r}. Leave it out, or start another run."
                )


def report(finished: Run, as_json: bool) -> None:
    """Print what a run found, for people or for scripts; one process of several does."""
    if not ranks.leads():
        return
    if as_json:
        print_json(run_facts(finished))
    else:
        print_summary(finished, output())
