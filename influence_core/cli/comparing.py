"""The command that compares two runs, or models of pruning experiments: `compare`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli.frames import records
from influence_core.cli.look import AsJson
from influence_core.cli.terminal import fill, output, plain, print_json, table

if TYPE_CHECKING:
    import pandas as pd

    from influence_core.comparing.comparison import Comparison

SHOWN = 10
"""Classes that are listed at most for each end."""

_SIDE = "A run, or models of a pruning experiment as RUN/EXPERIMENT/CURVE@FRACTION."


def compare(
    first: Annotated[str, typer.Argument(help=_SIDE)],
    second: Annotated[str, typer.Argument(help=_SIDE)],
    as_json: AsJson = False,
) -> None:
    """Tell which of two models is better at what, and how sure that is.

    Both are judged on the test rows that they share, and differences have 95% intervals by a paired
    bootstrap over these rows. Models of an experiment are named as demo/pruning/random@0.5, those
    on unpruned data as demo/pruning/full.
    """
    from influence_core.comparing import comparison, sides

    found = comparison.compare(sides.parse(first), sides.parse(second))
    if as_json:
        print_json(_facts(found))
    else:
        _print(found)


def _facts(found: Comparison) -> dict[str, Any]:
    from influence_core.comparing.bootstrap import BY_CLASS

    return {
        "first": found.first.title,
        "second": found.second.title,
        "rows": found.rows,
        "only_first": found.only_first,
        "only_second": found.only_second,
        "relabelled": found.relabelled,
        "overall": records(found.overall()),
        "by_class": {name: records(found.by_class(name)) for name in BY_CLASS},
    }


def _print(found: Comparison) -> None:
    console = output()
    for name, side in (("first", found.first), ("second", found.second)):
        console.print(plain(f"{name:<8} {side.title}"))
    console.print(f"rows     {found.rows:,} test rows of both{found.left_out}")
    columns = ("first#", "second#", "first − second#", "95% interval#", "first is")
    console.print(fill(table("metric", *columns), _lines(found.overall(), "metric")))
    recall = found.by_class("recall")
    better, worse = found.certain("recall")
    console.print(
        f"\nrecall by class: certainly better at {better} of {len(recall)} classes, worse at "
        f"{worse}; about {0.05 * len(recall):.0f} would seem so by chance"
    )
    listed = table("class", "rows#", *columns)
    console.print(fill(listed, _lines(_ends(recall), "label", "rows")))


def _ends(recall: pd.DataFrame) -> pd.DataFrame:
    """Return the classes that the first side is worst and best at, in that order."""
    ordered = recall.sort_values("mean", kind="stable")
    if len(ordered) <= 2 * SHOWN:
        return ordered
    import pandas as pd

    return pd.concat([ordered.head(SHOWN), ordered.tail(SHOWN)])


def _lines(found: pd.DataFrame, *named: str) -> Iterator[tuple[object, ...]]:
    for row in found.to_dict("records"):
        yield (
            *(plain(row[name]) if isinstance(row[name], str) else row[name] for name in named),
            f"{row['first']:.4f}",
            f"{row['second']:.4f}",
            f"{row['mean']:+.4f}",
            f"{row['low']:+.4f} to {row['high']:+.4f}",
            row["verdict"],
        )
