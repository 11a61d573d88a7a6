"""What the review before said of a run's labels, where the run was made of reviewed data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from influence_core.noise.mending import ReviewedManifest, manifest_beside
from influence_core.store.corrections import ACTION
from influence_core.store.run import Run


@dataclass(frozen=True)
class EarlierReview:
    """The training rows that people looked at before, and whose label they found right.

    `kept` holds their ids. `run` is the name of the run that was reviewed, None where no record
    lies beside the data.
    """

    kept: frozenset[str]
    run: str | None


def earlier_review(run: Run) -> EarlierReview | None:
    """Return what an earlier review kept of a run's training rows, None where it kept nothing.

    It is read from the column `review_action` of reviewed data. Relabelled rows are not among them:
    that their new label looks wrong, too, is news. Nor are rows whose label was drawn anew since.
    """
    kept = _kept(run)
    return EarlierReview(kept, _reviewed_run(run)) if kept else None


def _kept(run: Run) -> frozenset[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored = pq.read_schema(run.examples_file)
    if ACTION not in stored.names or not pa.types.is_string(stored.field(ACTION).type):
        return frozenset()
    rows = [("split", "==", "train"), (ACTION, "==", "keep")]
    return frozenset(
        pq.read_table(run.examples_file, columns=["id"], filters=rows)["id"].to_pylist()
    )


def _reviewed_run(run: Run) -> str | None:
    """Return the run that the record beside the data names."""
    data = Path(run.manifest().settings.data.source)
    try:
        record = manifest_beside(data).read_text("utf-8")
        return ReviewedManifest.model_validate_json(record).run
    except (OSError, ValueError):
        return None
