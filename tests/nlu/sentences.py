"""Annotated sentences of an invented assistant: three domains, five intents, three slots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

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
    """Yield annotated sentences, a fifth of which are for the test."""
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
        }


def write_sentences(path: Path, rows: int, **changes: Any) -> Path:
    """Write sentences as JSON Lines; `changes` take the place of columns, None leaves one out."""
    with path.open("w", encoding="utf-8") as file:
        for one in sentences(rows):
            kept = {name: value for name, value in (one | changes).items() if value is not None}
            file.write(json.dumps(kept) + "\n")
    return path
