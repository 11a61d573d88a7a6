"""The wording of the validation report: column, rows, remedy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from influence_core.config import DataSettings
from influence_core.data.checks import Checks
from influence_core.data.findings import ROWS_SHOWN, Report, counted, listed
from influence_core.data.splits import MIN_UNITS, SPLITS, SYNONYMS, split_code
from influence_core.data.staging import REASONS, Staged

_UNREADABLE = {
    "ragged": (
        "more or fewer fields than the header",
        "Quote fields that hold the delimiter",
    ),
    "broken_csv": ("unreadable as CSV", "Close the quotes, and double those within a field"),
    "broken_json": ("no JSON object", "Mend or remove what is on the line"),
    "broken_tags": (
        "unreadable as tokens with tags",
        "Write a token and its tag a line, and a blank line below each utterance",
    ),
    "broken_example": ("no example of Rasa NLU", "Mend what the reasons say, or remove it"),
}
"""What is wrong with a row that is no row, and the remedy."""

_LEFT_OUT = {
    "missing_text": ("text", "no text in column"),
    "empty_text": ("text", "an empty text, or only white space, in column"),
    "missing_pair": ("text_pair", "no second text in column"),
    "missing_label": ("label", "no label in column"),
}

_MOSTLY = 0.5
"""Share of rows left out above which the source is taken for misread."""


def unreadable_rows(staged: Staged, report: Report) -> None:
    """Report rows that are no rows."""
    for check, found in staged.unreadable.kinds.items():
        what, remedy = _UNREADABLE[check]
        where = _where(staged, found.parts, found.rows)
        message = f"{counted(found.count)} left out: {what}{where}. {remedy}."
        report.warning(check, message, count=found.count, rows=found.rows)


def no_rows(staged: Staged, report: Report) -> None:
    """Report that there is nothing to work on, unless errors say why already."""
    if report.failed:
        return
    if staged.unreadable:
        report.error("rejected", "Not one row could be read; see the warnings for the reasons.")
    else:
        report.error("no_rows", "The source has no rows below its header; add labelled texts.")


def left_out(
    staged: Staged,
    checks: Checks,
    duplicates: npt.NDArray[np.int64],
    rejected: int,
    report: Report,
) -> None:
    """Report rows left out for their values, and whether that is too many."""
    for code, (count, parts, rows) in checks.reasons().items():
        role, what = _LEFT_OUT[REASONS[code]]
        column = getattr(staged.mapping, role)
        where = _where(staged, _names(staged, parts), rows)
        message = f"{counted(count)} left out: {what} {column!r}{where}. Fill in what is missing."
        report.warning(REASONS[code], message, count=count, rows=rows)
    if len(duplicates):
        count, parts, rows = checks.places(duplicates)
        message = (
            f"{counted(count)} left out: an id of column "
            f"{staged.mapping and staged.mapping.id!r} that an earlier row has"
            f"{_where(staged, _names(staged, parts), rows)}. Make ids unique, or name another "
            "column as 'id' (an empty name numbers the rows)."
        )
        report.warning("duplicate_id", message, count=count, rows=rows)
    total = staged.rows + len(staged.unreadable)
    if rejected > _MOSTLY * total:
        report.error(
            "rejected",
            f"{rejected} of {total} rows would be left out, more than half; check that the right "
            "columns are named, and 'rejected.jsonl' for the reasons.",
            count=rejected,
        )


def classes(names: Sequence[str], report: Report) -> None:
    """Report what is no classification."""
    if len(names) == 1:
        report.error(
            "one_class",
            f"All rows have the label {names[0]!r}; classification needs two classes or more. "
            "Check that the right column is named as 'label'.",
        )


def given_splits(staged: Staged, checks: Checks, report: Report) -> dict[str | None, int]:
    """Return the split codes of the values that came; none where splits are to be made here."""
    values = checks.split_values()
    column = staged.mapping.split if staged.mapping else None
    source = f"Column {column!r}" if column else "The source"
    codes = {value: split_code(value) for value in values if value is not None}
    for value, (count, parts, rows) in values.items():
        if codes and (value is None or codes[value] is None):
            where = _where(staged, _names(staged, parts), rows)
            report.error(
                "split_values",
                f"{source} gives {counted(count)} the split {value!r}{where}; "
                f"a split must be one of {listed(sorted(SYNONYMS), 20)}.",
                count=count,
                rows=rows,
            )
    known: dict[str | None, int] = {
        value: code for value, code in codes.items() if code is not None
    }
    if set(known.values()) == {0}:
        report.info("splits", f"{source} knows training rows only; the other splits are made here.")
        return {}
    if known and 0 not in known.values():
        report.error("splits", f"{source} gives no row the split 'train'; there is none to learn.")
    return known


def made_splits(
    settings: DataSettings,
    codes: npt.NDArray[np.int8],
    label: npt.NDArray[np.int64],
    names: Sequence[str],
    report: Report,
) -> None:
    """Tell how rows were divided, and which classes are too small for it."""
    sizes = np.bincount(codes, minlength=len(SPLITS))
    counts = ", ".join(f"{size:,} {name}" for name, size in zip(SPLITS, sizes, strict=True))
    keeping = f"rows of one {settings.group!r}" if settings.group else "equal texts"
    report.info(
        "splits",
        f"Rows were divided here by label with seed {settings.seed}, {keeping} kept together: "
        f"{counts}.",
    )
    held_out = np.bincount(label[codes > 0], minlength=len(names))
    small = [name for name, count in zip(names, held_out, strict=True) if not count]
    if small and (settings.test_fraction or settings.validation_fraction):
        report.info(
            "small_classes",
            f"{counted(len(small), 'class')} with too few rows to be held out (below {MIN_UNITS}, "
            f"or less than one row's share), kept in train: {listed(small)}.",
            count=len(small),
        )


def divided(settings: DataSettings, staged: Staged, checks: Checks, report: Report) -> None:
    """Report equal texts, their labels and splits, and groups across splits."""
    column = repr(staged.mapping.text) if staged.mapping else "text"
    findings = [
        (
            "duplicate_text",
            "min(label) = max(label) AND min(split) = max(split)",
            f"repeating an earlier text of column {column} with the same label: counted twice "
            "in training; remove copies that are not real traffic",
        ),
        (
            "conflicting_labels",
            "min(label) <> max(label)",
            f"repeating an earlier text of column {column} under another label, or adding to such "
            "texts: one of the labels is probably wrong; look at them first",
        ),
        (
            "split_leak",
            "min(split) <> max(split)",
            f"repeating an earlier text of column {column} that lies in another split: the test "
            "then rewards memory; remove the copies from one of the splits",
        ),
    ]
    for check, condition, what in findings:
        _warn(staged, check, what, checks.twins(condition), report)
    if settings.group:
        what = f"of a {settings.group!r} that lies in several splits: divide by group"
        _warn(staged, "divided_group", what, checks.divided_groups(), report)


def split_sizes(
    settings: DataSettings,
    split: npt.NDArray[np.int64],
    label: npt.NDArray[np.int64],
    names: Sequence[str],
    report: Report,
) -> None:
    """Report classes with few or no training rows, and held-out splits without rows."""
    counts = np.bincount(label[split == 0], minlength=len(names))
    small = [
        name for name, count in zip(names, counts, strict=True) if count < settings.min_class_size
    ]
    if small:
        sizes = [
            f"{name} ({count})" for name, count in zip(names, counts, strict=True) if name in small
        ]
        report.warning(
            "small_class",
            f"{counted(len(small), 'class')} with fewer than {settings.min_class_size} training "
            f"rows: {listed(sizes)}. Add rows, merge or remove these classes.",
            count=len(small),
        )
    for code, name in ((1, "validation"), (2, "test")):
        if not (split == code).any():
            report.info("splits", f"There are no {name} rows, so no {name} figures.")


def _warn(
    staged: Staged,
    check: str,
    what: str,
    found: tuple[int, list[int], list[int]],
    report: Report,
) -> None:
    count, parts, rows = found
    if count:
        where = _where(staged, _names(staged, parts), rows)
        report.warning(check, f"{counted(count)} {what}{where}.", count=count, rows=rows)


def _names(staged: Staged, parts: Sequence[int]) -> list[str]:
    return [staged.parts[part].name for part in parts]


def _where(staged: Staged, names: Sequence[str], rows: Sequence[int]) -> str:
    """Word the first rows; with the file where there are several."""
    places = [
        f"{name} row {row}" if len(staged.parts) > 1 else str(row)
        for name, row in zip(names[:ROWS_SHOWN], rows[:ROWS_SHOWN], strict=True)
    ]
    return f" (first: {', '.join(places)})" if places else ""
