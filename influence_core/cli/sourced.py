"""What an experiment with stacks found by the source of rows, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from influence_core.cli.stacked import CHANGES, TITLES
from influence_core.cli.terminal import fill, known, output, plain, table
from influence_core.nlu import by_source
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
    _print_errors(by_source.whole(findings))
    _print_changes(by_source.changes(findings))


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
        yield _name(line[0]["domain"]), f"{sum(one['rows'] for one in line):,}", *shares


def _print_vog(vog: pd.DataFrame) -> None:
    if vog.empty:
        return
    heads = (f"{norm} {figure}#" for norm in NORMS for figure in by_source.FIGURES)
    output().print("\nVoG of training rows, in standard deviations of the class and the dataset")
    output().print(fill(table("source", "rows#", *heads), _vog_lines(vog)))


def _vog_lines(vog: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for line in vog.to_dict("records"):
        told = (
            known(line[f"{figure}_{norm}"], ".2f" if figure == "std" else "+z.2f")
            for norm in NORMS
            for figure in by_source.FIGURES
        )
        yield _name(line["source"]), f"{line['rows']:,}", *told


def _print_errors(whole: pd.DataFrame) -> None:
    heads = (*(f"{title}#" for title in TITLES.values()), "slot F1#")
    output().print("\nerrors of the stacks of all rows")
    output().print(fill(table("source", "test rows#", *heads), _error_lines(whole)))


def _error_lines(whole: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for line in whole.to_dict("records"):
        rates = (known(line[name], ".2%") for name in TITLES)
        yield _name(line["source"]), f"{line['rows']:,.0f}", *rates, known(line["slot_f1"], ".3f")


def _print_changes(changes: pd.DataFrame) -> None:
    if changes.empty:
        return
    heads = ("test rows#", *(f"{TITLES[name]}#" for name in CHANGES))
    output().print("\nrelative change of these errors")
    columns = table("source", "technique", "pruned#", *heads)
    output().print(fill(columns, _change_lines(changes)))


def _change_lines(changes: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for line in changes.sort_values("source", kind="stable").to_dict("records"):
        rates = (known(line[name], "+z.0%") for name in CHANGES)
        yield line["source"], line["technique"], f"{line['fraction']:.0%}", line["rows"], *rates


def _name(group: object) -> object:
    return group if isinstance(group, str) else "all"
