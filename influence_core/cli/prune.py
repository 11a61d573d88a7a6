"""The command that measures what dropping data would do: `prune`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli import pruned
from influence_core.cli.experiments import Resume, resumed
from influence_core.cli.frames import records
from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.run import compute
from influence_core.cli.terminal import print_json
from influence_core.config import ComputeSettings, validated
from influence_core.progress import Listener
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import open_run

if TYPE_CHECKING:
    from influence_core.pruning.experiment import Experiment
    from influence_core.pruning.figures import Findings
    from influence_core.pruning.recommend import Recommendation


@with_settings(ExperimentSettings, ComputeSettings)
def prune(
    run: RunName,
    name: Annotated[
        str | None, typer.Option(help="Name of the experiment; 'pruning' by default.")
    ] = None,
    resume: Resume = False,
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="Accuracy that may be lost, as 0.01.")
    ] = 0.01,
    price: Annotated[
        float | None,
        typer.Option(min=0, help="Price of an hour of training, to say what pruning saves."),
    ] = None,
    classes: Annotated[
        bool,
        typer.Option(
            "--classes",
            help="List the classes that lose and gain most, at the fraction that is safe or else "
            "the largest.",
        ),
    ] = False,
    differences: Annotated[
        bool,
        typer.Option(
            "--differences",
            help="Compare accuracies with random pruning and with the whole data, with intervals.",
        ),
    ] = False,
    as_json: AsJson = False,
    *,
    given: dict[str, object],
) -> None:
    """Measure what dropping training rows would do, before any is dropped.

    Models are trained on what each strategy leaves and judged on the test rows, which are never
    touched. An experiment that was stopped goes on with --resume.
    """
    from influence_core.pruning.figures import Findings
    from influence_core.pruning.recommend import recommend

    experiment = compute(_resumed(run, name, given) if resume else _begun(run, name, given))
    findings = Findings(experiment)
    advice = recommend(findings, tolerance)
    if as_json:
        print_json(_facts(experiment, findings, advice, price))
        return
    pruned.print_curves(experiment, findings)
    if price is not None:
        pruned.print_savings(experiment, findings, price)
    if differences:
        pruned.print_differences(findings)
    if classes:
        pruned.print_classes(findings, advice)
    pruned.print_advice(experiment, advice)


def _begun(run: str, name: str | None, given: dict[str, object]) -> Callable[..., Experiment]:
    settings = validated(ExperimentSettings, chosen(ExperimentSettings, given))
    division = validated(ComputeSettings, chosen(ComputeSettings, given))

    def begin(*listeners: Listener) -> Experiment:
        from influence_core.pruning.measure import prune as measured

        return measured(open_run(run), settings, name=name, compute=division, listeners=listeners)

    return begin


def _resumed(run: str, name: str | None, given: dict[str, object]) -> Callable[..., Experiment]:
    from influence_core.pruning.experiment import Experiment

    experiment, division = resumed(Experiment, run, name, ExperimentSettings, given)

    def go_on(*listeners: Listener) -> Experiment:
        from influence_core.pruning.measure import resume_pruning

        return resume_pruning(experiment, compute=division, listeners=listeners)

    return go_on


def _facts(
    experiment: Experiment,
    findings: Findings,
    advice: list[Recommendation],
    price: float | None,
) -> dict[str, Any]:
    from influence_core.pruning.trust import shortfall

    doubt = shortfall(experiment, findings)
    return {
        "path": str(experiment.path),
        **experiment.manifest().model_dump(mode="json"),
        "price": price,
        "doubt": doubt.words if doubt else None,
        "curves": records(pruned.priced(findings, price)),
        "comparisons": records(findings.comparisons()),
        "recalls": _recalls(findings),
        "recommendations": [
            {
                "curve": one.curve.name,
                "fraction": one.fraction,
                "judged": one.judged,
                "words": one.words,
                "remark": one.remark,
                "worst_class": None if one.worst is None else asdict(one.worst),
            }
            for one in advice
        ],
    }


def _recalls(findings: Findings) -> dict[str, Any]:
    """Return the recall of every class at every point, in the order of `labels`."""
    tables = {point: findings.recalls(point) for point in findings.points}
    first = next(iter(tables.values()), None)
    return {
        "labels": [] if first is None else first["label"].tolist(),
        "test_rows": [] if first is None else first["rows"].tolist(),
        "points": [
            {
                "curve": point.curve.name if point.curve else "full",
                "fraction": point.fraction,
                "recall": recalls["recall"].tolist(),
            }
            for point, recalls in tables.items()
        ],
    }
