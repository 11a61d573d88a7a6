"""What is taken home: a curated set in a folder, with all that tells how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.config import Settings
from influence_core.progress import Progress
from influence_core.store.export import Export, command_line, write_export
from influence_core.store.formats import Format
from influence_core.store.run import Run
from influence_core.store.selections import SelectionUse

if TYPE_CHECKING:
    from influence_core.selection.curate import Curated


@dataclass(frozen=True)
class Place:
    """Where an export goes and in which format; `overwrite` replaces an earlier export there."""

    destination: str | Path
    format: Format = "jsonl"
    overwrite: bool = False


def export(
    run: Run,
    kept_rows: npt.ArrayLike,
    destination: str | Path,
    format: Format = "jsonl",
    *,
    settings: Settings | None = None,
    selections: tuple[SelectionUse, ...] = (),
    command: str = "",
    overwrite: bool = False,
    progress: Progress | None = None,
    review_version: int | None = None,
) -> Export:
    """Write a subset into a new folder, whole or not at all.

    `kept_rows` are the training rows to keep; rows of other splits always stay. The folder holds
    `kept` and `removed` in the format, the latter with the scores; `datasheet.md`, which tells
    people what the data is; and `manifest.json` with the settings, the named `selections` that
    went before them, counts by class, the source's fingerprint and the sha256 of every file.

    With `review_version`, as `Reviews(run).version()` returns it, what reviewers decided up to then
    is applied to what the subset keeps: dropped rows go, even those of a selection to keep,
    relabelled ones carry the new label, and columns `review_action` and `label_before_review` tell
    of both.

    Raises:
        ConfigError: the destination cannot be used, or the format is unknown.
        SelectionError: `kept_rows` are not training rows of this run.
        ReadOnly: nothing may be written.
    """
    from influence_core.report.datasheet import datasheet

    rows = np.asarray(kept_rows, dtype=np.int64)
    return write_export(
        run,
        rows,
        destination,
        format,
        settings=settings,
        selections=selections,
        command=command,
        overwrite=overwrite,
        progress=progress,
        review_version=review_version,
        datasheet=partial(datasheet, run, rows, Path(destination)),
    )


def export_curated(
    run: Run,
    curated: Curated,
    place: Place,
    *,
    review_version: int | None = None,
    progress: Progress | None = None,
) -> Export:
    """Write a curated set as `export` does, with the command that repeats it.

    Raises:
        ConfigError, SelectionError, ReadOnly: as `export`.
    """
    return export(
        run,
        curated.kept,
        place.destination,
        place.format,
        settings=curated.selection.settings,
        selections=curated.uses,
        command=curated_command(run, curated, place, review_version),
        overwrite=place.overwrite,
        progress=progress,
        review_version=review_version,
    )


def curated_command(
    run: Run, curated: Curated, place: Place, review_version: int | None = None
) -> str:
    """Return the command that repeats an export, of the same versions of all that it reads."""
    return command_line(
        run,
        place.destination,
        place.format,
        curated.selection.settings,
        curated.curation,
        review_version=review_version,
    )
