"""Slots: read and checked, and the same after a way through tags of tokens."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.config import BUNDLED_ENCODER
from influence_core.errors import DataError
from influence_core.model.encoder import encoder_source, load_tokenizer
from influence_core.nlu.slots import (
    Interpretation,
    Slot,
    interpretations,
    read_slots,
    slots_of,
    spans,
    tags,
)

TEXT = "play some adele in the gym"
ARTIST = {"start": 10, "end": 15, "slot": "artist"}
ROOM = {"start": 23, "end": 26, "slot": "room"}
BOTH = (Slot(10, 15, "artist"), Slot(23, 26, "room"))


class TestReading:
    """Both forms that data have give the same slots; what cannot be one is told."""

    @pytest.mark.parametrize(
        "value",
        [
            [ARTIST, ROOM],
            (ROOM, ARTIST),
            np.array([ROOM, ARTIST], dtype=object),
            json.dumps([ROOM, ARTIST]),
            [ARTIST | {"end": np.int64(15)}, ROOM | {"slot": " room "}],
            [ARTIST | {"start": 9, "end": 16}, ROOM | {"start": 22}],
            pa.array([[ROOM, ARTIST]])[0].as_py(),
        ],
        ids=["list", "tuple", "array", "json", "numpy", "blanks", "arrow"],
    )
    def test_slots_come_in_the_order_of_the_text_and_without_blanks(self, value: Any) -> None:
        assert slots_of(value, TEXT) == BOTH
        assert [Interpretation(TEXT, "", "", BOTH).value(slot) for slot in BOTH] == ["adele", "gym"]

    @pytest.mark.parametrize("value", [None, [], "", " ", "[]", "null", float("nan")])
    def test_nothing_is_no_slots(self, value: Any) -> None:
        assert slots_of(value, TEXT) == ()

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ([ARTIST | {"end": 27}], "'end' must be at most 26, the length of the text; got 27."),
            ([ARTIST | {"start": -1}], "'start' must be at least 0; got -1."),
            ([ARTIST | {"end": 10}], "'end' must be above 10, where the slot starts; got 10."),
            ([ARTIST | {"end": 4}], "'end' must be above 10, where the slot starts; got 4."),
            ([{"start": 4, "end": 5, "slot": "a"}], "'end' must leave the slot more than blanks"),
            ([ARTIST | {"slot": " "}], "'slot' must be a name; got ' '."),
            ([ARTIST | {"slot": None}], "'slot' must be a name; got None."),
            ([ARTIST | {"start": 10.0}], "'start' must be a whole number; got 10.0."),
            ([ARTIST | {"end": True}], "'end' must be a whole number; got True."),
            ([{"start": 10, "end": 15}], "'slots' must hold start, end and slot of each"),
            (["artist"], "'slots' must hold start, end and slot of each; got 'artist'."),
            ("artist", "'slots' must be a list of {start, end, slot}, or JSON of one; got 'ar"),
            (json.dumps(ARTIST), "'slots' must be a list of"),
            ("[" * 100_000, "'slots' must be a list of"),
            (7, "'slots' must be a list of {start, end, slot}, or JSON of one; got 7."),
            (
                [ARTIST, {"start": 14, "end": 18, "slot": "when"}],
                "'start' must be at least 15, where slot 'artist' ends; got 14.",
            ),
        ],
    )
    def test_what_is_no_slot_is_told(self, value: Any, message: str) -> None:
        with pytest.raises(DataError) as told:
            slots_of(value, TEXT)
        assert str(told.value).startswith(message)
        assert len(str(told.value)) < 300

    def test_slots_that_touch_do_not_overlap(self) -> None:
        value = [{"start": 0, "end": 4, "slot": "a"}, {"start": 4, "end": 9, "slot": "b"}]
        assert slots_of(value, TEXT) == (Slot(0, 4, "a"), Slot(5, 9, "b"))

    def test_all_rows_that_cannot_be_read_are_told_at_once(self) -> None:
        values = [[ARTIST], *[[ARTIST | {"end": 99}]] * 6, None]
        with pytest.raises(DataError) as told:
            read_slots(values, [TEXT] * 8)
        lines = str(told.value).splitlines()
        assert lines[0] == "Slots cannot be read in 6 rows:"
        assert lines[1].startswith("- row 2: 'end' must be at most 26")
        assert len(lines) == 7
        assert lines[-1] == "- and 1 more"
        (finding,) = told.value.findings
        assert (finding.count, finding.rows) == (6, (2, 3, 4, 5, 6))

    def test_columns_make_rows_with_or_without_slots(self) -> None:
        columns = ([TEXT, "stop"], ["music", "music"], ["play", "stop"])
        rows = interpretations(*columns, slots=[[ROOM, ARTIST], None])
        assert rows == [
            Interpretation(TEXT, "music", "play", BOTH),
            Interpretation("stop", "music", "stop"),
        ]
        assert all(row.slots == () for row in interpretations(*columns))
        with pytest.raises(ValueError, match="shorter"):
            interpretations(columns[0], columns[1], ["play"])


class TestTags:
    """What tags of tokens say of slots."""

    def test_a_word_in_pieces_is_one_slot(self) -> None:
        offsets = [(0, 0), (0, 4), (5, 9), (10, 12), (12, 15), (16, 18), (23, 26), (0, 0)]
        told = ["O", "O", "O", "B-artist", "I-artist", "O", "B-room", "O"]
        assert tags(offsets, BOTH) == told
        assert spans(told, offsets) == BOTH

    def test_a_token_belongs_to_the_slot_it_shares_most_characters_with(self) -> None:
        slots = [Slot(0, 1, "hour"), Slot(1, 3, "half"), Slot(3, 5, "day")]
        assert tags([(0, 3), (3, 5)], slots) == ["B-half", "B-day"]
        assert tags([(0, 2), (2, 5)], slots) == ["B-hour", "B-day"]

    def test_a_slot_without_a_token_has_no_tag(self) -> None:
        assert tags([(0, 4)], BOTH) == ["O"]

    def test_neighbours_of_one_name_stay_apart(self) -> None:
        offsets, slots = [(0, 3), (4, 7)], (Slot(0, 3, "item"), Slot(4, 7, "item"))
        assert tags(offsets, slots) == ["B-item", "B-item"]
        assert spans(["B-item", "B-item"], offsets) == slots
        assert spans(["B-item", "I-item"], offsets) == (Slot(0, 7, "item"),)

    @pytest.mark.parametrize(
        ("told", "expected"),
        [
            (["I-a", "I-a", "O"], [Slot(0, 3, "a")]),
            (["O", "I-a", "O"], [Slot(2, 3, "a")]),
            (["B-a", "I-b", "I-b"], [Slot(0, 1, "a"), Slot(2, 5, "b")]),
            (["B-a", "O", "I-a"], [Slot(0, 1, "a"), Slot(4, 5, "a")]),
            (["B-a-b", "I-a-b", "I-a"], [Slot(0, 3, "a-b"), Slot(4, 5, "a")]),
            (["O", "O", "O"], []),
        ],
    )
    def test_illegal_sequences_are_mended(self, told: list[str], expected: list[Slot]) -> None:
        assert spans(told, [(0, 1), (2, 3), (4, 5)]) == tuple(expected)

    def test_a_token_without_characters_breaks_no_slot(self) -> None:
        offsets = [(0, 0), (0, 3), (0, 0), (4, 7), (7, 7)]
        assert tags(offsets, [Slot(0, 7, "a")]) == ["O", "B-a", "O", "I-a", "O"]
        assert spans(["B-b", "B-a", "O", "I-a", "I-a"], offsets) == (Slot(0, 7, "a"),)

    def test_pieces_of_one_character_are_one_slot(self) -> None:
        assert spans(["B-a", "B-b", "I-b"], [(0, 1), (0, 1), (2, 4)]) == (
            Slot(0, 1, "a"),
            Slot(2, 4, "b"),
        )

    def test_blanks_that_tokens_carry_are_left_out_where_the_text_is_known(self) -> None:
        offsets = [(0, 4), (4, 9), (9, 15), (15, 16)]
        assert spans(["O", "O", "B-a", "O"], offsets, TEXT) == (Slot(10, 15, "a"),)
        assert spans(["O", "O", "B-a", "O"], offsets) == (Slot(9, 15, "a"),)
        assert spans(["O", "O", "O", "B-a"], offsets, TEXT) == ()

    @pytest.mark.parametrize("tag", ["artist", "B-", "b-artist", "", "o"])
    def test_what_is_no_tag_is_told(self, tag: str) -> None:
        with pytest.raises(DataError, match=r"'tags' must be 'O', 'B-name' or 'I-name'"):
            spans([tag], [(0, 1)])

    def test_tags_and_tokens_must_pair_up(self) -> None:
        with pytest.raises(DataError, match=r"'tags' must be as many as the tokens, 2; got 1"):
            spans(["O"], [(0, 1), (1, 2)])


@st.composite
def tokenised(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[Slot]]:
    """Tokens with gaps or none between them, and slots on their borders."""
    offsets, place = [(0, 0)], 0
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 4)), max_size=12)):
        offsets.append((place + gap, place + gap + length))
        place += gap + length
    offsets.append((0, 0))
    slots, first = [], 1
    while first < len(offsets) - 1:
        last = draw(st.integers(first, len(offsets) - 2))
        name = draw(st.sampled_from(["", "artist", "room", "a-b"]))
        if name:
            slots.append(Slot(offsets[first][0], offsets[last][1], name))
        first = last + 1
    return offsets, slots


@given(tokenised())
def test_slots_on_the_borders_of_tokens_survive_the_way_there_and_back(
    case: tuple[list[tuple[int, int]], list[Slot]],
) -> None:
    offsets, slots = case
    assert spans(tags(offsets, slots), offsets) == tuple(slots)


@given(
    tokenised(),
    st.lists(st.sampled_from(["O", "B-a", "I-a", "B-b", "I-b"]), min_size=14, max_size=14),
)
def test_whatever_tags_a_model_gives_make_slots_that_can_be_read(
    case: tuple[list[tuple[int, int]], list[Slot]], told: list[str]
) -> None:
    offsets, _ = case
    found = spans(told[: len(offsets)], offsets)
    text = "x" * max(end for _, end in offsets)
    written = [{"start": slot.start, "end": slot.end, "slot": slot.name} for slot in found]
    assert slots_of(written, text) == found
    assert spans(tags(offsets, found), offsets) == found


def test_slots_survive_the_tokens_of_the_bundled_encoder() -> None:
    text = "réveille-moi à 6:45, then play Zelenka's quartets"
    values = {"6:45": "time", "Zelenka": "artist", "quartets": "album"}
    slots = tuple(
        Slot(text.index(value), text.index(value) + len(value), name)
        for value, name in values.items()
    )
    tokenizer = load_tokenizer(encoder_source(BUNDLED_ENCODER))
    offsets = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    told = tags(offsets, slots)
    assert told.count("B-artist") == 1
    assert told.count("I-artist") >= 1
    assert spans(told, offsets) == slots
