"""The data stage: read, check, split, write; every problem told at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from influence_core.config import DataSettings
from influence_core.data import labels as label_names
from influence_core.data import validation
from influence_core.data.checks import Checks, opened
from influence_core.data.findings import Report
from influence_core.data.sources import parts_of
from influence_core.data.splits import SPLITS, assign
from influence_core.data.staging import Staged, stage
from influence_core.data.writing import (
    Codes,
    Written,
    group_column,
    write_examples,
    write_rejected,
)
from influence_core.progress import Progress
from influence_core.store.files import discard, scratch
from influence_core.store.run import DatasetSummary, Run

_READ, _CHECKED, _ALL = 55, 70, 100
"""Percent of the stage that is done when everything is read, checked, written."""


def load(settings: DataSettings, run: Run, progress: Progress) -> DatasetSummary:
    """Stream the source into `examples.parquet` and `rejected.jsonl` of a run.

    Memory depends on batches, not on the source, but for some 20 bytes a row. Every problem is a
    finding of the summary: rows left out and doubts are warnings, decisions are remarks.

    Raises:
        DataError: the data cannot be used; its `findings` hold all problems, and there is no
            `examples.parquet`.
    """
    steps = _Steps(progress)
    report = Report()
    discard(run.examples_file)
    with scratch(run.private_folder / "data") as folder:
        parts = parts_of(settings)
        staged = stage(parts, settings, folder, report, lambda share: steps.at(_READ * share))
        validation.unreadable_rows(staged, report)
        if not staged.rows:
            validation.no_rows(staged, report)
            write_rejected(staged, np.empty(0, np.int64), run.rejected_file)
            report.raise_errors()
        with opened(staged.core_file) as checks:
            names, codes, rejected = _settle(settings, staged, checks, report, run)
        steps.at(_CHECKED)
        written = write_examples(
            staged,
            codes,
            names,
            run.examples_file,
            lambda share: steps.at(_CHECKED + (_ALL - _CHECKED) * share),
        )
    steps.end()
    return _summary(settings, staged, codes, names, written, rejected, report)


def _settle(
    settings: DataSettings, staged: Staged, checks: Checks, report: Report, run: Run
) -> tuple[list[str], Codes, int]:
    """Decide which rows stay, their labels and splits; write the others; raise all errors."""
    duplicates = checks.later_ids()
    rejected = write_rejected(staged, duplicates, run.rejected_file)
    validation.left_out(staged, checks, duplicates, rejected, report)
    by_label = label_names.names_of(checks.labels(), staged.float_labels, report)
    names = label_names.ordered([*by_label.values()])
    validation.classes(names, report)
    given = validation.given_splits(staged, checks, report)
    place = {name: code for code, name in enumerate(names)}
    checks.keep(duplicates, {raw: place[name] for raw, name in by_label.items()}, given)
    position, label, split, unit = checks.kept(grouped=bool(settings.group))
    if not given:
        split = _made(settings, label, unit, names, report)
        checks.settle_splits(position, split.astype(np.int8))
    validation.divided(settings, staged, checks, report)
    validation.split_sizes(settings, split, label, names, report)
    report.raise_errors()
    return names, _by_position(staged.rows, position, label, split), rejected


def _made(
    settings: DataSettings,
    label: npt.NDArray[np.int64],
    unit: npt.NDArray[np.int64],
    names: Sequence[str],
    report: Report,
) -> npt.NDArray[np.int64]:
    codes = assign(
        label,
        unit,
        validation_fraction=settings.validation_fraction,
        test_fraction=settings.test_fraction,
        generator=np.random.default_rng(settings.seed),
    )
    validation.made_splits(settings, codes, label, names, report)
    return codes.astype(np.int64)


def _by_position(
    rows: int,
    position: npt.NDArray[np.int64],
    label: npt.NDArray[np.int64],
    split: npt.NDArray[np.int64],
) -> Codes:
    labels = np.full(rows, -1, dtype=np.int32)
    splits = np.zeros(rows, dtype=np.int8)
    labels[position] = label
    splits[position] = split
    return Codes(labels, splits)


def _summary(
    settings: DataSettings,
    staged: Staged,
    codes: Codes,
    names: Sequence[str],
    written: Written,
    rejected: int,
    report: Report,
) -> DatasetSummary:
    kept = codes.labels >= 0
    sizes = np.bincount(codes.splits[kept], minlength=len(SPLITS))
    classes = np.bincount(codes.labels[kept & (codes.splits == 0)], minlength=len(names))
    return DatasetSummary(
        fingerprint=written.fingerprint,
        source=settings.source,
        rows=int(kept.sum()),
        rejected=rejected,
        splits={name: int(size) for name, size in zip(SPLITS, sizes, strict=True)},
        label_names=tuple(names),
        class_counts={name: int(count) for name, count in zip(names, classes, strict=True)},
        columns=written.columns,
        pairs=bool(staged.mapping and staged.mapping.text_pair),
        group=group_column(staged),
        findings=report.findings,
    )


class _Steps:
    """Percent of the stage that is done, told to a progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._done = 0
        progress.begin("data", _ALL, unit="%")

    def at(self, percent: float) -> None:
        """Move to `percent`."""
        self._progress.advance(int(percent) - self._done)
        self._done = int(percent)

    def end(self) -> None:
        """Close the stage."""
        self.at(_ALL)
        self._progress.end()
