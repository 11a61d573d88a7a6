"""Importing probabilities: one vector a row, said by a model that was not trained on the row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.data.findings import counted, failure, listed
from influence_core.exchange.examples import train_rows
from influence_core.exchange.joining import join
from influence_core.exchange.numbers import numeric
from influence_core.exchange.observed import write_observed
from influence_core.exchange.staging import Layout, Staged, head_of, listed_rows, stage
from influence_core.exchange.table import id_column_of
from influence_core.exchange.work import Brought, Percent, Work
from influence_core.store.files import new_array
from influence_core.store.run import Run
from influence_core.training.dynamics import collect, write_snapshot
from influence_core.training.outlook import read_examples, write_predictions

if TYPE_CHECKING:
    import torch

Positions = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.floating]

PROBABILITY_SCORES = ("el2n", "pvi", "loss", "margin", "entropy")
"""Scores that one probability vector gives, beside label quality, which is p(y | text) itself."""

SMALLEST = 1e-12
"""What a probability of 0 counts as, so that losses stay finite: at most 27.6 nats."""

_SLACK = 0.01
"""How far from 1 the probabilities of a row may sum up: half precision costs as much."""

_BLOCK = 16_384
_FIRST = 5
_READ = 60


def named_by_labels(columns: Sequence[str], label_names: Sequence[str]) -> bool:
    """Say whether a table has a column for every class."""
    return set(label_names) <= set(columns)


def import_probabilities(work: Work) -> Brought:
    """Write `predictions.parquet` and the scores that one probability vector gives.

    Classes are in the order of the sorted label names, or named by the header. A probability of 0
    counts as 1e-12, and the rows are scaled to sum up to 1.

    Raises:
        DataError: the probabilities do not fit the data; all problems are told at once.
    """
    done = Percent(work.progress)
    matrix, staged = _open(work, done)
    places = join(staged, work.run, work.dataset, work.imported.partial, work.report)
    train = train_rows(work.run, work.dataset)
    unscored = places[train.rows] < 0
    _check(matrix, places, staged, work)
    work.report.raise_errors()
    given = np.flatnonzero(places >= 0)
    examples = read_examples(work.run, work.dataset.label_names)
    scored = train.rows[~unscored]
    observed = collect(_batches(matrix, places, scored), scored, examples.labels)
    source = Run(work.folder)
    columns = {}
    for name, values in observed.items():
        columns[name] = np.zeros(len(train.rows), values.dtype)
        columns[name][~unscored] = values
    write_snapshot(source.dynamics_folder, 1, 1.0, columns)
    quality = {"label_quality": columns["p_true"].astype(np.float64)}
    keys = write_observed(work, train, source, PROBABILITY_SCORES, unscored, quality)
    batches = _batches(matrix, places, given)
    metrics = write_predictions(work.run, examples, work.dataset.label_names, batches, given)
    done.end()
    return Brought(scores=keys, metrics=metrics)


def _open(work: Work, done: Percent) -> tuple[Matrix, Staged]:
    """Return the probabilities (rows, classes), in the order of the label names, and their ids."""
    path = Path(work.imported.path)
    if path.suffix.lower() == ".npy":
        matrix = _array(path)
        _check_classes(matrix.shape[1], work)
        return matrix, Staged(path, Layout(None, ()), len(matrix))
    layout = _layout(work)
    work.report.raise_errors()
    target = work.folder / "staged.parquet"
    staged = stage(str(path), layout, target, work.report, lambda s: done.at(_READ * s))
    work.report.raise_errors()
    return _matrix(staged, work.folder / "probabilities.npy"), staged


def _array(path: Path) -> Matrix:
    """Map an array into memory.

    Raises:
        DataError: it is no plain matrix of numbers.
    """
    try:
        matrix: Matrix = np.load(path, mmap_mode="r")
    except (ValueError, EOFError, OSError) as error:
        raise failure(
            "unreadable",
            f"{path.name!r} cannot be read as a NumPy array of numbers: {str(error).rstrip('.')}.",
        ) from None
    if matrix.ndim != 2 or not np.issubdtype(matrix.dtype, np.floating):
        raise failure(
            "shape",
            f"{path.name!r} must be rows × classes of floating-point numbers; it has shape "
            f"{matrix.shape} of {matrix.dtype}.",
        )
    return matrix


def _layout(work: Work) -> Layout:
    """Tell ids and classes by the header."""
    head = head_of(work.imported.path)
    names, labels = head.column_names, work.dataset.label_names
    id_column = id_column_of(names, work)
    if work.imported.scores:
        columns = work.imported.scores
    elif named_by_labels(names, labels):
        columns = labels
    else:
        columns = tuple(n for n in names if n not in (id_column, "row") and numeric(head[n]))
        _check_classes(len(columns), work)
        work.report.info(
            "classes",
            f"The columns {listed(columns)} are not called as the labels: they are taken for the "
            f"labels in sorted order, {listed(labels)}.",
        )
    missing = [name for name in columns if name not in names]
    if missing:
        work.report.error("columns", f"The imported table has no column {listed(missing)}.")
    _check_classes(len(columns), work)
    return Layout(id_column, tuple(columns))


def _check_classes(found: int, work: Work) -> None:
    """Refuse another number of columns than there are classes.

    Raises:
        DataError: they differ.
    """
    labels = work.dataset.label_names
    if found != len(labels):
        raise failure(
            "classes",
            f"There are {counted(found, 'column')} of probabilities and "
            f"{counted(len(labels), 'class')} in the data ({listed(labels)}): every class needs "
            "its column.",
        )


def _matrix(staged: Staged, path: Path) -> Matrix:
    """Bring the staged columns into one matrix on disk."""
    classes = len(staged.layout.columns)
    matrix = new_array(path, np.float32, (staged.rows, classes))
    for number in range(classes):
        matrix[:, number] = staged.column(number)
    return matrix


@dataclass
class _Wrong:
    """Positions of rows that break a rule, in blocks."""

    check: str
    what: str
    found: list[Positions]


def _check(matrix: Matrix, places: Positions, staged: Staged, work: Work) -> None:
    """Report rows that hold no probabilities."""
    problems = (
        _Wrong("missing", "a missing or infinite value", []),
        _Wrong("range", "a value outside 0 to 1: these may be logits", []),
        _Wrong("sum", "values that do not sum up to 1", []),
    )
    used = np.sort(places[places >= 0])
    for start in range(0, len(used), _BLOCK):
        rows = used[start : start + _BLOCK]
        block = np.asarray(matrix[rows], dtype=np.float64)
        finite = np.isfinite(block).all(axis=1)
        inside = ((block >= 0) & (block <= 1 + _SLACK)).all(axis=1)
        whole = np.abs(block.sum(axis=1) - 1) <= _SLACK
        wrong = (~finite, finite & ~inside, finite & inside & ~whole)
        for problem, mask in zip(problems, wrong, strict=True):
            problem.found.append(rows[mask])
    for problem in problems:
        found = np.concatenate(problem.found) if problem.found else used[:0]
        if len(found):
            numbers = _numbers(staged, found[:_FIRST])
            work.report.error(
                problem.check,
                f"{counted(len(found))} of the probabilities with {problem.what} "
                f"(first: {listed_rows(numbers)}).",
                count=len(found),
                rows=numbers,
            )


def _numbers(staged: Staged, positions: Positions) -> list[int]:
    """Return the row numbers at positions; those of an array are counted from 1."""
    if staged.path.suffix == ".npy":
        return [int(position) + 1 for position in positions]
    return staged.numbers_of(positions)


def _batches(
    matrix: Matrix, places: Positions, rows: Positions
) -> Iterator[tuple[Positions, torch.Tensor]]:
    """Yield blocks of rows with the logarithms of their probabilities (B, classes)."""
    import torch

    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        probabilities = np.asarray(matrix[places[block]], dtype=np.float64)
        yield block, torch.from_numpy(np.log(np.maximum(probabilities, SMALLEST))).log_softmax(1)
