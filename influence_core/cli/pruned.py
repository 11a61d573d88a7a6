"""What a pruning experiment found, on the terminal: curves, differences, classes and advice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from influence_core.cli.terminal import fill, known, output, plain, table

if TYPE_CHECKING:
    import pandas as pd

    from influence_core.pruning.experiment import Experiment
    from influence_core.pruning.figures import Findings
    from influence_core.pruning.recommend import Recommendation

CLASSES = 3
"""Classes listed of those that lose most, and of those that gain most."""


def priced(findings: Findings, price: float | None) -> pd.DataFrame:
    """Return the averaged curves, with what they save of training a model if there is a price."""
    from influence_core.pruning.efficiency import cost

    curves = findings.curves()
    return curves if price is None else curves.assign(saved=cost(curves["seconds_saved"], price))


def print_curves(experiment: Experiment, findings: Findings) -> None:
    """Print every point, averaged over seeds."""
    from influence_core.pruning.trust import shortfall

    console, settings = output(), experiment.manifest().settings
    console.print(plain(f"{experiment.title}: {settings.claim}, equal {settings.equal}"))
    judged = ("accuracy#", "±#", "macro F1#", "±#", "errors#", "σ#", "seconds#")
    columns = table("curve", "pruned#", "kept#", "saved#", *judged)
    console.print(fill(columns, _lines(findings.curves())))
    console.print(
        "  kept, saved: training rows; ±: standard deviation over seeds; seconds: training a model"
    )
    if settings.protection:
        console.print(plain(f"  {settings.protection}"))
    doubt = shortfall(experiment, findings)
    if doubt:
        console.print(plain(f"  {doubt.words}"))


def _lines(curves: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for point in curves.itertuples():
        yield (
            point.curve,
            f"{point.fraction:.0%}",
            f"{point.rows:,}",
            known(point.rows_saved, ",.0f"),
            known(point.accuracy, ".4f"),
            known(point.accuracy_std, ".4f"),
            known(point.macro_f1, ".4f"),
            known(point.macro_f1_std, ".4f"),
            known(point.error_change, "+z.1%"),
            known(point.sigma, "+z.3f"),
            known(point.seconds, ".1f"),
        )


def print_savings(experiment: Experiment, findings: Findings, price: float) -> None:
    """Print what training a model on less costs less, at a price an hour."""
    console = output()
    if experiment.manifest().settings.equal == "steps":
        console.print(f"\n  at {price:g} an hour pruning saves nothing: equal steps cost the same")
        return
    console.print(f"\nwhat training a model costs less, at {price:g} an hour")
    columns = table("curve", "pruned#", "seconds saved#", "cost saved#")
    lines = (
        (point.curve, f"{point.fraction:.0%}", f"{point.seconds_saved:.1f}", f"{point.saved:.4g}")
        for point in priced(findings, price).itertuples()
        if point.curve != "full"
    )
    console.print(fill(columns, lines))


def print_classes(findings: Findings, advice: list[Recommendation]) -> None:
    """Print the classes at both ends, at the fraction that is safe or else the largest."""
    console = output()
    console.print("\nclasses that lose and gain most")
    columns = table("curve", "pruned#", "class", "test rows#", "recall#", "change, points#")
    console.print(fill(columns, _class_lines(findings, advice)))


def _class_lines(findings: Findings, advice: list[Recommendation]) -> Iterator[tuple[object, ...]]:
    from influence_core.pruning.figures import Point
    from influence_core.pruning.recommend import signed

    for one in advice:
        tested = [point.fraction for point in findings.points if point.curve == one.curve]
        fraction = max(tested) if one.fraction is None else one.fraction
        recalls: Any = findings.recalls(Point(one.curve, fraction))
        ordered = recalls.sort_values("change", kind="stable")
        ends = ordered.index.isin([*ordered.index[:CLASSES], *ordered.index[-CLASSES:]])
        for row in ordered.loc[ends].itertuples():
            recall, change = known(row.recall, ".0%"), signed(row.change, 0)
            yield (one.curve.name, f"{fraction:.0%}", row.label, row.rows, recall, change)


def print_differences(findings: Findings) -> None:
    """Print every point against random pruning and against the whole data."""
    console = output()
    console.print("\ndifferences in accuracy, in points")
    judged = ("accuracy#", "95% interval#", "verdict", "McNemar p#")
    columns = table("curve", "pruned#", "against", *judged)
    console.print(fill(columns, _differences(findings)))


def _differences(findings: Findings) -> Iterator[tuple[object, ...]]:
    from influence_core.pruning.recommend import signed

    compared: Any = findings.comparisons()
    for one in compared.itertuples():
        yield (
            one.curve,
            f"{one.fraction:.0%}",
            one.against,
            signed(one.mean),
            f"{signed(one.low)} to {signed(one.high)}",
            one.verdict,
            known(one.mcnemar, ".3g"),
        )


def print_advice(experiment: Experiment, advice: list[Recommendation]) -> None:
    """Print what each way of pruning can be trusted with."""
    console = output()
    remarks = list(dict.fromkeys(one.remark for one in advice))
    console.print()
    for one in advice:
        console.print(plain(f"  {one.curve.name:<24} {one.words}"))
        if one.worst is not None:
            console.print(plain(f"  {'':<24} At {one.judged:.0%}: {one.worst.words}."))
        if one.remark and len(remarks) > 1:
            console.print(plain(f"  {'':<24} {one.remark}"))
    if len(remarks) == 1 and remarks[0]:
        console.print(plain(f"  {remarks[0]}"))
    console.print(plain(f"  folder  {experiment.path}"))
