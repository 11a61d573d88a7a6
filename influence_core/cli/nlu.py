"""The command that measures what pruning does to a voice assistant's stack: `nlu`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli.experiments import Resume, resumed
from influence_core.cli.frames import records
from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.run import compute
from influence_core.cli.terminal import print_json
from influence_core.config import ComputeSettings, validated
from influence_core.errors import ConfigError, rule
from influence_core.nlu.settings import StackSettings
from influence_core.progress import Listener
from influence_core.store.run import Run, open_run

if TYPE_CHECKING:
    from influence_core.nlu.comparing import StackGap
    from influence_core.nlu.experiment import StackExperiment
    from influence_core.nlu.figures import Point, StackFindings

Check = Callable[[Run, StackSettings], None]


@with_settings(StackSettings, ComputeSettings)
def nlu(
    run: RunName,
    name: Annotated[
        str | None, typer.Option(help="Name of the experiment; 'stack' by default.")
    ] = None,
    resume: Resume = False,
    domains: Annotated[bool, typer.Option("--domains", help="List every domain, too.")] = False,
    by_source: Annotated[
        bool,
        typer.Option(
            "--by-source", help="List rows, VoG, errors and changes by the source of rows, too."
        ),
    ] = False,
    paper: Annotated[
        bool, typer.Option("--paper", help="Show the figures of the paper beside these.")
    ] = False,
    pair: Annotated[
        str | None,
        typer.Option(
            "--compare",
            metavar="A,B",
            help="Compare two kinds of stacks, as vog-dataset@0.52,random@0.52, or full for those "
            "of all rows: every rate, overall and on the tail, with intervals; with --domains by "
            "domain, too.",
        ),
    ] = None,
    frequency: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column that says how often a text is said, for the tail; 'frequency' where the "
            "data have it, and else equal texts are counted.",
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            help="Probability that a domain must exceed to be asked, with --out-of-scope."
        ),
    ] = 0.5,
    as_json: AsJson = False,
    *,
    given: dict[str, object],
) -> None:
    """Measure what pruning does to a voice assistant's domains, intents and slots.

    The run's labels are domains. A classifier of domains and, for each of them, one of intents and
    a tagger of slots are trained on what each technique leaves, and judged on the test rows, which
    are never touched. An experiment that was stopped goes on with --resume.
    """
    from influence_core.cli import sourced, stacked
    from influence_core.nlu.comparing import parse_points
    from influence_core.nlu.figures import StackFindings
    from influence_core.nlu.scope import check_threshold
    from influence_core.nlu.tail import traffic

    points = parse_points(pair) if pair else None
    check_threshold(threshold)
    check = partial(_check, points, frequency)
    planned = _resumed if resume else _begun
    experiment = compute(planned(run, name, given, check))
    findings = StackFindings(experiment)
    among = None if domains or as_json else ()
    gaps = _compared(findings, points, frequency, among, threshold) if points else []
    if as_json:
        print_json(_facts(experiment, findings, gaps, threshold))
        return
    stacked.print_whole(experiment, findings)
    stacked.print_changes(findings, paper)
    if domains:
        stacked.print_domains(findings, paper)
    if by_source:
        sourced.print_sources(findings)
    stacked.print_scope(findings, threshold)
    if points:
        stacked.print_compared(points, gaps, traffic(findings, frequency).remark)
    stacked.print_folder(experiment)


def _check(
    points: tuple[Point, Point] | None, frequency: str | None, run: Run, settings: StackSettings
) -> None:
    """Refuse a comparison that cannot be made, before anything is trained for it."""
    from influence_core.nlu.cells import cells
    from influence_core.nlu.comparing import check_points
    from influence_core.nlu.tail import frequencies

    if points is None:
        if frequency is not None:
            raise ConfigError(rule("frequency", "come with --compare, which it is for", frequency))
        return
    known = dict.fromkeys((cell.technique, cell.fraction) for cell in cells(settings))
    check_points(points, list(known))
    if frequency is not None:
        frequencies(run, frequency)


def _begun(
    run: str, name: str | None, given: dict[str, object], check: Check
) -> Callable[..., StackExperiment]:
    settings = validated(StackSettings, chosen(StackSettings, given))
    division = validated(ComputeSettings, chosen(ComputeSettings, given))
    opened = open_run(run)
    check(opened, settings)

    def begin(*listeners: Listener) -> StackExperiment:
        from influence_core.nlu.measure import train_stacks

        return train_stacks(opened, settings, name=name, compute=division, listeners=listeners)

    return begin


def _resumed(
    run: str, name: str | None, given: dict[str, object], check: Check
) -> Callable[..., StackExperiment]:
    from influence_core.nlu.experiment import StackExperiment

    experiment, division = resumed(StackExperiment, run, name, StackSettings, given)
    check(experiment.run, experiment.manifest().settings)

    def go_on(*listeners: Listener) -> StackExperiment:
        from influence_core.nlu.measure import resume_stacks

        return resume_stacks(experiment, compute=division, listeners=listeners)

    return go_on


def _compared(
    findings: StackFindings,
    points: tuple[Point, Point],
    frequency: str | None,
    domains: Collection[str] | None,
    threshold: float,
) -> list[StackGap]:
    from influence_core.nlu.comparing import compare_stacks

    return compare_stacks(
        findings, *points, frequency=frequency, domains=domains, threshold=threshold
    )


def _facts(
    experiment: StackExperiment,
    findings: StackFindings,
    gaps: list[StackGap],
    threshold: float,
) -> dict[str, Any]:
    from influence_core.nlu import by_source
    from influence_core.nlu.composition import composition
    from influence_core.nlu.scope import held_out, scope

    return {
        "path": str(experiment.path),
        **experiment.manifest().model_dump(mode="json"),
        "whole": records(findings.whole()),
        "stacks": records(findings.stacks()),
        "changes": records(findings.changes()),
        "changes_by_domain": records(findings.changes_by_domain()),
        "shares": records(findings.shares()),
        "entropies": records(findings.entropies()),
        "composition": records(composition(findings)),
        "scope": records(scope(findings, threshold)) if held_out(findings) else [],
        "compared": [{**asdict(gap), "verdict": gap.verdict} for gap in gaps],
        "sources": records(by_source.composition(findings)),
        "vog_by_source": records(by_source.hardness(findings)),
        "whole_by_source": records(by_source.whole(findings)),
        "changes_by_source": records(by_source.changes(findings)),
    }
