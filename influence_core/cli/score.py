"""The command that scores with checkpoints which exist already."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import BaseModel

from influence_core.cli.options import with_settings
from influence_core.cli.run import AsJson, build_settings, compute, report
from influence_core.config import (
    ComputeSettings,
    DataSettings,
    ModelSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.progress import Listener
from influence_core.store.run import Run, validate_name

_USED: dict[type[BaseModel], set[str]] = {
    DataSettings: set(DataSettings.model_fields)
    - {"source", "validation_fraction", "test_fraction", "seed"},
    ModelSettings: {"max_length"},
    TrainingSettings: {"precision", "keep_checkpoints", "keep_activations"},
    ScoringSettings: set(ScoringSettings.model_fields),
    ComputeSettings: set(ComputeSettings.model_fields),
}
"""Settings that mean something where nothing is trained."""

_UNUSED = tuple(
    f"{model.__name__}.{field}"
    for model, used in _USED.items()
    for field in model.model_fields
    if field not in used
)


@with_settings(*_USED, skip=_UNUSED)
def score(
    data: Annotated[str, typer.Argument(help="The texts that the model was trained on.")],
    checkpoints: Annotated[
        str,
        typer.Option(
            help="Folders of checkpoints in the order of training, separated by commas; a folder "
            "that holds several is read in the order of their step numbers.",
            metavar="DIR,DIR,...",
        ),
    ],
    tokenizer: Annotated[
        str | None,
        typer.Option(help="Folder of the tokenizer; found beside the checkpoints by default."),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="What TracIn multiplies by; what the Trainer logged by default."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the run; made from the data by default.")
    ] = None,
    as_json: AsJson = False,
    *,
    given: dict[str, object],
) -> None:
    """Score with checkpoints of a classifier that was trained elsewhere."""
    if name is not None:
        validate_name(name)
    settings = build_settings(given)
    folders = [folder.strip() for folder in checkpoints.split(",") if folder.strip()]

    def begin(*listeners: Listener) -> Run:
        from influence_core import pipeline

        return pipeline.score_checkpoints(
            folders,
            data,
            tokenizer=tokenizer,
            learning_rate=learning_rate,
            name=name,
            settings=settings,
            listeners=listeners,
        )

    report(compute(begin), as_json)
