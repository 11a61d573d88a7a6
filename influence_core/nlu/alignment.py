"""Errors in the slots of a text: what was put in, left out, or taken for something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from influence_core.nlu.slots import Slot

Pair = tuple[Slot | None, Slot | None]
"""A slot of the reference and the predicted one that stands for it; None where there is none."""


class SlotErrors(NamedTuple):
    """How many slots were predicted that are not there, missed, and predicted wrongly."""

    insertions: int
    deletions: int
    substitutions: int

    @property
    def total(self) -> int:
        """All errors."""
        return sum(self)


def slot_errors(reference: Sequence[Slot], predicted: Sequence[Slot]) -> SlotErrors:
    """Count the errors of predicted slots, as they are aligned by `align`.

    Swapping the arguments swaps insertions and deletions; the total is the same.

    >>> slot_errors([Slot(5, 15, "artist")], [Slot(5, 10, "artist"), Slot(11, 15, "song")])
    SlotErrors(insertions=1, deletions=0, substitutions=1)
    """
    pairs = align(reference, predicted)
    insertions = sum(one is None for one, _ in pairs)
    deletions = sum(other is None for _, other in pairs)
    right = sum(one == other for one, other in pairs)
    return SlotErrors(insertions, deletions, len(pairs) - insertions - deletions - right)


def align(reference: Sequence[Slot], predicted: Sequence[Slot]) -> list[Pair]:
    """Align two lists of slots of one text, each in the order of the text, by least errors.

    This is the Levenshtein alignment: a predicted slot that stands alone is an insertion, one of
    the reference alone a deletion, and two side by side are right if name and characters agree,
    else one substitution; each error counts 1. The order of the text is kept. A wrong name and a
    wrong border are one substitution; a slot split in two is a substitution and an insertion, two
    merged into one a substitution and a deletion. Two slots may stand for one another without
    sharing a character: a slot found in the wrong place is one error, not two.

    Of alignments with the least errors one with the most right slots is taken, of these one with
    the most pairs of overlapping slots; so the numbers of each kind of error are unique. Even so
    three wrong pairs go before two insertions and two deletions around a right slot.

    Source: Levenshtein: Binary codes capable of correcting deletions, insertions, and reversals.
    Soviet Physics Doklady 1966.
    """
    unit = len(reference) + len(predicted) + 1
    least = _least(reference, predicted, unit)
    pairs: list[Pair] = []
    row = column = 0
    while row < len(reference) and column < len(predicted):
        one, other, here = reference[row], predicted[column], least[row][column]
        if here == least[row + 1][column + 1] + _cost(one, other, unit):
            pairs.append((one, other))
            row, column = row + 1, column + 1
        elif here == least[row + 1][column] + unit**2:
            pairs.append((one, None))
            row += 1
        else:
            pairs.append((None, other))
            column += 1
    pairs += [(one, None) for one in reference[row:]]
    return pairs + [(None, other) for other in predicted[column:]]


def _least(reference: Sequence[Slot], predicted: Sequence[Slot], unit: int) -> list[list[int]]:
    """Return the least cost of what is left of both after so many slots of each."""
    error, rows, columns = unit**2, len(reference), len(predicted)
    least = [
        [error * (rows - row + columns - column) for column in range(columns + 1)]
        for row in range(rows + 1)
    ]
    for row in reversed(range(rows)):
        for column in reversed(range(columns)):
            least[row][column] = min(
                least[row + 1][column + 1] + _cost(reference[row], predicted[column], unit),
                least[row + 1][column] + error,
                least[row][column + 1] + error,
            )
    return least


def _cost(one: Slot, other: Slot, unit: int) -> int:
    """Return the cost of a pair: errors in the square of the unit, then right slots, then overlaps.

    An alignment has fewer pairs than the unit, so that no number of them reaches the next order.
    """
    if one == other:
        return -unit
    return unit**2 - one.overlaps(other)
