"""Importing the training dynamics that allenai/cartography writes.

A folder `training_dynamics/` holds `dynamics_epoch_0.jsonl` and so on, one object a line:
`{"guid": 17, "logits_epoch_0": [0.1, -0.3], "gold": 1}`. The logits are those of the training pass,
with dropout on, at whatever moment of the epoch the row was seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from influence_core.data.findings import Report, counted, failure, listed
from influence_core.data.json_lines import read_json_lines
from influence_core.exchange.examples import TrainRows, train_rows
from influence_core.exchange.observed import DYNAMICS_SCORES, write_observed
from influence_core.exchange.staging import ids_in, listed_rows
from influence_core.exchange.work import Brought, Percent, Work
from influence_core.training.dynamics import Observation, observe, write_snapshot

Positions = npt.NDArray[np.int64]

FOLDER = "training_dynamics"
_FILE = re.compile(r"dynamics_epoch_(\d+)\.jsonl")
_FIRST = 5
_READ = 80


def epoch_files(path: Path) -> list[tuple[int, Path]]:
    """Return the files of the epochs in their order, in the folder or in its `training_dynamics`.

    The epochs are counted from 0.
    """
    for folder in (path, path / FOLDER):
        found = ((_FILE.fullmatch(file.name), file) for file in folder.glob("*.jsonl"))
        files = sorted((int(match[1]), file) for match, file in found if match)
        if files:
            return files
    return []


def import_dynamics(work: Work) -> Brought:
    """Write `dynamics/`, one snapshot an epoch, and the scores that follow from it.

    Memory holds one epoch's observations and ids at a time.

    Raises:
        DataError: the dynamics do not fit the data; all problems are told at once.
    """
    files = epoch_files(Path(work.imported.path))
    if not files:
        raise failure(
            "source",
            f"{work.imported.path!r} holds no file such as 'dynamics_epoch_0.jsonl'.",
        )
    done = Percent(work.progress)
    train = train_rows(work.run, work.dataset)
    target = work.folder / "dynamics"
    _check_epochs([epoch for epoch, _ in files], work.report)
    incomplete = np.zeros(len(train.rows), dtype=bool)
    for number, (epoch, path) in enumerate(files, start=1):
        seen = _read(path)
        columns, absent = _placed(seen, epoch, train, work)
        work.report.raise_errors()
        write_snapshot(target, number, float(number), columns)
        incomplete |= absent
        done.at(_READ * number / len(files))
    _check_complete(incomplete, train, work)
    work.report.raise_errors()
    work.report.info(
        "dynamics",
        f"{counted(len(files), 'epoch')} of training dynamics: the logits are taken as they are; "
        "cartography writes those of the training pass, with dropout on.",
    )
    target.replace(work.run.dynamics_folder)
    keys = write_observed(work, train, work.run, DYNAMICS_SCORES, incomplete)
    done.end()
    return Brought(scores=keys)


@dataclass(frozen=True)
class _Epoch:
    """One file: ids, gold labels, what the logits say, and the numbers of the lines (rows,)."""

    ids: pa.ChunkedArray
    gold: Positions
    observed: Observation
    lines: Positions


def _read(path: Path) -> _Epoch:
    ids: list[pa.Array] = []
    gold, lines, observed = [], [], []
    for batch in read_json_lines(path):
        if batch.rejected:
            raise failure("dynamics", f"{path.name!r}: {batch.rejected[0].reason}.")
        if batch.table.num_rows:
            rows = np.asarray(batch.rows, dtype=np.int64)
            labels = _gold(batch.table, path, rows)
            ids += ids_in(batch.table, "guid").chunks
            gold.append(labels)
            lines.append(rows)
            observed.append(_observed(_logits(batch.table, path, rows), labels, path, rows))
    if not gold:
        raise failure("dynamics", f"{path.name!r} has no rows.")
    return _Epoch(
        pa.chunked_array(ids, pa.string()),
        np.concatenate(gold),
        {name: np.concatenate([part[name] for part in observed]) for name in observed[0]},
        np.concatenate(lines),
    )


def _gold(table: pa.Table, path: Path, rows: Positions) -> Positions:
    """Return the class indices.

    Raises:
        DataError: a field is missing, or a label is no index.
    """
    for name in ("guid", "gold"):
        if name not in table.column_names or table[name].null_count:
            raise failure("dynamics", f"{path.name!r} has lines without {name!r}.")
    if not pa.types.is_integer(table["gold"].type):
        raise failure(
            "dynamics",
            f"'gold' in {path.name!r} must be the index of the label among the logits; got "
            f"{table['gold'][0].as_py()!r} in line {rows[0]}.",
        )
    gold: Positions = table["gold"].to_numpy().astype(np.int64)
    return gold


def _logits(table: pa.Table, path: Path, rows: Positions) -> npt.NDArray[np.float64]:
    """Return the logits (rows, classes).

    Raises:
        DataError: there are none, or they differ in number, or are not finite.
    """
    names = [name for name in table.column_names if name.startswith("logits")]
    if len(names) != 1:
        raise failure(
            "dynamics", f"{path.name!r} must have one field of logits; it has {listed(names)}."
        )
    try:
        column = table[names[0]].combine_chunks().cast(pa.list_(pa.float64()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise failure(
            "dynamics", f"{names[0]!r} in {path.name!r} must hold lists of numbers."
        ) from None
    sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    odd = np.flatnonzero((sizes != sizes[0]) | (sizes < 2))
    if len(odd):
        raise failure(
            "dynamics",
            f"Line {rows[odd[0]]} of {path.name!r} has {sizes[odd[0]]} logits; every line needs "
            "as many as there are classes, two at least.",
        )
    flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    logits: npt.NDArray[np.float64] = flat.reshape(len(sizes), sizes[0])
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise failure(
            "dynamics",
            f"{counted(len(broken), 'line')} of {path.name!r} with logits that are not finite "
            f"(first: {listed_rows(rows[broken[:_FIRST]].tolist())}).",
        )
    return logits


def _observed(
    logits: npt.NDArray[np.float64], gold: Positions, path: Path, rows: Positions
) -> Observation:
    import torch

    outside = np.flatnonzero((gold < 0) | (gold >= logits.shape[1]))
    if len(outside):
        raise failure(
            "dynamics",
            f"'gold' in line {rows[outside[0]]} of {path.name!r} is {gold[outside[0]]}; there are "
            f"{logits.shape[1]} logits.",
        )
    found = observe(torch.from_numpy(logits), torch.from_numpy(gold))
    return {name: part.numpy() for name, part in found.items()}


def _placed(
    epoch: _Epoch, number: int, train: TrainRows, work: Work
) -> tuple[Observation, npt.NDArray[np.bool_]]:
    """Bring an epoch into the order of the training rows; return it and which rows it lacks."""
    places = _places(epoch.ids, train, work)
    _check_ids(epoch, number, places, train, work)
    first = np.full(len(train.rows), -1, dtype=np.int64)
    known = np.flatnonzero(places >= 0)
    first[places[known[::-1]]] = known[::-1]
    absent = first < 0
    _check_gold(epoch, number, first, train, work.report)
    columns = {}
    for name, values in epoch.observed.items():
        column = values[first]
        column[absent] = False if column.dtype == bool else np.nan
        columns[name] = column
    return columns, absent


def _places(ids: pa.ChunkedArray, train: TrainRows, work: Work) -> Positions:
    """Return the place of each line among the training rows, −1 for none.

    Where no id is known and all are whole numbers, they count the rows of the data from 0.
    """
    found = pc.index_in(ids, value_set=train.ids)
    places: Positions = pc.fill_null(found, -1).to_numpy().astype(np.int64)
    if (places >= 0).any() or not pc.all(pc.match_substring_regex(ids, r"^\d{1,12}$")).as_py():
        return places
    rows = pc.cast(ids, pa.int64()).to_numpy()
    by_row = np.full(max(work.dataset.rows, int(rows.max()) + 1), -1, dtype=np.int64)
    by_row[train.rows] = np.arange(len(train.rows))
    message = "No guid is an id of the data: guids are taken for row numbers, counted from 0."
    if message not in {finding.message for finding in work.report.findings}:
        work.report.info("row_order", message)
    found_by_row: Positions = by_row[rows]
    return found_by_row


def _check_ids(epoch: _Epoch, number: int, places: Positions, train: TrainRows, work: Work) -> None:
    """Report lines of other rows, and rows that come again: the first line counts."""
    unknown = np.flatnonzero(places < 0)
    other = unknown if work.dataset.splits["train"] == work.dataset.rows else unknown[:0]
    tell = work.report.warning if work.imported.partial else work.report.error
    if len(unknown) == len(places) or len(other):
        shown = epoch.ids.take(pa.array(unknown[:_FIRST])).to_pylist()
        tell(
            "unknown_id",
            f"{counted(len(unknown), 'line')} of epoch {number} with a guid that is not in the "
            f"data (first: {listed_rows(epoch.lines[unknown[:_FIRST]].tolist())}, "
            f"ids {listed(shown)}). Name the id column of the data as --id.",
            count=len(unknown),
            rows=epoch.lines[unknown].tolist(),
        )
    known = places[places >= 0]
    again = len(known) - len(np.unique(known))
    if again:
        work.report.warning(
            "duplicate_id",
            f"{counted(again, 'line')} of epoch {number} with a guid that an earlier line has: the "
            "first line counts.",
            count=again,
        )


def _check_gold(
    epoch: _Epoch, number: int, first: Positions, train: TrainRows, report: Report
) -> None:
    """Report gold labels that are no other name of the data's labels."""
    present = np.flatnonzero(first >= 0)
    gold, labels = epoch.gold[first[present]], train.labels[present]
    pairs, counts = np.unique(np.stack([gold, labels]), axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    of_gold: dict[int, int] = {}
    of_label: dict[int, int] = {}
    for one, other in pairs[:, order].T.tolist():
        if one not in of_gold and other not in of_label:
            of_gold[one], of_label[other] = other, one
    wanted = np.array([of_gold.get(one, -1) for one in gold.tolist()])
    wrong = present[wanted != labels]
    if len(wrong):
        report.error(
            "labels",
            f"{counted(len(wrong), 'training row')} with another label in epoch {number} than in "
            f"the data (first: {listed_rows((train.rows[wrong[:_FIRST]] + 1).tolist())}). Import "
            "with the data that the dynamics were recorded on.",
            count=len(wrong),
            rows=(train.rows[wrong] + 1).tolist(),
        )


def _check_complete(incomplete: npt.NDArray[np.bool_], train: TrainRows, work: Work) -> None:
    missing = np.flatnonzero(incomplete)
    if not len(missing):
        return
    tell = work.report.warning if work.imported.partial else work.report.error
    advice = (
        "They stay without scores."
        if work.imported.partial
        else "Take the incomplete epoch away, or leave these rows without scores with --partial."
    )
    tell(
        "unscored",
        f"{counted(len(missing), 'training row')} missing from an epoch or more (first: "
        f"{listed_rows((train.rows[missing[:_FIRST]] + 1).tolist())}, ids "
        f"{listed(train.ids.take(pa.array(missing[:_FIRST])).to_pylist())}). {advice}",
        count=len(missing),
        rows=(train.rows[missing] + 1).tolist(),
    )


def _check_epochs(epochs: Sequence[int], report: Report) -> None:
    gaps = sorted(set(range(max(epochs) + 1)) - set(epochs))
    if gaps:
        report.warning(
            "epochs",
            f"There is no file of epoch {listed(gaps)}; the others are taken as they come.",
        )
