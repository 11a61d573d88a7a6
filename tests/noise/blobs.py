"""Features in clouds, one a class, and a run that has them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from influence_core.noise.flipping import FLIPPED
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read

WIDTH = 12


def clouds(
    labels: np.ndarray, classes: int, seed: int = 0, spread: float = 0.6, width: int = WIDTH
) -> np.ndarray:
    """Return features (n, width): a centre for each class, and noise around it."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(classes, width))
    noise = generator.normal(scale=spread, size=(len(labels), width))
    return (centres[labels] + noise).astype(np.float32)


def give_features(run: Run, wrong: float = 0.1, seed: int = 0) -> np.ndarray:
    """Write features that contradict the labels of some training rows; return which (examples,).

    Column `flipped` of the examples says so too.
    """
    examples = read(run.examples_file)
    names = run.manifest().dataset.label_names
    labels = np.array([names.index(label) for label in examples["label"].to_pylist()])
    generator = np.random.default_rng(seed)
    train = np.array(examples["split"].to_pylist()) == "train"
    contradicted = train & (generator.random(len(labels)) < wrong)
    true = (labels + contradicted * generator.integers(1, len(names), len(labels))) % len(names)
    np.save(run.embeddings_file, clouds(true, len(names), seed).astype(np.float16))
    write_parquet(run.examples_file, examples.append_column(FLIPPED, pa.array(contradicted)))
    return contradicted
