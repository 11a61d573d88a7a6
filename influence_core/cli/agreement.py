"""How far the scores of a run agree, as tables and for scripts."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from influence_core.cli.terminal import fill, table
from influence_core.scores.agreement import Agreement, Likeness, read_agreement
from influence_core.selection.overlap import chance
from influence_core.store.run import Run


def agreement_facts(run: Run) -> dict[str, Any] | None:
    """Return what `agreement.json` holds, and the similarity of random sets of that size."""
    found = read_agreement(run)
    if found is None:
        return None
    return {**found.model_dump(mode="json"), "chance": _chance(found)}


def print_agreement(run: Run, console: Console) -> None:
    """Print how far scores agree with one another and over seeds, if there is anything to say."""
    found = read_agreement(run)
    if found is None:
        return
    if found.pairs:
        console.print(
            "\nagreement: Spearman below the diagonal; above it, how much the hardest "
            f"{found.hardest_fraction:.0%} have in common (Jaccard; by chance {_chance(found):.2f})"
        )
        console.print(_matrix(found))
    if found.stability:
        console.print(f"\nstability over {found.replicates} seeds, in the same two measures")
        listed = table("score", "Spearman#", "hardest in common#")
        rows = ((key, *_cells(likeness)) for key, likeness in found.stability.items())
        console.print(fill(listed, rows))


def _matrix(found: Agreement) -> Any:
    keys = list(dict.fromkeys(key for pair in found.pairs for key in (pair.first, pair.second)))
    cells = {}
    for pair in found.pairs:
        below, above = _cells(pair)
        cells[pair.second, pair.first], cells[pair.first, pair.second] = below, above
    rows = ((row, *(cells.get((row, column), "·") for column in keys)) for row in keys)
    return fill(table("", *(f"{key}#" for key in keys)), rows)


def _cells(likeness: Likeness) -> tuple[str, str]:
    spearman = "-" if likeness.spearman is None else f"{likeness.spearman:.2f}"
    return spearman, f"{likeness.similarity:.2f}"


def _chance(found: Agreement) -> float:
    return chance(found.rows, found.hardest_rows, found.hardest_rows).mean
