"""The command that writes what reviewers made of the data: `reviewed`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from influence_core.cli.export import ReviewVersion, print_reviews
from influence_core.cli.look import AsJson, RunName
from influence_core.cli.terminal import output, plain, print_json
from influence_core.store.run import open_run


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
