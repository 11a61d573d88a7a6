"""Invented requests of very different lengths, for models that are really trained."""

from __future__ import annotations

import csv
from pathlib import Path

TOPICS = {
    "lights": ("lamp", "bulb", "ceiling", "bright", "dim"),
    "music": ("song", "album", "volume", "jazz", "radio"),
    "weather": ("rain", "snow", "sunny", "forecast", "wind"),
}
OPENINGS = ("", "please", "could you now", "I want to be told about", "do something with the")


def requests(topics: dict[str, tuple[str, ...]], rows: int) -> list[tuple[str, str]]:
    """Return texts of one to fourteen words with their topics; every ninth label is wrong."""
    made = []
    names = list(topics)
    for number in range(rows):
        words = topics[names[number % len(names)]]
        count = 1 + (number // 2) % 9
        said = " ".join(words[(number * 3 + place * place) % 5] for place in range(count))
        label = names[(number + (number % 9 == 4)) % len(names)]
        made.append((f"{OPENINGS[(number // 3) % 5]} {said}".strip() + f" {number % 7}", label))
    return made


def write_requests(path: Path, rows: int = 90) -> Path:
    """Write the requests as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *requests(TOPICS, rows)])
    return path
