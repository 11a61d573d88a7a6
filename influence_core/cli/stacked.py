"""What an experiment with stacks found, on the terminal: rates, their changes, domains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from influence_core.cli.composed import print_composition
from influence_core.cli.terminal import fill, known, output, plain, table
from influence_core.nlu import paper as printed
from influence_core.nlu.metrics import ERRORS, TITLES

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from influence_core.nlu.comparing import StackGap
    from influence_core.nlu.experiment import StackExperiment
    from influence_core.nlu.figures import Point, StackFindings

CHANGES = ("dcer", "f_semer", "icer", "irer")
"""Error rates whose changes are listed, in the order of the paper."""

CHANGE_TITLES = {name: TITLES[name] for name in CHANGES}

_BY_DOMAIN = {"share": "share", **CHANGE_TITLES}

ERROR_TITLES = tuple(TITLES[name] for name in ERRORS)


def print_whole(experiment: StackExperiment, findings: StackFindings) -> None:
    """Print the rates of the stacks of all rows, overall and by domain."""
    console, manifest = output(), experiment.manifest()
    settings = manifest.settings
    console.print(plain(f"{experiment.title}: {settings.claim}, equal steps"))
    if settings.prune_only is not None:
        rows = len(findings.material.prunable)
        console.print(
            plain(
                f"  only rows of {settings.prune_only!r} go, {rows:,} of the "
                f"{manifest.train_rows:,} for training: what is pruned, and σ, is a share of these"
            )
        )
    console.print(rates_table(findings.whole(), "domain", "all rows"))
    console.print(
        "  shares of errors: in domains, in intents, in intents and slots, against truth and\n"
        "  prediction, and of rows with any; means over seeds"
    )
    if manifest.small_domains:
        names = ", ".join(manifest.small_domains)
        console.print(plain(f"  too few rows for models of their own: {names}"))


def rates_table(whole: pd.DataFrame, group: str, title: str) -> Table:
    """Return rows and rates of the stacks of all rows, by the groups in a column."""
    heads = ("test rows#", *(f"{name}#" for name in ERROR_TITLES), "slot F1#")
    return fill(table(title, *heads), _rate_lines(whole, group))


def _rate_lines(whole: pd.DataFrame, group: str) -> Iterator[tuple[object, ...]]:
    for line in whole.to_dict("records"):
        yield (
            group_name(line[group]),
            f"{line['rows']:,.0f}",
            *(known(line[name], ".2%") for name in ERRORS),
            known(line["slot_f1"], ".3f"),
        )


def group_name(group: object) -> str:
    """Name a group of rows; where there is none the line is of all rows."""
    return group if isinstance(group, str) else "overall"


def print_changes(findings: StackFindings, paper: bool = False) -> None:
    """Print how error rates change with pruning, and what that says of a technique."""
    changes = findings.changes()
    if changes.empty:
        return
    console = output()
    console.print("\nrelative change of errors against the stacks of all rows")
    console.print(fill(_change_columns(), _change_lines(changes)))
    console.print("  ±: standard deviation over seeds; σ: change of DCER over that of the rows")
    if paper:
        console.print("\nthe paper's figures")
        console.print(fill(_change_columns(), _change_lines(printed.overall())))


def _change_columns() -> Any:
    return table("technique", "pruned#", *(f"{TITLES[name]}#" for name in CHANGES), "σ × 100#")


def _change_lines(changes: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for line in changes.to_dict("records"):
        spread = (line.get(f"{name}_std", float("nan")) for name in CHANGES)
        told = (_with(line[name], std) for name, std in zip(CHANGES, spread, strict=True))
        sigma = known(100 * line["dcer_sigma"], "+z.1f")
        yield (line["technique"], f"{line['fraction']:.0%}", *told, sigma)


def print_domains(findings: StackFindings, paper: bool = False) -> None:
    """Print what every domain is made of, and its changes."""
    print_composition(findings, paper)
    changes = findings.changes_by_domain()
    if changes.empty:
        return
    console = output()
    console.print("\nby domain: change of its share of the training rows, and of its errors")
    console.print(group_changes(changes, "domain", _BY_DOMAIN))
    if paper:
        console.print("\nthe paper's figures at 52%, dataset norm / class norm")
        names = table("domain", *(f"{title}#" for title in _BY_DOMAIN.values()))
        console.print(fill(names, printed.by_domain().itertuples(index=False)))


def group_changes(changes: pd.DataFrame, group: str, told: Mapping[str, str]) -> Table:
    """Return changes by the groups in a column; `told` are columns and how they are called."""
    heads = ("test rows#", *(f"{title}#" for title in told.values()))
    columns = table(group, "technique", "pruned#", *heads)
    return fill(columns, _group_lines(changes, group, told))


def _group_lines(
    changes: pd.DataFrame, group: str, told: Iterable[str]
) -> Iterator[tuple[object, ...]]:
    for line in changes.sort_values(group, kind="stable").to_dict("records"):
        yield (
            *(line[group], line["technique"], f"{line['fraction']:.0%}", line["rows"]),
            *(known(line[name], "+z.0%") for name in told),
        )


def print_scope(findings: StackFindings, threshold: float) -> None:
    """Print how many rows find no domain, where domains were held out."""
    from influence_core.nlu.scope import held_out, scope, too_low

    if not held_out(findings):
        return
    console, told = output(), scope(findings, threshold)
    console.print(f"\nrows that find no domain of a probability above {100 * threshold:g}%")
    columns = table("technique", "pruned#", "unrecoverable#", "change#", "rejected#", "change#")
    console.print(fill(columns, _scope_lines(told[told["domain"].isna()])))
    console.print(
        "  unrecoverable: of rows whose domain was held out; more is better, the others are taken\n"
        "  for some domain. rejected: of rows in scope; fewer is better, as of what the paper\n"
        "  calls unrecoverable, which is of live traffic. Changes are in points"
    )
    remark = too_low(findings, threshold)
    if remark:
        console.print(f"  {remark}")


def _scope_lines(told: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    from influence_core.nlu.scope import SCOPE_RATES

    for line in told.to_dict("records"):
        pruned = line["fraction"] > 0
        rates = (
            (f"{line[name]:.1%}", f"{100 * line[f'{name}_change']:+.1f}" if pruned else "")
            for name in SCOPE_RATES
        )
        yield (*_named((line["technique"], line["fraction"])), *chain.from_iterable(rates))


def print_compared(points: tuple[Point, Point], gaps: list[StackGap], remark: str = "") -> None:
    """Print every rate of two kinds of stacks, with how certain their difference is."""
    console = output()
    shown = [gap for gap in gaps if gap.difference.mean == gap.difference.mean]
    first, second = (" ".join(filter(None, _named(point))) for point in points)
    console.print(f"\n{first}, against {second}: first minus second")
    columns = ("rows#", "first#", "second#", "first − second#", "95% interval#", "first is")
    console.print(fill(table("rate", "of", *columns), map(_gap_line, shown)))
    if remark:
        console.print(plain(f"  {remark}"))


def _gap_line(gap: StackGap) -> tuple[object, ...]:
    ends = gap.difference
    name = TITLES.get(gap.metric, gap.metric)
    interval = f"{ends.low:+.4f} to {ends.high:+.4f}"
    rates = (f"{gap.first:.4f}", f"{gap.second:.4f}", f"{ends.mean:+.4f}", interval)
    return (name, gap.part, gap.rows, *rates, gap.verdict)


def _named(point: Point) -> tuple[str, str]:
    technique, fraction = point
    return (str(technique), f"{fraction:.0%}") if fraction else ("all rows", "")


def print_folder(experiment: StackExperiment) -> None:
    """Print where it lies."""
    output().print(plain(f"  folder  {experiment.path}"))


def _with(change: float, spread: float) -> str:
    std = "" if spread != spread else f" ± {spread:.1%}"
    return f"{known(change, '+z.1%')}{std}" if change == change else ""
