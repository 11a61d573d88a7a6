"""The command that measures what dropping data would do: `prune`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.run import compute
from influence_core.cli.terminal import fill, output, plain, print_json, table
from influence_core.config import ComputeSettings, validated
from influence_core.errors import ConfigError
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
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the experiment of that name.")
    ] = False,
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="Accuracy that may be lost, as 0.01.")
    ] = 0.01,
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
        print_json(_facts(experiment, findings, advice))
    else:
        _print(experiment, findings, advice)


def _begun(run: str, name: str | None, given: dict[str, object]) -> Callable[..., Experiment]:
    settings = validated(ExperimentSettings, chosen(ExperimentSettings, given))
    division = validated(ComputeSettings, chosen(ComputeSettings, given))

    def begin(*listeners: Listener) -> Experiment:
        from influence_core.pruning.measure import prune as measured

        return measured(open_run(run), settings, name=name, compute=division, listeners=listeners)

    return begin


def _resumed(run: str, name: str | None, given: dict[str, object]) -> Callable[..., Experiment]:
    from influence_core.pruning.experiment import open_experiment

    deciding = chosen(ExperimentSettings, given)
    if deciding:
        raise ConfigError(
            f"'{next(iter(deciding))}' must be left out with --resume: the experiment goes on with "
            "the settings that it was started with."
        )
    experiment = open_experiment(open_run(run), name or "pruning")
    before = experiment.manifest().compute
    division = validated(ComputeSettings, before.model_dump() | chosen(ComputeSettings, given))

    def go_on(*listeners: Listener) -> Experiment:
        from influence_core.pruning.measure import resume_pruning

        return resume_pruning(experiment, compute=division, listeners=listeners)

    return go_on


def _facts(
    experiment: Experiment, findings: Findings, advice: list[Recommendation]
) -> dict[str, Any]:
    return {
        "path": str(experiment.path),
        **experiment.manifest().model_dump(mode="json"),
        "curves": findings.curves().to_dict("records"),
        "recommendations": [
            {"curve": one.curve.name, "fraction": one.fraction, "words": one.words}
            for one in advice
        ],
    }


def _print(experiment: Experiment, findings: Findings, advice: list[Recommendation]) -> None:
    console, manifest = output(), experiment.manifest()
    settings = manifest.settings
    console.print(plain(f"{experiment.title}: {settings.claim}, equal {settings.equal}"))
    columns = table("curve", "pruned#", "rows#", "accuracy#", "±#", "macro F1#", "errors#", "σ#")
    console.print(fill(columns, _lines(findings)))
    for one in advice:
        console.print(plain(f"  {one.curve.name:<24} {one.words}"))
    console.print(plain(f"  folder  {experiment.path}"))


def _lines(findings: Findings) -> Iterator[tuple[object, ...]]:
    for point in findings.curves().itertuples():
        yield (
            point.curve,
            f"{point.fraction:.0%}",
            f"{point.rows:,}",
            f"{point.accuracy:.4f}",
            f"{point.accuracy_std:.4f}",
            f"{point.macro_f1:.4f}",
            f"{point.error_change:+.1%}",
            f"{point.sigma:+.3f}",
        )
