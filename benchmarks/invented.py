"""Texts and scores of any number of rows, and an encoder that knows their words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from tests.tiny_encoder import save_tiny_encoder

CLASSES, WORDS, LENGTHS = 20, 2_000, (3, 12)
BLOCK = 100_000

TEXTS = pa.schema([("id", pa.string()), ("text", pa.string()), ("label", pa.string())])


def save_words_encoder(folder: Path) -> Path:
    """Save a tiny random encoder whose vocabulary is the words of the invented texts."""
    return save_tiny_encoder(folder, [" ".join(_words().to_pylist())])


def write_texts(path: Path, rows: int) -> None:
    """Write texts of 3 to 11 words as CSV or Parquet; the first word tells the class."""
    generator = np.random.default_rng(0)
    writer = pv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
    with writer(path, TEXTS) as file:
        for numbers in _blocks(rows):
            label = generator.integers(0, CLASSES, len(numbers))
            labels = pc.binary_join_element_wise("intent", pc.cast(label, pa.string()), "_")
            columns = [_ids(numbers), _texts(label, generator), labels]
            file.write_table(pa.table(columns, schema=TEXTS))


def write_scores(path: Path, rows: int, scores: int) -> None:
    """Write a Parquet table of random scores by id, in another order than the texts."""
    generator = np.random.default_rng(1)
    order = generator.permutation(rows)
    names = [f"score_{number}" for number in range(scores)]
    schema = pa.schema([("id", pa.string()), *((name, pa.float64()) for name in names)])
    with pq.ParquetWriter(path, schema) as file:
        for places in _blocks(rows):
            columns = [generator.normal(size=len(places)) for _ in names]
            file.write_table(pa.table([_ids(order[places]), *columns], schema=schema))


def _blocks(rows: int) -> Iterator[np.ndarray]:
    for start in range(0, rows, BLOCK):
        yield np.arange(start, min(start + BLOCK, rows))


def _ids(numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise("u", pc.cast(pa.array(numbers), pa.string()), "")


def _texts(label: np.ndarray, generator: np.random.Generator) -> pa.Array:
    lengths = generator.integers(*LENGTHS, len(label))
    ends = np.cumsum(lengths)
    chosen = generator.integers(0, WORDS, ends[-1])
    chosen[ends - lengths] = label * 7 + generator.integers(0, 7, len(label))
    offsets = pa.array(np.append(0, ends), pa.int32())
    return pc.binary_join(pa.ListArray.from_arrays(offsets, _words().take(chosen)), " ")


def _words() -> pa.Array:
    return pa.array([f"w{number}" for number in range(WORDS)])
