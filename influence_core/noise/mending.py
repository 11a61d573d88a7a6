"""The data as reviewers want it: a file of all splits, and a new run of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from influence_core.config import RunSettings
from influence_core.errors import RunError
from influence_core.noise.flipping import BEFORE as DRAWN_FROM
from influence_core.noise.flipping import FLIPPED
from influence_core.noise.known import LABEL_IS_WRONG
from influence_core.store.copying import copied_data, copy_schema, new_copy, writable, write_copy
from influence_core.store.corrections import Corrections, ReviewFacts, corrections
from influence_core.store.files import write_json
from influence_core.store.names import free_name
from influence_core.store.run import Run, list_runs
from influence_core.store.state import dataset_of
from influence_core.store.workplace import now

if TYPE_CHECKING:
    import pyarrow as pa


class ReviewedManifest(BaseModel):
    """The contents of `<name>.reviews.json`, beside the data; `command` writes both again."""

    model_config = ConfigDict(frozen=True)

    influence_scope_reviews: int = 1
    created: str
    run: str
    fingerprint: str
    command: str
    rows_before: int
    rows_after: int
    reviews: ReviewFacts


@dataclass(frozen=True)
class Reviewed:
    """A finished copy: its file, and what was changed in it."""

    path: Path
    manifest: ReviewedManifest


@dataclass(frozen=True)
class PlannedRun:
    """A run that can be started: its name and its settings."""

    name: str
    settings: RunSettings


def write_reviewed(run: Run, destination: str | Path, version: int | None = None) -> Reviewed:
    """Write a copy of a run's data, all splits, with the decisions of its reviewers applied.

    Dropped rows leave and relabelled ones carry their new label; columns `review_action` and
    `label_before_review` tell what was decided and what the label was. Whatever else the data
    says stays, but for what is known of wrong labels. Where they were made wrong on purpose,
    `flipped` tells of the new label whether it is wrong, and `label_before` holds the true one; of
    the new labels of the built-in set it is not known. `<name>.reviews.json`, written last, says
    how many decisions it were, and by whom.

    Args:
        run: a run that has read its data.
        destination: a new file; its suffix, .csv, .jsonl or .parquet, tells the format.
        version: the version of the reviews; the newest by default.

    Raises:
        ConfigError: the destination exists, or its suffix is another one.
        RunError: nobody dropped or relabelled a row.
    """
    path, decided = new_copy(destination), _decided(run, version)
    dataset = dataset_of(run)
    facts = decided.facts
    manifest = ReviewedManifest(
        created=now(),
        run=run.name,
        fingerprint=dataset.fingerprint,
        command=_command(run, path, decided.version),
        rows_before=dataset.rows,
        rows_after=dataset.rows - facts.rows.get("drop", 0),
        reviews=facts,
    )

    def change(rows: pa.RecordBatch, start: int) -> pa.RecordBatch:
        given = rows.filter(~decided.leave(rows))
        return _truth_told(given, decided.applied(given))

    with writable(path):
        write_copy(run, path, decided.schema(copy_schema(run)), change)
        write_json(manifest_beside(path), manifest.model_dump(mode="json"))
    return Reviewed(path, manifest)


def manifest_beside(path: Path) -> Path:
    """Return where the record of a copy lies: `<name>.reviews.json`."""
    return path.with_name(f"{path.stem}.reviews.json")


def plan_reviewed(run: Run, name: str | None = None) -> PlannedRun:
    """Write the reviewed data into a run's folder, and plan a new run of it with its settings.

    `influence_core.jobs.start` begins it. A run of scores, checkpoints or a training from elsewhere
    cannot be repeated here: of its data a probe is planned.

    Args:
        run: a run with decisions.
        name: that of the new run; made from the old one by default.

    Raises:
        RunError: nobody dropped or relabelled a row.
    """
    version = _decided(run).version
    path = run.path / "reviewed" / f"{version}.parquet"
    if not manifest_beside(path).exists():
        path.unlink(missing_ok=True)
        write_reviewed(run, path, version)
    own = run.manifest().settings
    settings = own if own.origin in ("probe", "finetune") else RunSettings()
    settings = settings.model_copy(update={"data": copied_data(run, path)})
    taken = {present.name for present in list_runs(run.path.parent)}
    chosen = name if name is not None else free_name(taken, run.name, "reviewed")
    return PlannedRun(chosen, settings)


def _decided(run: Run, version: int | None = None) -> Corrections:
    decided = corrections(run, version)
    if not {"drop", "relabel"} & decided.facts.rows.keys():
        raise RunError(
            f"Nobody dropped or relabelled a row of run {run.name!r}: its data stays as it is. "
            "Decide on the Noise page first."
        )
    return decided


def _truth_told(given: pa.RecordBatch, mended: pa.RecordBatch) -> pa.RecordBatch:
    """Mend what the rows that were relabelled just now say of their truth."""
    import pyarrow as pa
    import pyarrow.compute as pc

    changed = pc.not_equal(mended["label"], given["label"])
    told: dict[str, pa.Array] = {}
    if {FLIPPED, DRAWN_FROM} <= set(given.schema.names):
        # A label that was not drawn was the true one until somebody changed it.
        drawn_from = given[DRAWN_FROM].cast(pa.string())
        truth = pc.coalesce(drawn_from, given["label"])
        wrong = pc.not_equal(mended["label"], truth)
        told[FLIPPED] = pc.if_else(changed, wrong, given[FLIPPED].cast(pa.bool_()))
        told[DRAWN_FROM] = pc.if_else(changed, truth, drawn_from)
    if LABEL_IS_WRONG in given.schema.names:
        known = given[LABEL_IS_WRONG]
        told[LABEL_IS_WRONG] = pc.if_else(changed, pa.scalar(None, known.type), known)
    for name, values in told.items():
        place = mended.schema.get_field_index(name)
        field = mended.schema.field(place)
        mended = mended.set_column(place, field, values.cast(field.type))
    return mended


def _command(run: Run, path: Path, version: int) -> str:
    words = ["influence", "reviewed", run.name, str(path), "--review-version", str(version)]
    return shlex.join(words)
