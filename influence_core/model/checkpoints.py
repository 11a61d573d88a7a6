"""Checkpoints that exist already: found, put in order, and compared before anything is computed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from influence_core.errors import ModelError, rule
from influence_core.model.encoder import has_tokenizer, kindly, require_safetensors
from influence_core.store.names import placed

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class GivenCheckpoint:
    """A checkpoint folder with its optimisation step and the epoch that it stands for."""

    folder: Path
    step: int
    epoch: float


def find_checkpoints(named: Iterable[str]) -> list[GivenCheckpoint]:
    """Return the checkpoints of the named folders, in the order of training.

    A folder that holds checkpoints stands for all of them, by the step number at the end of their
    names; several folders keep the order in which they are named. Steps that do not rise are
    replaced by places, and so are epochs that are not known to be whole.

    Raises:
        ModelError: a folder holds no safe checkpoint, or they are not of one architecture.
    """
    folders = [folder for name in named for folder in _model_folders(placed(name))]
    if not folders:
        raise ModelError(rule("checkpoints", "name one folder at least", ()))
    for folder in folders:
        _require_whole(folder)
    _require_alike(folders)
    places = list(range(1, len(folders) + 1))
    steps = [_step_of(folder) or 0 for folder in folders]
    epochs = [_state_of(folder).get("epoch") for folder in folders]
    found = zip(
        folders,
        steps if _rising(steps) else places,
        epochs if _rising(epochs) and all(map(_is_whole, epochs)) else places,
        strict=True,
    )
    return [GivenCheckpoint(folder, step, float(epoch or 0)) for folder, step, epoch in found]


def find_tokenizer(checkpoints: Sequence[GivenCheckpoint], named: str | None = None) -> str:
    """Return where the tokenizer lies: as named, with the last checkpoint, or beside them all.

    Raises:
        ModelError: there is none.
    """
    last = checkpoints[-1].folder
    places = [Path(named)] if named else [last, last.parent, last.parent.parent / "model"]
    for place in places:
        if has_tokenizer(place):
            return str(place)
    if named and not Path(named).exists():
        return named  # an id of the Hub
    raise ModelError(
        f"There is no tokenizer in {str(places[0])!r}. Save it beside the checkpoints with "
        "`tokenizer.save_pretrained(folder)`, or name its folder as 'tokenizer'."
    )


def class_names(folder: Path) -> tuple[str, ...]:
    """Return the names of a classifier's outputs, in their order.

    Raises:
        ModelError: the model does not choose one of several classes.
    """
    config = _read(folder / "config.json")
    names = config.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    if len(names) < 2 or config.get("problem_type") in ("regression", "multi_label_classification"):
        raise ModelError(f"{str(folder)!r} does not choose one of several classes.")
    return tuple(str(names[key]) for key in sorted(names, key=int))


def logged_learning_rate(checkpoints: Sequence[GivenCheckpoint]) -> float | None:
    """Return the mean of the learning rates that the Trainer logged, None where there are none."""
    history = _state_of(checkpoints[-1].folder).get("log_history", [])
    rates = [entry["learning_rate"] for entry in history if entry.get("learning_rate")]
    return fmean(rates) if rates else None


def _model_folders(folder: Path) -> list[Path]:
    """Return the numbered checkpoints below a folder, or the folder itself."""
    if not folder.is_dir():
        raise ModelError(rule("checkpoints", "name folders that exist", str(folder)))
    numbered = [
        child
        for child in folder.iterdir()
        if child.is_dir() and _step_of(child) is not None and (child / "config.json").is_file()
    ]
    below = sorted(numbered, key=lambda child: (_step_of(child) or 0, child.name))
    return [path.resolve() for path in below or [folder]]


def _require_whole(folder: Path) -> None:
    require_safetensors(folder)
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"{str(folder)!r} has its weights in several files; save the model again with "
            "`model.save_pretrained(folder, max_shard_size='1000GB')`."
        )


def _require_alike(folders: Sequence[Path]) -> None:
    first = _architecture(folders[0])
    for folder in folders[1:]:
        if _architecture(folder) != first:
            raise ModelError(
                f"{str(folder)!r} holds another model than {str(folders[0])!r}: checkpoints must "
                "be of one training, with the same layers and the same classes."
            )


def _architecture(folder: Path) -> tuple[Any, ...]:
    """Return what checkpoints of one training share: kind, classes, and shapes of weights."""
    from safetensors import safe_open

    config = _read(folder / "config.json")
    with kindly(str(folder)), safe_open(folder / WEIGHTS, framework="np") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    return config.get("model_type"), config.get("architectures"), config.get("id2label"), shapes


def _step_of(folder: Path) -> int | None:
    number = re.search(r"(\d+)$", folder.name)
    return int(number[1]) if number else None


def _state_of(folder: Path) -> dict[str, Any]:
    """Read what the transformers Trainer notes beside a checkpoint, if it was there."""
    path = folder / "trainer_state.json"
    return _read(path) if path.is_file() else {}


def _read(path: Path) -> dict[str, Any]:
    with kindly(str(path.parent)):
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _rising(numbers: Sequence[float | None]) -> bool:
    known = [number for number in numbers if number]
    rises = all(before < after for before, after in pairwise(known))
    return rises and len(known) == len(numbers)


def _is_whole(number: float | None) -> bool:
    return number is not None and float(number).is_integer()
