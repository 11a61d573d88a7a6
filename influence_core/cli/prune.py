"""The command that measures what dropping data would do: `prune`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli.experiments import Resume, resumed
from influence_core.cli.frames import records
from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.run import compute
from influence_core.cli.terminal import fill, output, plain, print_json, table
from influence_core.config import ComputeSettings, validated
from influence_core.progress import Listener
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import open_run

if TYPE_CHECKING:
    import pandas as pd

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
    _print(experiment, findings, price)
    if differences:
        _print_differences(findings)
    _print_advice(experiment, advice)


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
    return {
        "path": str(experiment.path),
        **experiment.manifest().model_dump(mode="json"),
        "price": price,
        "curves": records(_priced(findings, price)),
        "comparisons": records(findings.comparisons()),
        "recommendations": [
            {
                "curve": one.curve.name,
                "fraction": one.fraction,
                "words": one.words,
                "worst_class": None if one.worst is None else asdict(one.worst),
            }
            for one in advice
        ],
    }


def _priced(findings: Findings, price: float | None) -> pd.DataFrame:
    from influence_core.pruning.efficiency import cost

    curves = findings.curves()
    return curves if price is None else curves.assign(saved=cost(curves["seconds_saved"], price))


def _print(experiment: Experiment, findings: Findings, price: float | None) -> None:
    console, settings = output(), experiment.manifest().settings
    console.print(plain(f"{experiment.title}: {settings.claim}, equal {settings.equal}"))
    saved = [] if price is None else ["saved#"]
    columns = ("curve", "pruned#", "rows#", "accuracy#", "±#", "macro F1#", "errors#", "σ#")
    console.print(fill(table(*columns, *saved), _lines(_priced(findings, price))))
    if saved:
        free = "; equal steps cost the same" if settings.equal == "steps" else ""
        console.print(plain(f"  saved: cost of training a model, at {price:g} an hour{free}"))


def _lines(curves: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for point in curves.itertuples():
        yield (
            point.curve,
            f"{point.fraction:.0%}",
            f"{point.rows:,}",
            f"{point.accuracy:.4f}",
            f"{point.accuracy_std:.4f}",
            f"{point.macro_f1:.4f}",
            f"{point.error_change:+.1%}",
            f"{point.sigma:+.3f}",
            *([f"{point.saved:.4g}"] if "saved" in curves else []),
        )


def _print_differences(findings: Findings) -> None:
    columns = table("curve", "pruned#", "against", "accuracy#", "95% interval#", "verdict")
    output().print(fill(columns, _differences(findings)))


def _differences(findings: Findings) -> Iterator[tuple[object, ...]]:
    for one in findings.comparisons().itertuples():
        interval = f"{one.low:+.1%} to {one.high:+.1%}"
        yield (
            one.curve,
            f"{one.fraction:.0%}",
            one.against,
            f"{one.mean:+.1%}",
            interval,
            one.verdict,
        )


def _print_advice(experiment: Experiment, advice: list[Recommendation]) -> None:
    console = output()
    for one in advice:
        console.print(plain(f"  {one.curve.name:<24} {one.words}"))
        if one.worst is not None:
            console.print(plain(f"  {'':<24} {one.worst.words}"))
    console.print(plain(f"  folder  {experiment.path}"))
