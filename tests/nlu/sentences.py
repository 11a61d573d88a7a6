"""Annotated sentences of an invented assistant: three domains, five intents, three slots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.store.run import Run
from tests.tiny_encoder import save_tiny_encoder, without_dropout

ROWS = 300
SINGERS = ("nina", "otis", "ella", "chet", "etta duke")
ROOMS = ("kitchen", "attic", "cellar", "hall")
CITIES = ("oulu", "bergen", "riga", "porto")

PATTERNS = (
    ("music", "play", "play some {singer} please", "singer", SINGERS),
    ("music", "play", "put on {singer}", "singer", SINGERS),
    ("music", "stop", "stop the music now", None, ("",)),
    ("home", "light_on", "switch on the lamp in the {room}", "room", ROOMS),
    ("home", "light_off", "switch off the lamp in the {room}", "room", ROOMS),
    ("weather", "forecast", "what weather is coming to {city}", "city", CITIES),
)
"""Domain, intent, pattern, name of its slot and the values: weather has one intent."""


def sentences(rows: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield annotated sentences: a fifth are for the test, and every third is synthetic."""
    generator = np.random.default_rng(seed)
    for number in range(rows):
        domain, intent, pattern, name, values = PATTERNS[generator.integers(len(PATTERNS))]
        value = values[generator.integers(len(values))]
        start = pattern.find("{")
        slots = [{"start": start, "end": start + len(value), "slot": name}] if name else []
        text = pattern.format(**{str(name): value})
        split = "test" if number % 5 == 0 else "train"
        yield {
            "id": f"s{number}",
            "text": text,
            "domain": domain,
            "intent": intent,
            "slots": slots,
            "split": split,
            "source": "traffic" if number % 3 else "synthetic",
        }


def write_sentences(path: Path, rows: int, **changes: Any) -> Path:
    """Write sentences as JSON Lines; `changes` take the place of columns, None leaves one out."""
    with path.open("w", encoding="utf-8") as file:
        for one in sentences(rows):
            kept = {name: value for name, value in (one | changes).items() if value is not None}
            file.write(json.dumps(kept) + "\n")
    return path


def scored(root: Path, name: str, **changes: Any) -> Run:
    """Make a run whose labels are the domains of sentences; `changes` as `write_sentences`."""
    folder = root.parent
    texts = [one["text"] for one in sentences(ROWS)]
    made = save_tiny_encoder(folder / f"{name}-encoder", texts, spread=0.5)
    # Of random weights dropout would leave little else than noise.
    encoder = without_dropout(made, folder / f"{name}-calm")
    source = write_sentences(folder / f"{name}.jsonl", ROWS, **changes)
    settings = RunSettings(
        data=DataSettings(source=str(source), label="domain"),
        model=ModelSettings(encoder=str(encoder)),
        training=TrainingSettings(epochs=2, batch_size=16, head_lr=1e-2, precision="fp32"),
        scoring=ScoringSettings(scores=("vog",)),
    )
    return pipeline.run(name=name, settings=settings, root=root)
