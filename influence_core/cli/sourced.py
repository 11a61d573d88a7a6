"""What an experiment with stacks found by the source of rows, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from influence_core.cli.stacked import CHANGE_TITLES, group_changes, group_name, rates_table
from influence_core.cli.terminal import fill, known, output, plain, table
from influence_core.nlu import by_source
from influence_core.nlu.hardness import FIGURES
from influence_core.store.columns import NORMS

if TYPE_CHECKING:
    import pandas as pd

    from influence_core.nlu.figures import StackFindings


def print_sources(findings: StackFindings) -> None:
    """Print rows by domain and source, and VoG, errors and their changes by source."""
    rows = by_source.composition(findings)
    if rows.empty:
        output().print("\nby source: the data have no column of sources")
        return
    _print_rows(rows)
    _print_vog(by_source.hardness(findings))
    output().print("\nerrors of the stacks of all rows")
    output().print(rates_table(by_source.whole(findings), "source", "source"))
    changes = by_source.changes(findings)
    if not changes.empty:
        output().print("\nrelative change of these errors")
        output().print(group_changes(changes, "source", CHANGE_TITLES))


def _print_rows(rows: pd.DataFrame) -> None:
    sources = list(dict.fromkeys(rows["source"]))
    columns = table("training rows", "all#", *(f"{plain(name)}#" for name in sources))
    output().print("\nby source: training rows, and their share of the domain")
    output().print(fill(columns, _row_lines(rows, len(sources))))


def _row_lines(rows: pd.DataFrame, sources: int) -> Iterator[tuple[object, ...]]:
    lines = rows.to_dict("records")
    for first in range(0, len(lines), sources):
        line = lines[first : first + sources]
        shares = (f"{one['rows']:,} {one['share']:6.1%}" for one in line)
        yield group_name(line[0]["domain"]), f"{sum(one['rows'] for one in line):,}", *shares


def _print_vog(vog: pd.DataFrame) -> None:
    if vog.empty:
        return
    heads = (f"{norm} {figure}#" for norm in NORMS for figure in FIGURES)
    output().print("\nVoG of training rows, in standard deviations of the class and the dataset")
    output().print(fill(table("source", "rows#", *heads), _vog_lines(vog)))


def _vog_lines(vog: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for line in vog.to_dict("records"):
        told = (
            known(line[f"{figure}_{norm}"], ".2f" if figure == "std" else "+z.2f")
            for norm in NORMS
            for figure in FIGURES
        )
        yield group_name(line["source"]), f"{line['rows']:,}", *told
