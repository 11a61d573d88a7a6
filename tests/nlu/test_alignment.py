"""Slot errors by hand, and against every alignment there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.nlu.alignment import Pair, SlotErrors, align, slot_errors
from influence_core.nlu.slots import Slot

ARTIST = Slot(5, 10, "artist")
ROOM = Slot(14, 21, "room")
TIME = Slot(25, 30, "time")


def lists(count: int = 5) -> st.SearchStrategy[list[Slot]]:
    """Slots of one text, in its order, with borders and names that often agree."""
    pieces = st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from("ab"))
    return st.lists(pieces, max_size=count).map(_placed)


def _placed(pieces: list[tuple[int, int, str]]) -> list[Slot]:
    slots, place = [], 0
    for gap, length, name in pieces:
        slots.append(Slot(place + gap, place + gap + length, name))
        place += gap + length
    return slots


@pytest.mark.parametrize(
    ("reference", "predicted", "errors"),
    [
        ([], [], (0, 0, 0)),
        ([ARTIST, ROOM], [ARTIST, ROOM], (0, 0, 0)),
        ([ARTIST, ROOM], [ARTIST], (0, 1, 0)),
        ([ARTIST, ROOM], [ROOM], (0, 1, 0)),
        ([ARTIST, ROOM], [], (0, 2, 0)),
        ([ARTIST], [ARTIST, ROOM], (1, 0, 0)),
        ([], [ARTIST, ROOM], (2, 0, 0)),
        ([ARTIST], [Slot(5, 10, "song")], (0, 0, 1)),
        ([ARTIST], [Slot(5, 9, "artist")], (0, 0, 1)),
        ([ARTIST], [Slot(5, 9, "song")], (0, 0, 1)),
        ([ARTIST], [ROOM], (0, 0, 1)),
        ([ARTIST], [Slot(5, 7, "artist"), Slot(8, 10, "artist")], (1, 0, 1)),
        ([Slot(5, 7, "artist"), Slot(8, 10, "song")], [Slot(5, 10, "artist")], (0, 1, 1)),
        ([Slot(0, 4, "a"), Slot(5, 9, "b")], [Slot(0, 4, "b"), Slot(5, 9, "a")], (0, 0, 2)),
        ([ARTIST, ROOM, TIME], [ROOM, TIME], (0, 1, 0)),
        ([ARTIST, ROOM], [ROOM, TIME], (1, 1, 0)),
        ([ARTIST, ROOM, TIME], [Slot(0, 2, "x"), Slot(3, 4, "x"), ARTIST], (0, 0, 3)),
    ],
    ids=[
        *("nothing", "right", "missing last", "missing first", "all missing", "extra", "all extra"),
        *("wrong name", "wrong border", "both wrong", "elsewhere", "split", "merged", "swapped"),
        *("first missing of three", "right one between", "three pairs before four gaps"),
    ],
)
def test_errors_by_hand(
    reference: list[Slot], predicted: list[Slot], errors: tuple[int, int, int]
) -> None:
    assert slot_errors(reference, predicted) == SlotErrors(*errors)
    assert slot_errors(reference, predicted).total == sum(errors)


def test_what_overlaps_is_paired_whichever_side_has_more() -> None:
    early, late = Slot(0, 3, "song"), Slot(26, 30, "song")
    assert align([ARTIST, TIME], [late]) == [(ARTIST, None), (TIME, late)]
    assert align([early], [Slot(1, 3, "x"), late]) == [(early, Slot(1, 3, "x")), (None, late)]


def test_a_right_slot_goes_before_an_overlap() -> None:
    reference = [Slot(0, 3, "a"), Slot(4, 6, "b")]
    predicted = [Slot(1, 2, "b"), Slot(2, 3, "a"), Slot(4, 6, "b")]
    assert align(reference, predicted)[-1] == (reference[1], predicted[2])
    assert slot_errors(reference, predicted) == (1, 0, 1)


def alignments(reference: Sequence[Slot], predicted: Sequence[Slot]) -> Iterator[list[Pair]]:
    """Yield every alignment that keeps the order of both."""
    if not reference and not predicted:
        yield []
    if reference and predicted:
        for rest in alignments(reference[1:], predicted[1:]):
            yield [(reference[0], predicted[0]), *rest]
    if reference:
        for rest in alignments(reference[1:], predicted):
            yield [(reference[0], None), *rest]
    if predicted:
        for rest in alignments(reference, predicted[1:]):
            yield [(None, predicted[0]), *rest]


def merit(pairs: list[Pair]) -> tuple[int, int, int]:
    """Return what is least first, written down without the slots' own methods."""
    both = [(one, other) for one, other in pairs if one and other]
    right = sum(one == other for one, other in both)
    overlapping = sum(
        bool(set(range(*one[:2])) & set(range(*other[:2]))) for one, other in both if one != other
    )
    return len(pairs) - right, -right, -overlapping


@given(lists(4), lists(4))
def test_no_alignment_is_better(reference: list[Slot], predicted: list[Slot]) -> None:
    pairs = align(reference, predicted)
    assert [one for one, _ in pairs if one] == reference
    assert [other for _, other in pairs if other] == predicted
    assert merit(pairs) == min(merit(other) for other in alignments(reference, predicted))
    errors = slot_errors(reference, predicted)
    assert errors.total == merit(pairs)[0]
    assert errors.deletions - errors.insertions == len(reference) - len(predicted)


@given(lists(), lists())
def test_swapping_both_swaps_insertions_and_deletions(
    reference: list[Slot], predicted: list[Slot]
) -> None:
    here, back = slot_errors(reference, predicted), slot_errors(predicted, reference)
    assert here == SlotErrors(back.deletions, back.insertions, back.substitutions)
    assert (here.total == 0) == (reference == predicted)
