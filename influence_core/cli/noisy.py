"""The command of the paper's experiment on noisy data: `noisy`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli.experiments import Resume, resumed
from influence_core.cli.frames import records
from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.run import compute
from influence_core.cli.terminal import fill, output, plain, print_json, table
from influence_core.config import ComputeSettings, validated
from influence_core.noisy.settings import NoisySettings
from influence_core.progress import Listener
from influence_core.store.run import open_run

if TYPE_CHECKING:
    import pandas as pd

    from influence_core.noisy.experiment import NoisyExperiment


@with_settings(NoisySettings, ComputeSettings)
def noisy(
    run: RunName,
    name: Annotated[
        str | None, typer.Option(help="Name of the experiment; 'noisy' by default.")
    ] = None,
    resume: Resume = False,
    as_json: AsJson = False,
    *,
    given: dict[str, object],
) -> None:
    """Make labels wrong on purpose, and measure what pruning does and finds then.

    For each share of wrong labels the scores are computed on the noisy data, models are trained on
    what pruning by them leaves, and the top of every score is compared with the wrong labels. Test
    rows keep their labels. An experiment that was stopped goes on with --resume.
    """
    experiment = compute(_resumed(run, name, given) if resume else _begun(run, name, given))
    if as_json:
        print_json(_facts(experiment))
    else:
        _print(experiment)


def _begun(run: str, name: str | None, given: dict[str, object]) -> Callable[..., NoisyExperiment]:
    settings = validated(NoisySettings, chosen(NoisySettings, given))
    division = validated(ComputeSettings, chosen(ComputeSettings, given))

    def begin(*listeners: Listener) -> NoisyExperiment:
        from influence_core.noisy.measure import noisy as measured

        return measured(open_run(run), settings, name=name, compute=division, listeners=listeners)

    return begin


def _resumed(
    run: str, name: str | None, given: dict[str, object]
) -> Callable[..., NoisyExperiment]:
    from influence_core.noisy.experiment import NoisyExperiment

    experiment, division = resumed(NoisyExperiment, run, name, NoisySettings, given)

    def go_on(*listeners: Listener) -> NoisyExperiment:
        from influence_core.noisy.measure import resume_noisy

        return resume_noisy(experiment, compute=division, listeners=listeners)

    return go_on


def _facts(experiment: NoisyExperiment) -> dict[str, Any]:
    from influence_core.noisy.figures import curves, overlaps, shares

    tables = {"shares": shares, "curves": curves, "overlaps": overlaps}
    return {
        "path": str(experiment.path),
        **experiment.manifest().model_dump(mode="json"),
        **{name: records(question(experiment)) for name, question in tables.items()},
    }


def _print(experiment: NoisyExperiment) -> None:
    from influence_core.noisy.figures import OVERLAPS, curves, overlaps, shares

    console, settings = output(), experiment.manifest().settings
    console.print(plain(f"{experiment.title}: {settings.pruning.claim}, equal {settings.equal}"))
    found = curves(experiment)
    pruned = sorted(found["fraction"].unique())
    headed = [f"{fraction:.0%}#" for fraction in pruned]
    console.print("\ntest accuracy by share of the training rows that was pruned")
    console.print(fill(table("drawn#", "wrong#", "curve", *headed), _lines(found, pruned)))
    console.print("\noverlap (Jaccard) of the wrong labels with as many rows, the most suspicious")
    columns = table("drawn#", "wrong#", *(f"{name}#" for name in OVERLAPS), "chance#")
    console.print(fill(columns, _overlap_lines(overlaps(experiment), OVERLAPS)))
    for row in shares(experiment).itertuples():
        console.print(
            f"  of the {row.wrong:,} wrong labels at {_drawn(row.share)} drawn, "
            f"{row.pvi_below_zero:.1%} have a PVI below 0; of the right ones "
            f"{row.pvi_below_zero_right:.1%}"
        )
    console.print(plain(f"  folder  {experiment.path}"))


def _lines(found: pd.DataFrame, pruned: list[float]) -> Iterator[tuple[object, ...]]:
    """Yield a line a curve: its accuracy, with the standard deviation, at every fraction."""
    for _, points in found.groupby(["share", "curve"], sort=False):
        first, at = points.iloc[0], points.set_index("fraction")
        figures = (_accuracy(at, fraction) for fraction in pruned)
        yield (
            _drawn(first["share"]),
            f"{first['wrong_share']:.2%}",
            first["curve"],
            *figures,
        )


def _drawn(share: Any) -> str:
    return f"{100 * float(share):g}%"


def _accuracy(at: pd.DataFrame, fraction: float) -> str:
    if fraction not in at.index:
        return ""
    mean, spread = at.loc[fraction, ["accuracy", "accuracy_std"]]
    return f"{mean:.4f}" if spread != spread else f"{mean:.4f} ±{spread:.4f}"


def _overlap_lines(found: pd.DataFrame, names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    for _, part in found.groupby("share"):
        first, overlap = part.iloc[0], part.set_index("name")["overlap"]
        by_chance = (first[f"chance_{name}"] for name in ("mean", "low", "high"))
        yield (
            _drawn(first["share"]),
            f"{first['wrong_share']:.2%}",
            *(f"{overlap[name]:.4f}" for name in names),
            "{:.4f} ({:.4f}–{:.4f})".format(*by_chance),
        )
