"""Error rates of a voice assistant's stack: domains, intents, slots, and whole interpretations.

Every rate is a ratio of sums over rows, so that rows can be drawn again: `row_counts` counts what
is wrong of each, `rates` turns sums of these into rates. A paired bootstrap is

    pruned, whole = rates(resampled(np.stack([of_pruned, of_whole]), generator))["irer"]
    low, high = np.quantile(pruned - whole, [0.025, 0.975])

How rates change with pruning, and σ, are told by `influence_core.nlu.figures`.

Source: Anand, Tan, Minakova: Influence Scores at Scale for Efficient Language Data Sampling. EMNLP
2023 (arXiv 2311.16298).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.errors import DataError, rule
from influence_core.nlu.alignment import slot_errors
from influence_core.nlu.slots import Interpretation
from influence_core.pruning.evidence import DRAWS

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

COUNTS = (
    "rows",
    "domain_errors",
    "intent_errors",
    "insertions",
    "deletions",
    "substitutions",
    "wrong_rows",
    "true_slots",
    "predicted_slots",
    "right_slots",
)
"""What is counted of each row, in the order of the columns of `row_counts`."""

TITLES = {
    "dcer": "DCER",
    "icer": "ICER",
    "semer": "SEMER",
    "f_semer": "F-SEMER",
    "irer": "IRER",
    "slot_precision": "slot precision",
    "slot_recall": "slot recall",
    "slot_f1": "slot F1",
}
"""What each of the rates is called."""

RATES = tuple(TITLES)
"""What `rates` tells; the first five are errors, of the last three more is better."""

ERRORS = RATES[:5]
"""Rates of errors, whose change is told."""


def row_counts(truth: Sequence[Interpretation], predicted: Sequence[Interpretation]) -> Integers:
    """Count what is wrong of each row.

    Args:
        truth: what is meant, row by row.
        predicted: what a model understood of the same texts.

    Returns:
        Counts (rows, `COUNTS`): 1 for the row; whether its domain and its intent are wrong; errors
        in its slots by kind, as `alignment.slot_errors` counts them; whether anything of it is
        wrong; slots in truth and in the prediction; and slots of which characters and name agree.
        Intents are compared by name alone: of a wrong domain the same intent is right.

    Raises:
        DataError: the two differ in their number or in a text.
    """
    if len(truth) != len(predicted):
        raise DataError(rule("predicted", f"have {len(truth)} rows, as the truth", len(predicted)))
    counts = [_counted(row, *pair) for row, pair in enumerate(zip(truth, predicted, strict=True))]
    return np.array(counts, dtype=np.int64).reshape(-1, len(COUNTS))


def rates(sums: npt.ArrayLike) -> dict[str, Floats]:
    """Return the rates of sums of counts.

    - DCER = domain errors / rows: one less the recall of domains, each row counting once; within
      the rows of a domain it is one less that domain's recall.
    - ICER = intent errors / rows, likewise.
    - SEMER = (intent errors + slot errors) / (rows + true slots). Insertions can take it above 1.
    - F-SEMER: the harmonic mean of SEMER against the truth and SEMER against the prediction. With
      the roles swapped the errors are as many, so that it is 2 · errors / (rows + true slots + rows
      + predicted slots). It is 0 where there are no errors, the limit of that mean, and below 2.
    - IRER = rows with any error in domain, intent or slots / rows.
    - Precision, recall and F1 of slots: right slots over predicted ones, over true ones, and twice
      over both, a slot being right if characters and name agree.

    Where data have no slots, SEMER and F-SEMER are ICER. What would be divided by nothing is NaN:
    all rates of no rows, recall without a true slot, precision without a predicted one, F1 without
    either.

    Args:
        sums: sums of `row_counts` over rows (…, `COUNTS`), as those of many resamples at once.

    Returns:
        Each of `RATES` (…).
    """
    columns = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    of = dict(zip(COUNTS, columns, strict=True))
    errors = of["intent_errors"] + of["insertions"] + of["deletions"] + of["substitutions"]
    to_truth = of["rows"] + of["true_slots"]
    to_prediction = of["rows"] + of["predicted_slots"]
    return {
        "dcer": _ratio(of["domain_errors"], of["rows"]),
        "icer": _ratio(of["intent_errors"], of["rows"]),
        "semer": _ratio(errors, to_truth),
        "f_semer": _ratio(2 * errors, to_truth + to_prediction),
        "irer": _ratio(of["wrong_rows"], of["rows"]),
        "slot_precision": _ratio(of["right_slots"], of["predicted_slots"]),
        "slot_recall": _ratio(of["right_slots"], of["true_slots"]),
        "slot_f1": _ratio(2 * of["right_slots"], of["true_slots"] + of["predicted_slots"]),
    }


def resampled(counts: Integers, generator: np.random.Generator, draws: int = DRAWS) -> Integers:
    """Return sums over rows drawn with replacement, the same rows for every model.

    Rows that are alike in all models are drawn together, which is exact and costs little: rows of
    few kinds are all there are.

    Args:
        counts: what is wrong of each row by model (models, rows, `COUNTS`).
        generator: draws the rows.
        draws: how many samples, each of as many rows as there are.

    Returns:
        Sums (models, draws, `COUNTS`).

    Raises:
        DataError: there are no rows to draw from.
    """
    models, rows, width = counts.shape
    if not rows:
        raise DataError(rule("counts", "hold at least one row", rows))
    kinds, times = np.unique(
        counts.transpose(1, 0, 2).reshape(rows, models * width), axis=0, return_counts=True
    )
    drawn = generator.multinomial(rows, times / rows, size=draws)
    return (drawn @ kinds).reshape(draws, models, width).transpose(1, 0, 2)


def by_group(counts: Integers, groups: Sequence[str], name: str = "domain") -> pd.DataFrame:
    """Return counts and rates of all rows, then of each group, the largest first.

    Args:
        counts: those of each row (rows, `COUNTS`).
        groups: group of each row (rows,), as its true domain.
        name: what the column of the groups is called.

    Returns:
        Columns `name` (missing on the first line, that of all rows), `COUNTS` and `RATES`.
    """
    import pandas as pd

    codes, names = pd.factorize(np.asarray(groups, dtype=object), sort=True)
    sums = np.zeros((len(names), len(COUNTS)), dtype=np.int64)
    np.add.at(sums, codes, counts)
    order = np.argsort(-sums[:, 0], kind="stable")
    lines = np.vstack([counts.sum(axis=0), sums[order]])
    table = pd.DataFrame(lines, columns=list(COUNTS)).assign(**rates(lines))
    table.insert(0, name, np.array([None, *names[order]], dtype=object))
    return table


def _counted(row: int, true: Interpretation, told: Interpretation) -> tuple[int, ...]:
    if true.text != told.text:
        raise DataError(
            rule("predicted", f"have the text of the truth in row {row + 1}", told.text)
        )
    domain, intent = true.domain != told.domain, true.intent != told.intent
    expected, found = len(true.slots), len(told.slots)
    if true.slots == told.slots:
        return (1, domain, intent, 0, 0, 0, domain or intent, expected, found, expected)
    errors = slot_errors(true.slots, told.slots)
    right = len(set(true.slots).intersection(told.slots))
    return (1, domain, intent, *errors, True, expected, found, right)


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide, NaN where there is nothing to divide by."""
    ratio = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio
