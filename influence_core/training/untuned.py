"""Features of the encoder before it has seen a label: what judges of labels learn from."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from influence_core.access import must_be_writable
from influence_core.config import ModelSettings, Precision
from influence_core.progress import Progress
from influence_core.store.files import PARTIAL
from influence_core.store.run import Run

Features = npt.NDArray[np.float16]


def untuned_file(run: Run) -> Path:
    """Return where the features lie: `embeddings.npy` of a probe, else `untuned.npy`.

    Runs of other people's scores, checkpoints or trainings never have them.
    """
    probe = run.manifest().settings.origin == "probe"
    return run.embeddings_file if probe else run.path / "untuned.npy"


def untuned_features(run: Run, progress: Progress) -> Features | None:
    """Open the pooled features (examples, D) of a run's encoder, untuned, as a memory map.

    Those of a fine-tuned run are computed the first time, and kept.

    Cost: then a forward pass over all examples, about 30 seconds for 22,000 short texts and the
    bundled encoder on two cores.

    Returns:
        None for runs without an encoder of their own, and for a probe that has not kept them.

    Raises:
        ModelError: the encoder cannot be loaded any more.
        ReadOnly: they must be computed, and nothing may be written.
    """
    path = untuned_file(run)
    if not path.exists() and run.manifest().settings.origin == "finetune":
        _compute(run, path, progress)
    if not path.exists():
        return None
    features: Features = np.load(path, mmap_mode="r")
    return features


def unit(features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return features (n, D) as float32, each row of length 1; rows of zeros stay."""
    wide = features.astype(np.float32)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    scaled: npt.NDArray[np.float32] = wide / np.maximum(length, np.finfo(np.float32).tiny)
    return scaled


def write_tokens(examples: Path, model: ModelSettings, folder: Path, progress: Progress) -> None:
    """Write token ids of `examples.parquet` as an encoder reads them, unless they are there."""
    from influence_core.model.classifier import token_limit
    from influence_core.model.encoder import encoder_source, load_tokenizer
    from influence_core.model.tokens import tokenize

    if not folder.exists():
        tokenizer = load_tokenizer(encoder_source(model.encoder))
        tokenize(examples, tokenizer, token_limit(model), folder, progress)


def write_untuned(
    model: ModelSettings, tokens: Path, path: Path, precision: Precision, progress: Progress
) -> None:
    """Write pooled features of an encoder as it comes, float16 (examples, D), from token ids."""
    from influence_core.model.classifier import build_classifier
    from influence_core.model.tokens import open_tokens
    from influence_core.training.passes import write_features

    # The features are the encoder's alone: no head takes part in them.
    classifier = build_classifier(model, label_names=("any", "other"), seed=0)
    write_features(classifier, open_tokens(tokens), path, precision, progress)


def _compute(run: Run, path: Path, progress: Progress) -> None:
    must_be_writable(f"keep features of run {run.name!r}")
    settings = run.manifest().settings
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=run.path) as folder:
        tokens = Path(folder) / "tokens"
        write_tokens(run.examples_file, settings.model, tokens, progress)
        write_untuned(settings.model, tokens, path, settings.training.precision, progress)
