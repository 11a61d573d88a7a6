"""What is asked about: a row of a run or a typed text, and what the head is given of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from influence_core.errors import DataError, RunError, rule
from influence_core.scores.pairwise.activations import Checkpoint
from influence_core.store.rows import row_of, texts
from influence_core.store.run import Run
from influence_core.training.outlook import Examples

Given = dict[int, npt.NDArray[np.floating]]
"""h (W,), the input of the head's last layer, by the step of the checkpoint."""


@dataclass(frozen=True)
class Question:
    """A text, its label where it is a row, and what the head is given of it at checkpoints.

    `given` lacks the checkpoints of which nothing is known; the last is always there.
    """

    row: int | None
    id: str | None
    text: str
    text_pair: str | None
    label: str | None
    given: Given


def of_row(run: Run, kept: list[Checkpoint], examples: Examples, key: int | str) -> Question:
    """Ask about a row, given by its number or its id.

    Raises:
        DataError: there is no such row.
    """
    number = row_of(run, key)
    [found] = texts(run, [number])
    given = _stored(kept, examples, number)
    if given is None and (_keeps_encoders(run, kept) or not _trained_here(run)):
        given = _by_reading(run, kept, found.text, found.text_pair)
    if given is None:
        feature = np.load(run.embeddings_file, mmap_mode="r")[number]
        given = _by_feature(kept if _frozen(run) else kept[-1:], feature)
    return Question(found.row, found.id, found.text, found.text_pair, found.label, given)


def of_text(run: Run, kept: list[Checkpoint], text: str, text_pair: str | None) -> Question:
    """Ask about a typed text, or a pair of them.

    Raises:
        DataError: the text cannot be read, or the run's examples are pairs and it is none.
    """
    dataset = run.manifest().dataset
    if dataset is not None and dataset.pairs != (text_pair is not None):
        must = (
            "be given: the examples are pairs"
            if dataset.pairs
            else "be left out: the examples are single texts"
        )
        raise DataError(rule("text_pair", must, text_pair))
    for name, value in (("text", text), ("text_pair", text_pair)):
        check_readable(name, value)
    return Question(None, None, text, text_pair, None, _by_reading(run, kept, text, text_pair))


def check_readable(name: str, value: str | None) -> None:
    """Refuse a typed text of which nothing can be read.

    Raises:
        DataError: it is blank, or no valid Unicode.
    """
    if value is not None and not value.strip():
        raise DataError(rule(name, "hold more than white space", value))
    if value is not None and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise DataError(rule(name, "be valid Unicode", value))


def _stored(kept: list[Checkpoint], examples: Examples, number: int) -> Given | None:
    """Read what the head was given of a row at every checkpoint, where that was kept."""
    if examples.splits[number] == "train":
        place = int(np.searchsorted(examples.train_rows, number))
        return {checkpoint.step: checkpoint.inputs[place] for checkpoint in kept}
    held_out = {one.step: one.held_out for one in kept if one.held_out is not None}
    if len(held_out) < len(kept):
        return None
    place = number - int(np.searchsorted(examples.train_rows, number))
    return {step: inputs[place] for step, inputs in held_out.items()}


def _by_reading(run: Run, kept: list[Checkpoint], text: str, text_pair: str | None) -> Given:
    """Send a text through the encoder of every checkpoint that is there."""
    if _frozen(run):
        return _by_feature(kept, _read(run, run.model_folder, text, text_pair))
    if not _keeps_encoders(run, kept):
        _require_last(run, kept[-1])
        return _by_feature(kept[-1:], _read(run, run.model_folder, text, text_pair))
    given: Given = {}
    for checkpoint in kept:
        feature = _read(run, _folder_of(run, checkpoint), text, text_pair)
        given |= _by_feature([checkpoint], feature)
    return given


def _by_feature(kept: list[Checkpoint], feature: npt.NDArray[np.floating]) -> Given:
    return {one.step: one.head.inputs(feature[None, :])[0] for one in kept}


def _read(run: Run, folder: Path, text: str, text_pair: str | None) -> npt.NDArray[np.float32]:
    from influence_core.model.reading import read_text

    return read_text(folder, run.model_folder, run.manifest().settings.model, text, text_pair)


def _require_last(run: Run, last: Checkpoint) -> None:
    """Refuse a final model that is not the last checkpoint: somebody's best one, or stopped early.

    Raises:
        RunError: it has other weights in its head.
    """
    from influence_core.model.last_layer import holds

    if not _trained_here(run) and not holds(run.model_folder, last.head.weights[-1]):
        raise RunError(
            f"The final model of run {run.name!r} is none of its checkpoints, whose encoders were "
            "not kept; record again with keep_checkpoints=True to ask about new texts."
        )


def _trained_here(run: Run) -> bool:
    """Say whether `embeddings.npy` holds what the head takes, as it does after own trainings."""
    return run.manifest().settings.checkpoints is None


def _frozen(run: Run) -> bool:
    return run.manifest().settings.training.mode == "probe"


def _keeps_encoders(run: Run, kept: list[Checkpoint]) -> bool:
    """Say whether the encoders of all checkpoints of a fine-tuning are still there."""
    return not _frozen(run) and all(_folder_of(run, one).is_dir() for one in kept)


def _folder_of(run: Run, checkpoint: Checkpoint) -> Path:
    return run.checkpoints_folder / f"step-{checkpoint.step:06d}"
