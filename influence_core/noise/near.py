"""The rows that say the same as a row, or nearly, with another label and with the same one."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from influence_core.scores.normalise import id_order
from influence_core.store.rows import Text, row_of, texts
from influence_core.store.run import Run
from influence_core.store.state import dataset_of
from influence_core.training.outlook import read_examples
from influence_core.training.untuned import untuned_file

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BLOCK_ROWS = 16_384
"""Rows whose features are in memory at a time."""

_FIRST = 4.0
"""What puts equal texts before all others, whose similarities lie 2 apart at most."""

Encoder = Literal["untuned", "final"]


@dataclass(frozen=True)
class Neighbour:
    """A training row that is near another row.

    `same_text` says that both read the same but for case, blanks and punctuation. `similarity` is
    the cosine of their pooled features, in [−1, 1], or None without them.
    """

    row: int
    id: str
    text: str
    text_pair: str | None
    label: str
    similarity: float | None
    same_text: bool


@dataclass(frozen=True)
class Near:
    """The nearest rows of a row: equal texts first, then by similarity; equals by id."""

    other_labels: tuple[Neighbour, ...]
    same_label: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Nearest:
    """The nearest rows of a row, whatever their labels, and whose features told them.

    `encoder` is None where there are no features and only equal texts were found.
    """

    rows: tuple[Neighbour, ...]
    encoder: Encoder | None


@dataclass(frozen=True)
class _Known:
    """The training rows (n,): places in the examples, classes, texts as `text_key`, order of ids.

    `by_id` are the positions that put the ids in their order.
    """

    rows: Integers
    labels: Integers
    keys: Integers
    by_id: Integers


def near(run: Run, key: int | str, k: int = 5) -> Near:
    """Return the training rows that are nearest to a row, given by its number or its id.

    Without features of the untuned encoder, which a probe keeps and `influence noise` makes for a
    fine-tuned run, only equal texts are found.

    Args:
        run: a run that has read its data.
        key: number or id of a row, of any split.
        k: most rows with other labels, and most with the same one.

    Cost: a product of all features with those of the row, some 10 ms for 15,000 rows; once in a
    process, and for each version of the run, a look at all texts, some 5 µs each.

    Raises:
        DataError: there is no such row.
    """
    asked, known = _asked(run, key)
    order, told = _around(run, asked, known, untuned_file(run))
    same = known.labels[order] == dataset_of(run).label_names.index(asked.label)
    others, alike = order[~same][:k], order[same][:k]
    return Near(told(others), told(alike))


def nearest(run: Run, key: int | str, k: int = 8) -> Nearest:
    """Return the training rows that are nearest to a row, given by its number or its id.

    By the untuned encoder's features where the run has them, else by those of the final one.

    Args:
        run: a run that has read its data.
        key: number or id of a row, of any split.
        k: most rows to return: equal texts first, then by similarity; equals by id.

    Cost: as for `near`.

    Raises:
        DataError: there is no such row.
    """
    features: dict[Encoder, Path] = {"untuned": untuned_file(run), "final": run.embeddings_file}
    encoder = next((name for name, path in features.items() if path.exists()), None)
    asked, known = _asked(run, key)
    order, told = _around(run, asked, known, features.get(encoder) if encoder else None)
    return Nearest(told(order[:k]), encoder)


def text_key(text: str, text_pair: str | None = None) -> int:
    """Return a number that texts share which are equal but for case, blanks and punctuation.

    Signs such as + and € count, and so do all letters and their accents. The number holds within a
    process.
    """
    return hash((_plain(text), None if text_pair is None else _plain(text_pair)))


class _Plain(dict[int, int | None]):
    """What becomes of each character: punctuation and separators a blank, apostrophes nothing."""

    def __missing__(self, code: int) -> int | None:
        kind = unicodedata.category(chr(code))[0]
        self[code] = code if kind in "LMNS" else ord(" ")
        return self[code]


_PLAIN = _Plain(dict.fromkeys(map(ord, "'’ʼ")))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.translate(_PLAIN).split()) or text.strip()


def _asked(run: Run, key: int | str) -> tuple[Text, _Known]:
    return texts(run, [row_of(run, key)])[0], _known(run, run.manifest().content_version)


def _around(
    run: Run, asked: Text, known: _Known, features: Path | None
) -> tuple[Integers, Callable[[Integers], tuple[Neighbour, ...]]]:
    """Return the positions of the other rows that are near, in order, and what tells of some."""
    equal = known.keys == text_key(asked.text, asked.text_pair)
    similarity = _similarity(features, asked.row, known.rows)
    order = _nearest_first(similarity, equal, known.by_id)
    order = order[known.rows[order] != asked.row]
    return order, lambda places: tuple(_told(run, places, known, similarity, equal))


@lru_cache(maxsize=2)
def _known(run: Run, version: str) -> _Known:
    examples = read_examples(run, dataset_of(run).label_names)
    rows = examples.train_rows
    every = np.fromiter(_keys(run), np.int64, len(examples.ids))
    return _Known(rows, examples.labels[rows], every[rows], id_order(examples.ids[rows]))


def _keys(run: Run) -> Iterator[int]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(run.examples_file) as file:
        for batch in file.iter_batches(columns=["text", "text_pair"]):
            yield from map(text_key, batch["text"].to_pylist(), batch["text_pair"].to_pylist())


def _similarity(path: Path | None, row: int, rows: Integers) -> Floats:
    """Return the cosine of the features of some rows with those of one (n,), or NaN without any."""
    if path is None or not path.exists():
        return np.full(len(rows), np.nan)
    features = np.load(path, mmap_mode="r")
    asked = features[row].astype(np.float32)
    blocks = [
        _cosine(features[rows[start : start + BLOCK_ROWS]].astype(np.float32), asked)
        for start in range(0, len(rows), BLOCK_ROWS)
    ]
    return np.concatenate(blocks).astype(np.float64)


def _cosine(
    features: npt.NDArray[np.float32], asked: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    lengths = np.sqrt(np.einsum("nd,nd->n", features, features) * (asked @ asked))
    cosine: npt.NDArray[np.float32] = features @ asked / np.maximum(lengths, np.finfo("f4").tiny)
    return cosine.clip(-1.0, 1.0)


def _nearest_first(similarity: Floats, equal: npt.NDArray[np.bool_], by_id: Integers) -> Integers:
    """Return the positions of the rows that are near at all, in their order."""
    closeness = np.where(equal, _FIRST, 0.0) + np.nan_to_num(similarity)
    order = by_id[np.argsort(-closeness[by_id], kind="stable")]
    return order[equal[order] | ~np.isnan(similarity[order])]


def _told(
    run: Run,
    places: Integers,
    known: _Known,
    similarity: Floats,
    equal: npt.NDArray[np.bool_],
) -> Iterator[Neighbour]:
    for place, said in zip(places, texts(run, known.rows[places].tolist()), strict=True):
        cosine = float(similarity[place])
        yield Neighbour(
            row=said.row,
            id=said.id,
            text=said.text,
            text_pair=said.text_pair,
            label=said.label,
            similarity=None if np.isnan(cosine) else cosine,
            same_text=bool(equal[place]),
        )
