"""The export of a subset: kept rows, removed rows with their scores, a datasheet, a manifest."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from influence_core.access import must_be_writable
from influence_core.config import Settings
from influence_core.errors import ConfigError, RunError, SelectionError, rule
from influence_core.progress import Progress, silent
from influence_core.store.copying import writable
from influence_core.store.corrections import ReviewFacts, corrections
from influence_core.store.export_rows import Mask, write_rows
from influence_core.store.files import atomic, write_json
from influence_core.store.formats import WRITERS, Format
from influence_core.store.lookup import training
from influence_core.store.names import placed
from influence_core.store.run import Run
from influence_core.store.selections import SelectionUse
from influence_core.store.workplace import now

MANIFEST = "manifest.json"
DATASHEET = "datasheet.md"

ALWAYS_SAID = ("fraction",)
"""Settings that a command names even where they have their defaults, which depend on others."""


class ExportManifest(BaseModel):
    """The contents of an export's `manifest.json`.

    `train_before` counts labels as the data gives them, `train_after` as reviewers want them if
    `reviews` were applied. `selections` are the named selections that went before the settings.
    `files` maps every other file of the folder to its sha256.
    """

    model_config = ConfigDict(frozen=True)

    influence_scope_export: int = 1
    created: str
    run: str
    source: str
    fingerprint: str
    content_version: str
    format: Format
    settings: dict[str, Any]
    command: str
    rows_before: int
    rows_after: int
    train_before: dict[str, int]
    train_after: dict[str, int]
    files: dict[str, str]
    versions: dict[str, str]
    reviews: ReviewFacts | None = None
    selections: tuple[SelectionUse, ...] = ()


Datasheet = Callable[[ExportManifest], str]
"""Words the datasheet of an export from what its manifest says, the files but for itself."""


@dataclass(frozen=True)
class Export:
    """A finished export: its folder and what its manifest says."""

    folder: Path
    manifest: ExportManifest


def write_export(
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
    datasheet: Datasheet | None = None,
) -> Export:
    """Write a subset into a new folder, as `influence_core.exporting.export` does.

    `datasheet` words `datasheet.md`; without it there is none.

    Raises:
        ConfigError: the destination cannot be used, or the format is unknown.
        SelectionError: `kept_rows` are not training rows of this run.
        ReadOnly: nothing may be written.
    """
    must_be_writable(f"export run {run.name!r}")
    if format not in WRITERS:
        raise ConfigError(rule("format", f"be one of {', '.join(get_args(Format))}", format))
    folder = _checked(destination, overwrite)
    removed = _removed(run, kept_rows)
    decided = None if review_version is None else corrections(run, review_version)
    with writable(folder), atomic(folder) as partial:
        partial.mkdir()
        counts = write_rows(run, removed, decided, partial, format, progress or silent())
        described = _describe(
            run,
            counts,
            files=_checksums(partial),
            format=format,
            settings=settings.model_dump(mode="json") if settings else {},
            selections=selections,
            command=command,
            reviews=None if decided is None else decided.facts,
        )
        if datasheet is not None:
            (partial / DATASHEET).write_text(datasheet(described), encoding="utf-8")
            files = described.files | {DATASHEET: checksum(partial / DATASHEET)}
            described = described.model_copy(update={"files": dict(sorted(files.items()))})
        write_json(partial / MANIFEST, described.model_dump(mode="json"))
    return Export(folder, described)


def command_line(
    run: Run,
    destination: str | Path,
    format: Format,
    *parts: Settings,
    review_version: int | None = None,
) -> str:
    """Return the command that repeats an export: settings that differ from their defaults."""
    words = ["influence", "export", run.name, str(destination), "--format", format]
    for settings in parts:
        words += options(settings)
    if review_version is not None:
        words += ["--review-version", str(review_version)]
    return shlex.join(words)


def options(settings: Settings) -> Iterator[str]:
    """Yield the options of a command that say what settings differ from their defaults in."""
    chosen = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    for name, value in settings.model_dump(mode="json").items():
        if name not in chosen and name not in ALWAYS_SAID:
            continue
        yield "--" + name.replace("_", "-")
        if value is not True:
            yield ",".join(value) if isinstance(value, list) else str(value)


def _checked(destination: str | Path, overwrite: bool) -> Path:
    """Return the folder to write, if writing it destroys nothing but an earlier export."""
    if not str(destination).strip() or "\0" in str(destination):
        raise ConfigError(rule("destination", "name a folder", str(destination)))
    folder = placed(destination).resolve()
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return folder
    if not folder.is_dir():
        raise ConfigError(rule("destination", "be a folder, not a file", str(folder)))
    if not _is_export(folder):
        raise ConfigError(rule("destination", "be a new or an empty folder", str(folder)))
    if not overwrite:
        advice = "be new; it holds an export already, so choose another or ask to overwrite"
        raise ConfigError(rule("destination", advice, str(folder)))
    return folder


def _is_export(folder: Path) -> bool:
    try:
        ExportManifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return False
    return True


def _removed(run: Run, kept_rows: npt.ArrayLike) -> Mask:
    """Return for every row of the run whether it goes."""
    if not run.examples_file.exists():
        raise RunError(f"Run {run.name!r} has no examples yet; there is nothing to export.")
    train = training(run)
    kept = np.asarray(kept_rows, dtype=np.int64)
    if len(kept) and not (kept.min() >= 0 and kept.max() < len(train) and train[kept].all()):
        raise SelectionError(
            rule("kept_rows", f"be training rows of run {run.name!r}", "rows that are not")
        )
    train[kept] = False
    return train


def _checksums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): checksum(path) for path in files}


def checksum(path: Path) -> str:
    """Return the sha256 of a file as the manifest has it, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _describe(
    run: Run, counts: tuple[dict[str, int], dict[str, int]], **how: Any
) -> ExportManifest:
    """Say what was written of a run, and how, by fields of the manifest."""
    manifest = run.manifest()
    labels = sorted({label for part in counts for label in part})
    before, after = ({label: part.get(label, 0) for label in labels} for part in counts)
    rows = manifest.dataset.rows if manifest.dataset else 0
    return ExportManifest(
        created=now(),
        run=run.name,
        source=manifest.dataset.source if manifest.dataset else "",
        fingerprint=manifest.dataset.fingerprint if manifest.dataset else "",
        content_version=manifest.content_version,
        rows_before=rows,
        rows_after=rows - sum(before.values()) + sum(after.values()),
        train_before=before,
        train_after=after,
        versions=manifest.versions,
        **how,
    )
