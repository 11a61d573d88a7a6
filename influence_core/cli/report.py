"""The command that tells others what a run found: `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.terminal import output, plain, print_json
from influence_core.config import validated
from influence_core.report.settings import ReportSettings
from influence_core.store.run import open_run


@with_settings(ReportSettings)
def report(
    name: RunName,
    destination: Annotated[
        Path | None,
        typer.Option(
            "--output", help="HTML file to write; `RUN-report.html` in this folder by default."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier report in that file.")
    ] = False,
    as_json: AsJson = False,
    *,
    given: dict[str, object],
) -> None:
    """Write what a run found into one HTML file, for people who decide.

    It tells the question, the data, what matters, what is wrong, what can go, and the evidence, as
    far as the run has it. The file works offline, prints, and can be sent by mail.
    """
    from influence_core.report.page import write_report

    settings = validated(ReportSettings, chosen(ReportSettings, given))
    path = write_report(open_run(name), destination, settings, overwrite=overwrite)
    if as_json:
        print_json({"path": str(path), "bytes": path.stat().st_size})
    else:
        output().print(plain(f"Report in {path}"))
