"""Writing the training dynamics of a run as allenai/cartography reads them.

Cartography takes softmax and argmax of whole vectors of logits. Snapshots hold what scores need,
not the logits, so these are computed again from the weights at the end of every epoch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.access import must_be_writable
from influence_core.errors import ConfigError, RunError, rule
from influence_core.exchange.cartography import FOLDER
from influence_core.progress import Progress, silent
from influence_core.scores.dynamics import epoch_ends
from influence_core.store.files import atomic, discard, write_json
from influence_core.store.names import placed
from influence_core.store.run import Manifest, Run
from influence_core.training.dynamics import read_snapshots
from influence_core.training.outlook import Examples, read_examples

if TYPE_CHECKING:
    import torch

    Logits = Iterator[tuple[npt.NDArray[np.int64], torch.Tensor]]

LABELS = "labels.json"
"""The label of every index in `gold`; beside the folder, because cartography counts its files."""


def export_dynamics(
    run: Run, destination: str | Path, *, overwrite: bool = False, progress: Progress | None = None
) -> Path:
    """Write `training_dynamics/dynamics_epoch_0.jsonl` and so on into a folder, and return it.

    A line holds `guid` (the id), `logits_epoch_k` and `gold`, the index among the sorted labels.
    The logits are those of the model in evaluation mode at the end of the epoch. With several seeds
    they are the first one's.

    Raises:
        ConfigError: the destination cannot be used.
        RunError: the weights at the ends of the epochs are not there.
        ReadOnly: nothing may be written.
    """
    must_be_writable(f"export training dynamics of run {run.name!r}")
    folder = _checked(destination, overwrite)
    manifest = run.manifest()
    if manifest.dataset is None or not run.dynamics_folder.is_dir():
        raise RunError(f"Run {run.name!r} has no training dynamics to export.")
    weights = _weights(run, manifest)
    examples = read_examples(run, manifest.dataset.label_names)
    shown = progress or silent()
    shown.begin("export", len(weights) * len(examples.train_rows), "rows × epochs")
    with atomic(folder) as partial:
        (partial / FOLDER).mkdir(parents=True)
        write_json(partial / LABELS, list(manifest.dataset.label_names))
        for epoch, logits in enumerate(_passes(run, manifest, weights, examples)):
            path = partial / FOLDER / f"dynamics_epoch_{epoch}.jsonl"
            _write(path, epoch, logits, examples, shown)
    shown.end()
    return folder


def _checked(destination: str | Path, overwrite: bool) -> Path:
    """Return the folder to write, if writing it destroys nothing but earlier dynamics."""
    folder = placed(destination).resolve()
    if folder.exists() and not folder.is_dir():
        raise ConfigError(rule("destination", "be a folder, not a file", str(folder)))
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if present and not (overwrite and present == {FOLDER, LABELS}):
        raise ConfigError(rule("destination", "be a new or an empty folder", str(folder)))
    return folder


def _weights(run: Run, manifest: Manifest) -> list[Path]:
    """Return the weights at the end of every epoch.

    Raises:
        RunError: they are not kept, or not all of them.
    """
    settings = manifest.settings.training
    if manifest.settings.imported is not None:
        raise RunError(
            f"Run {run.name!r} was imported, and no logits are kept of it; pass on the files that "
            "it was made of."
        )
    again = f"run it again with --checkpoints {settings.epochs}"
    if settings.mode == "finetune":
        folder, suffix, again = run.checkpoints_folder, "", f"{again} --keep-checkpoints"
    else:
        folder, suffix = run.heads_folder, ".safetensors"
    ends = epoch_ends(read_snapshots(run.dynamics_folder))
    paths = [folder / f"step-{snapshot.step:06d}{suffix}" for snapshot in ends]
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise RunError(
            f"Logits can be computed again only from weights at the end of every epoch, and run "
            f"{run.name!r} lacks those of {len(missing)} of its {len(paths)} epochs; {again}."
        )
    return paths


def _passes(
    run: Run, manifest: Manifest, weights: list[Path], examples: Examples
) -> Iterator[Logits]:
    """Yield for every epoch its batches of rows and logits (B, classes)."""
    if manifest.settings.training.mode == "probe":
        yield from _head_passes(run, weights, examples)
    else:
        yield from _model_passes(run, manifest, weights, examples)


def _head_passes(run: Run, weights: list[Path], examples: Examples) -> Iterator[Logits]:
    from safetensors.torch import load_file

    from influence_core.model.classifier import load_classifier
    from influence_core.training.probe import head_logits

    head = load_classifier(run.model_folder).head
    features = np.load(run.embeddings_file, mmap_mode="r")
    for path in weights:
        head.load_state_dict(load_file(path))
        yield head_logits(head, features, examples.train_rows)


def _model_passes(
    run: Run, manifest: Manifest, weights: list[Path], examples: Examples
) -> Iterator[Logits]:
    from influence_core.model.classifier import load_classifier, token_limit
    from influence_core.model.encoder import load_tokenizer
    from influence_core.model.tokens import open_tokens, tokenize
    from influence_core.training.passes import Observer

    folder = run.private_folder / "export"
    tokenizer, limit = load_tokenizer(str(run.model_folder)), token_limit(manifest.settings.model)
    try:
        tokenize(run.examples_file, tokenizer, limit, folder, silent())
        tokens = open_tokens(folder)
        for path in weights:
            observer = Observer(load_classifier(path), manifest.settings.training.precision)
            yield observer.logits(tokens, examples.train_rows)
    finally:
        discard(run.private_folder)


def _write(
    path: Path,
    epoch: int,
    logits: Iterable[tuple[npt.NDArray[np.int64], torch.Tensor]],
    examples: Examples,
    progress: Progress,
) -> None:
    with path.open("w", encoding="utf-8") as file:
        for rows, batch in logits:
            gold = examples.labels[rows].tolist()
            lines = zip(examples.ids[rows], batch.tolist(), gold, strict=True)
            for guid, values, label in lines:
                line = {"guid": guid, f"logits_epoch_{epoch}": values, "gold": label}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            progress.advance(len(rows))
