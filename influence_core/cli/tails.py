"""The command that writes the hardest and the easiest rows of a score: `tails`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from influence_core.cli.look import RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.terminal import output, plain
from influence_core.config import validated
from influence_core.store.run import open_run
from influence_core.store.tails import TailSettings, write_tails


@with_settings(TailSettings)
def tails(
    name: RunName,
    destination: Annotated[
        Path, typer.Argument(help="New file, .csv, .jsonl or .parquet, for the rows.")
    ],
    *,
    given: dict[str, object],
) -> None:
    """Write the hardest and the easiest rows of a score into a file.

    Every row comes with its place, the score as computed and normalised, its rank, what the model
    predicts, and all columns of the data.
    """
    settings = validated(TailSettings, chosen(TailSettings, given))
    path = write_tails(open_run(name), destination, settings)
    output().print(plain(f"Rows in {path}"))
