"""The export of a subset: kept rows, removed rows with their scores, and a manifest."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from influence_core.config import Settings
from influence_core.errors import ConfigError, RunError, SelectionError, rule
from influence_core.progress import Progress, silent
from influence_core.store.corrections import Corrections, ReviewFacts, corrections
from influence_core.store.files import atomic, write_json
from influence_core.store.formats import WRITERS, Format, Writer, plain_schema
from influence_core.store.run import Run
from influence_core.store.workplace import now

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
BATCH_ROWS = 50_000
Mask = npt.NDArray[np.bool_]


class ExportManifest(BaseModel):
    """The contents of an export's `manifest.json`.

    `train_before` counts labels as the data gives them, `train_after` as reviewers want them if
    `reviews` were applied.
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


@dataclass(frozen=True)
class Export:
    """A finished export: its folder and what its manifest says."""

    folder: Path
    manifest: ExportManifest


def export(
    run: Run,
    kept_rows: npt.ArrayLike,
    destination: str | Path,
    format: Format = "jsonl",
    *,
    settings: Settings | None = None,
    command: str = "",
    overwrite: bool = False,
    progress: Progress | None = None,
    review_version: int | None = None,
) -> Export:
    """Write a subset into a new folder, whole or not at all.

    `kept_rows` are the training rows to keep; rows of other splits always stay. The folder holds
    `kept` and `removed` in the format, the latter with the scores, and `manifest.json` with the
    settings, counts by class, the source's fingerprint and the sha256 of every file.

    With `review_version`, as `Reviews(run).version()` returns it, what reviewers decided up to then
    is applied to what the subset keeps: dropped rows go, relabelled ones carry the new label, and
    columns `review_action` and `label_before_review` tell of both.

    Raises:
        ConfigError: the destination cannot be used, or the format is unknown.
        SelectionError: `kept_rows` are not training rows of this run.
    """
    if format not in WRITERS:
        raise ConfigError(rule("format", f"be one of {', '.join(get_args(Format))}", format))
    folder = _checked(destination, overwrite)
    removed = _removed(run, kept_rows)
    decided = None if review_version is None else corrections(run, review_version)
    with _writable(folder), atomic(folder) as partial:
        partial.mkdir()
        counts = _write(run, removed, decided, partial, format, progress or silent())
        reviews = None if decided is None else decided.facts
        described = _describe(run, format, settings, command, counts, _checksums(partial), reviews)
        write_json(partial / MANIFEST, described.model_dump(mode="json"))
    return Export(folder, described)


def command_line(
    run: Run,
    destination: str | Path,
    format: Format,
    settings: Settings | None = None,
    review_version: int | None = None,
) -> str:
    """Return the command that repeats an export: settings that differ from their defaults."""
    words = ["influence", "export", run.name, str(destination), "--format", format]
    if settings is not None:
        chosen = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        for name, value in chosen.items():
            flag = "--" + name.replace("_", "-")
            words += [flag] if value is True else [flag, str(value)]
    if review_version is not None:
        words += ["--review-version", str(review_version)]
    return shlex.join(words)


def _checked(destination: str | Path, overwrite: bool) -> Path:
    """Return the folder to write, if writing it destroys nothing but an earlier export."""
    if not str(destination).strip() or "\0" in str(destination):
        raise ConfigError(rule("destination", "name a folder", str(destination)))
    folder = Path(destination).expanduser().resolve()
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


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            rule("destination", f"be a place to write to ({reason})", str(folder))
        ) from error


def _removed(run: Run, kept_rows: npt.ArrayLike) -> Mask:
    """Return for every row of the run whether it goes."""
    import pyarrow.parquet as pq

    if not run.examples_file.exists():
        raise RunError(f"Run {run.name!r} has no examples yet; there is nothing to export.")
    split = pq.read_table(run.examples_file, columns=["split"])["split"].to_numpy()
    train = split == "train"
    kept = np.asarray(kept_rows, dtype=np.int64)
    if len(kept) and not (kept.min() >= 0 and kept.max() < len(train) and train[kept].all()):
        raise SelectionError(
            rule("kept_rows", f"be training rows of run {run.name!r}", "rows that are not")
        )
    train[kept] = False
    return np.asarray(train, dtype=bool)


def _write(
    run: Run,
    removed: Mask,
    decided: Corrections | None,
    folder: Path,
    format: Format,
    progress: Progress,
) -> tuple[dict[str, int], dict[str, int]]:
    """Stream the rows into both files; return training rows by label, before and after."""
    import pyarrow.parquet as pq

    before: dict[str, int] = {}
    after: dict[str, int] = {}
    with pq.ParquetFile(run.examples_file) as source:
        stored = plain_schema(source.schema_arrow)
        schema = stored if decided is None else decided.schema(stored)
        kept_writer = _open(folder, "kept", format, schema)
        scores = _Scores(run, schema)
        removed_writer = _open(folder, "removed", format, scores.schema)
        progress.begin("export", source.metadata.num_rows)
        start = 0
        for batch in source.iter_batches(BATCH_ROWS):
            gone = removed[start : start + len(batch)]
            rows = batch.cast(stored)
            _count(before, rows)
            if decided is not None:
                gone, rows = gone | decided.leave(rows), decided.applied(rows)
            kept = rows.filter(~gone)
            kept_writer.write(kept)
            if gone.any():
                removed_writer.write(scores.joined(rows, start, gone))
            _count(after, kept)
            start += len(batch)
            progress.advance(len(batch))
    kept_writer.close()
    removed_writer.close()
    progress.end()
    return before, after


class _Scores:
    """The scores beside the examples, read slice by slice."""

    def __init__(self, run: Run, examples: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.dataset as ds

        self._data = ds.dataset(run.scores_file) if run.scores_file.exists() else None
        fields = [f for f in self._data.schema if f.name not in ("row", "id")] if self._data else []
        self._names = [field.name for field in fields]
        taken = set(examples.names)
        named = [field.with_name(_free_name(field.name, taken)) for field in fields]
        self.schema = pa.schema([*examples, *named])

    def joined(self, rows: pa.RecordBatch, start: int, wanted: Mask) -> pa.RecordBatch:
        """Return the wanted rows of a batch that starts at row `start`, scores appended."""
        import pyarrow as pa
        import pyarrow.dataset as ds

        chosen = rows.filter(pa.array(wanted))
        if self._data is None:
            return chosen
        numbers = start + np.flatnonzero(wanted)
        inside = (ds.field("row") >= start) & (ds.field("row") < start + len(wanted))
        scores = self._data.to_table(columns=["row", *self._names], filter=inside)
        known = scores["row"].to_numpy()
        places = np.minimum(np.searchsorted(known, numbers), max(len(known) - 1, 0))
        absent = known[places] != numbers if len(known) else np.ones(len(numbers), bool)
        taken = scores.select(self._names).take(pa.array(places, mask=absent))
        columns = [column.combine_chunks() for column in taken.columns]
        return pa.RecordBatch.from_arrays([*chosen.columns, *columns], schema=self.schema)


def _open(folder: Path, name: str, format: Format, schema: pa.Schema) -> Writer:
    writer = WRITERS[format]
    return writer(folder / f"{name}{writer.suffix}", schema)


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_score"
    return name


def _count(counts: dict[str, int], rows: pa.RecordBatch) -> None:
    """Add the training rows of a batch to the counts by label."""
    import pyarrow.compute as pc

    train = rows["label"].filter(pc.equal(rows["split"], "train"))
    for entry in train.value_counts().to_pylist():
        counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]


def _checksums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _describe(
    run: Run,
    format: Format,
    settings: Settings | None,
    command: str,
    counts: tuple[dict[str, int], dict[str, int]],
    files: Mapping[str, str],
    reviews: ReviewFacts | None,
) -> ExportManifest:
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
        format=format,
        settings=settings.model_dump(mode="json") if settings else {},
        command=command,
        rows_before=rows,
        rows_after=rows - sum(before.values()) + sum(after.values()),
        train_before=before,
        train_after=after,
        files=dict(files),
        versions=manifest.versions,
        reviews=reviews,
    )
