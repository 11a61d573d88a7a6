"""The command that takes in what was computed elsewhere: `import`."""

from __future__ import annotations

from typing import Annotated

import typer

from influence_core.cli.options import chosen, with_settings
from influence_core.cli.run import AsJson, compute, report
from influence_core.config import DataSettings, ImportSettings, validated
from influence_core.progress import Listener
from influence_core.store.run import Run, validate_name

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
    as_json: AsJson = False,
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

    def begin(*listeners: Listener) -> Run:
        from influence_core import pipeline

        return pipeline.import_scores(
            data, path, name=name, settings=settings, data=texts, listeners=listeners
        )

    report(compute(begin), as_json)
