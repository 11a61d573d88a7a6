"""What the head's last layer is given at every checkpoint: the files of `activations/`.

With the last layer's weights, which `heads/` keeps, the gradient of any example at that layer
follows from its input h alone: pairwise influence needs neither encoder nor checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from influence_core.config import Precision
from influence_core.errors import RunError
from influence_core.progress import Progress
from influence_core.scores.pairwise.head import Head, read_head
from influence_core.store.files import atomic, discard, new_array
from influence_core.store.run import Run

if TYPE_CHECKING:
    from influence_core.model.tokens import TokenStore

BLOCK = 16_384
"""Rows of features that are in memory at once."""

HELD_OUT = "held_out"
"""Folder below `activations/` for the rows outside training, where they are kept."""

_AGAIN = "Run again with --keep-activations all."
_REMEDIES = {
    "probe": _AGAIN,
    "finetune": _AGAIN,
    "checkpoints": "Score the checkpoints again with --keep-activations all.",
    "recorder": "They come with the trace: record again with checkpoints, and with 'vog', 'tracin' "
    "or 'grand' among the scores.",
    "import": "Nothing was trained for it: `influence run` trains on its texts, and `influence "
    "score` takes checkpoints of your own training.",
}
"""What to do about a finished run without activations, by its origin."""

_HEADLESS = (
    "There can be none: the answers of its classifier do not come from its last linear layer alone."
)

Rows = npt.NDArray[np.int64]
Halves = npt.NDArray[np.float16]
Parts = Iterable[tuple[Rows, npt.NDArray[np.floating]]]


@dataclass(frozen=True)
class Checkpoint:
    """A kept head and what it was given: `inputs` (training rows, width), mapped into memory."""

    step: int
    head: Head
    inputs: Halves
    held_out: Halves | None


def open_checkpoints(run: Run) -> list[Checkpoint]:
    """Open the kept heads of a run with their inputs, in the order of training.

    Raises:
        RunError: the run kept none, or is not finished.
    """
    heads = _heads(run)
    if not heads or not all(_file_of(run.activations_folder, head).exists() for head in heads):
        raise RunError(
            f"Run {run.name!r} has no 'activations/' of all its checkpoints, from which influence "
            f"between examples is told. {_remedy(run)}"
        )
    return [_open(run, head) for head in heads]


def _remedy(run: Run) -> str:
    manifest = run.manifest()
    if manifest.status != "complete":
        return f"Its status is {manifest.status!r}: resume it."
    origin = manifest.settings.origin
    traced = any(run.traces_folder.glob("shard-*.parquet"))
    if not _heads(run) and (origin == "checkpoints" or (origin == "recorder" and traced)):
        return _HEADLESS
    return _REMEDIES[origin]


def keep_probed(run: Run, features: Halves, rows: Rows, progress: Progress) -> None:
    """Write h of the training `rows` of a probe, from the frozen features (examples, D)."""
    for path in _heads(run):
        head = read_head(path)
        parts = ((places, head.inputs(features[rows[places]])) for places in _blocks(len(rows)))
        _write(run.activations_folder, path, len(rows), parts, progress)


def keep_traced(run: Run, rows: Rows, progress: Progress) -> None:
    """Gather h of the training `rows` of a fine-tuning from what its trace left beside its shards.

    Nothing is kept of a trace that left nothing.
    """
    shards = sorted(run.traces_folder.glob("shard-*.parquet"))
    if all(path.with_suffix(".npy").exists() for path in shards):
        for number, path in enumerate(_heads(run)):
            parts = _caught(shards, rows, number)
            _write(run.activations_folder, path, len(rows), parts, progress)
    for path in shards:
        discard(path.with_suffix(".npy"))


def keep_passed(
    run: Run,
    tokens: TokenStore,
    rows: Rows,
    folder: Path,
    precision: Precision,
    progress: Progress,
) -> None:
    """Write h of any `rows` of a fine-tuning, by a pass of their own through every checkpoint."""
    for path in _heads(run):
        parts = _passed(run, path, tokens, rows, precision)
        _write(folder, path, len(rows), parts, progress)


def _write(folder: Path, head: Path, rows: int, parts: Parts, progress: Progress) -> None:
    """Fill the file (rows, width) of a head unless it is there; `parts` name their places."""
    path = _file_of(folder, head)
    if not path.exists():
        with atomic(path) as partial:
            stored = new_array(partial, np.float16, (rows, read_head(head).width))
            for places, values in parts:
                stored[places] = halved(values)
            stored.flush()
    progress.advance(rows)


def _caught(shards: list[Path], rows: Rows, number: int) -> Iterator[tuple[Rows, Any]]:
    """Yield h at checkpoint `number`, shard by shard, with the places among `rows`."""
    import pyarrow.parquet as pq

    for path in shards:
        traced = pq.read_table(path, columns=["row"]).column("row").to_numpy()
        caught = np.load(path.with_suffix(".npy"), mmap_mode="r")
        yield np.searchsorted(rows, traced), caught[number]


def _passed(
    run: Run, head: Path, tokens: TokenStore, rows: Rows, precision: Precision
) -> Iterator[tuple[Rows, Any]]:
    from influence_core.training.replay import Replayer

    replayer = Replayer(run.checkpoints_folder / head.stem, tokens, precision)
    for batch, h in replayer.head_inputs(rows):
        yield np.searchsorted(rows, batch), h.numpy()


def halved(values: npt.NDArray[np.floating]) -> Halves:
    """Round to float16; what is beyond its largest number, 65,504, becomes that number."""
    largest = float(np.finfo(np.float16).max)
    halves: Halves = np.clip(values, -largest, largest).astype(np.float16)
    return halves


def _blocks(rows: int) -> Iterator[Rows]:
    for start in range(0, rows, BLOCK):
        yield np.arange(start, min(start + BLOCK, rows))


def _open(run: Run, head: Path) -> Checkpoint:
    held_out = _file_of(run.activations_folder / HELD_OUT, head)
    return Checkpoint(
        step=int(head.stem.removeprefix("step-")),
        head=read_head(head),
        inputs=np.load(_file_of(run.activations_folder, head), mmap_mode="r"),
        held_out=np.load(held_out, mmap_mode="r") if held_out.exists() else None,
    )


def _file_of(folder: Path, head: Path) -> Path:
    return folder / f"{head.stem}.npy"


def _heads(run: Run) -> list[Path]:
    return sorted(run.heads_folder.glob("step-*.safetensors"))
