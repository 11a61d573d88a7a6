"""What reviewers decided: the command `reviewed`, and the figures that `noise` shows of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli.export import ReviewVersion, print_reviews
from influence_core.cli.frames import records
from influence_core.cli.look import AsJson, RunName
from influence_core.cli.terminal import fill, output, plain, print_json, table
from influence_core.store.run import Run, open_run

if TYPE_CHECKING:
    from influence_core.noise.table import NoiseReport

DEPTHS = (10, 30, 100, 300, 1000, 3000)
"""Numbers of reviewed rows, from the top of the ranking, at which precision is shown."""


def reviewed(
    name: RunName,
    destination: Annotated[
        Path, typer.Argument(help="New file, .parquet, .jsonl or .csv, for the reviewed data.")
    ],
    review_version: ReviewVersion = None,
    as_json: AsJson = False,
) -> None:
    """Write a copy of a run's data with the decisions of its reviewers applied.

    Dropped rows leave, relabelled ones carry their new label, and all splits are in it, so that
    `influence run` makes the next run of the file.
    """
    from influence_core.noise.mending import write_reviewed

    run = open_run(name)
    made = write_reviewed(run, destination, review_version)
    facts = made.manifest
    if as_json:
        print_json({"path": str(made.path), **facts.model_dump(mode="json")})
        return
    console = output()
    print_reviews(facts.reviews)
    console.print(f"{facts.rows_after:,} of {facts.rows_before:,} rows, of all splits")
    console.print(plain(f"Data in {made.path}"))
    console.print(plain(f"Next: influence run {shlex.quote(str(made.path))}"))


def review_figures(run: Run, report: NoiseReport) -> dict[str, Any]:
    """Return what reviewers of a run decided, and how often labels were wrong down the ranking."""
    from influence_core.noise.reviewed import precision_by_rank
    from influence_core.store.corrections import corrections

    decided = corrections(run)
    found = precision_by_rank(report.table, decided.decisions)
    depths = sorted({min(depth, len(found)) for depth in (*DEPTHS, len(found))} - {0})
    precision = found.iloc[[depth - 1 for depth in depths]].drop(columns="id")
    return {**decided.facts.model_dump(), "precision": records(precision)}


def print_review_figures(figures: dict[str, Any]) -> None:
    """Print what reviewers decided, for people."""
    from influence_core.store.corrections import ReviewFacts

    output().print()
    print_reviews(ReviewFacts.model_validate({**figures, "precision": None}))
    listed = table("down to rank#", "reviewed#", "wrong#", "share#", "95% interval")
    cells = (
        (
            f"{one['rank']:,}",
            f"{one['reviewed']:,}",
            f"{one['wrong']:,}",
            f"{one['share']:.1%}",
            f"{one['low']:.1%} to {one['high']:.1%}",
        )
        for one in figures["precision"]
    )
    output().print(fill(listed, cells))
