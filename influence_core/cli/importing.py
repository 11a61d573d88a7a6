"""The command that takes in what was computed elsewhere: `import`."""

from __future__ import annotations

from typing import Annotated

import typer

from influence_core import jobs
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.summary import print_summary, run_facts
from influence_core.cli.terminal import errors, output, print_json, reporting
from influence_core.config import DataSettings, ImportSettings, validated
from influence_core.store.run import validate_name

_SET_HERE = (
    "DataSettings.source",
    "DataSettings.validation_fraction",
    "DataSettings.test_fraction",
    "ImportSettings.path",
)
_RENAMED = {"DataSettings.seed": "data_seed"}


@with_settings(ImportSettings, DataSettings, skip=_SET_HERE, rename=_RENAMED)
def bring(
    data: Annotated[
        str,
        typer.Argument(help=str(DataSettings.model_fields["source"].description)),
    ],
    path: Annotated[
        str,
        typer.Option("--from", help=str(ImportSettings.model_fields["path"].description)),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the run; made from the data by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    *,
    given: dict[str, object],
) -> None:
    """Make a run of scores that were computed elsewhere.

    Rows are joined by id where there are ids, else by their order, and everything is checked before
    anything is written. Without a split column all rows are training rows.
    """
    texts = validated(DataSettings, {"source": data, **chosen(DataSettings, given, _RENAMED)})
    settings = validated(ImportSettings, {"path": path, **chosen(ImportSettings, given)})
    if name is not None:
        validate_name(name)

    from influence_core import pipeline

    with reporting() as shown, jobs.stop_on_signal(_announce) as stop:
        finished = pipeline.import_scores(
            data, path, name=name, settings=settings, data=texts, listeners=(shown, stop)
        )
    if as_json:
        print_json(run_facts(finished))
    else:
        print_summary(finished, output())


def _announce() -> None:
    errors().print("Stopping at the next step; press Ctrl-C again to stop at once.")
