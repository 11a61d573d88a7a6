"""Entropies by hand, by their properties, and against scipy."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from influence_core.errors import ScoreError
from influence_core.nlu.entropy import (
    combined,
    domain_entropies,
    entropy,
    intent_entropies,
    rescaled,
    row_entropies,
    trail,
)
from influence_core.nlu.slots import Interpretation, Slot
from influence_core.selection import samplers


def play(text: str, *names: str) -> Interpretation:
    """A request for music whose slots are the words after the first."""
    slots, place = [], text.index(" ") + 1
    for name, word in zip(names, text.split()[1:], strict=True):
        start = text.index(word, place)
        slots.append(Slot(start, start + len(word), name))
        place = start + len(word)
    return Interpretation(text, "music", "play", tuple(slots))


ROWS = [
    play("play Adele", "artist"),
    play("hear adele", "artist"),
    play("play gym", "playlist"),
    play("play adele gym", "artist", "playlist"),
    Interpretation("louder", "music", "volume"),
    Interpretation("quieter", "music", "volume"),
    Interpretation("lights on", "home", "play"),
]


class TestTrails:
    """Names and values of a text's slots."""

    def test_the_order_and_the_values_count(self) -> None:
        assert trail(ROWS[3]) == (("artist", "adele"), ("playlist", "gym"))
        assert trail(play("play gym adele", "playlist", "artist")) != trail(ROWS[3])

    def test_values_are_compared_in_lower_case_with_single_blanks(self) -> None:
        text = "play Billie \t EILISH now"
        one = Interpretation(text, "music", "play", (Slot(5, 20, "artist"),))
        assert trail(one) == (("artist", "billie eilish"),)

    def test_words_of_no_slot_are_left_out(self) -> None:
        assert trail(play("play some adele", "Other", "artist")) == (("artist", "adele"),)
        assert trail(play("play some", "other")) == trail(ROWS[4]) == ()


class TestByHand:
    """Six requests of music in two intents, and one of another domain."""

    def test_trails_within_an_intent(self) -> None:
        table = intent_entropies(ROWS)
        assert table.to_numpy().tolist() == [
            ["music", "play", 4, 3, 1.5],
            ["music", "volume", 2, 1, 0.0],
            ["home", "play", 1, 1, 0.0],
        ]

    def test_domains_weigh_their_intents_by_rows(self) -> None:
        table = domain_entropies(ROWS)
        assert table["domain"].tolist() == ["music", "home"]
        assert table["rows"].tolist() == [6, 1]
        assert table["intents"].tolist() == [2, 1]
        of_two_thirds = -(2 / 3) * np.log2(2 / 3) - (1 / 3) * np.log2(1 / 3)
        assert table["intent_entropy"].tolist() == pytest.approx([of_two_thirds, 0])
        assert table["trail_entropy"].tolist() == pytest.approx([(4 * 1.5 + 2 * 0) / 6, 0])

    def test_a_row_has_the_entropy_of_its_intent_in_its_domain(self) -> None:
        assert row_entropies(ROWS).tolist() == [1.5, 1.5, 1.5, 1.5, 0, 0, 0]

    def test_no_rows_have_empty_tables(self) -> None:
        assert intent_entropies([]).empty
        assert domain_entropies([]).empty
        assert row_entropies([]).shape == (0,)


class TestEntropy:
    """The entropy of a list."""

    @given(st.integers(1, 64), st.integers(1, 3))
    def test_equal_shares_of_n_give_log_n_bits(self, kinds: int, times: int) -> None:
        assert entropy([*range(kinds)] * times) == pytest.approx(np.log2(kinds))

    @given(st.integers(0, 50))
    def test_one_kind_tells_nothing(self, times: int) -> None:
        assert entropy([("artist", "adele")] * times) == 0

    @given(st.lists(st.integers(0, 9), min_size=1), st.randoms(use_true_random=False))
    def test_order_is_of_no_account_and_scipy_agrees(self, kinds: list[int], shuffle: Any) -> None:
        here = entropy(kinds)
        assert here == pytest.approx(scipy_entropy([*Counter(kinds).values()], base=2), abs=1e-12)
        shuffle.shuffle(kinds)
        assert entropy(kinds) == here
        assert 0 <= here <= np.log2(len(set(kinds))) + 1e-12


class TestCombined:
    """VoG and entropy in one score."""

    def test_by_hand(self) -> None:
        vog, bits = np.array([-1.0, 0.0, 1.0]), np.array([4.0, 4.0, 0.0])
        assert rescaled(vog, clip=1.0).tolist() == pytest.approx([0.05, 0.525, 1.0])
        assert rescaled(bits, clip=1.0).tolist() == pytest.approx([1.0, 1.0, 0.05])
        # Clipped at the 0.99 quantile, 0.98 of the last step is the top: 0 is at 1 / 1.98.
        middle = 0.05 + 0.95 / 1.98
        expected = [(0.05 + 1) / 2, (middle + 1) / 2, (1 + 0.05) / 2]
        assert combined(vog, bits).tolist() == pytest.approx(expected)

    def test_what_does_not_vary_does_not_order(self) -> None:
        vog = np.array([3.0, 1.0, 2.0])
        assert np.argsort(combined(vog, [2.0, 2.0, 2.0])).tolist() == [1, 2, 0]
        assert combined([0.0, 0.0], [0.0, 0.0]).tolist() == [1, 1]

    def test_a_missing_vog_counts_as_the_median(self) -> None:
        assert combined([1, np.nan, 2, 3], np.zeros(4))[1] == combined([1, 2, 2, 3], np.zeros(4))[1]

    @given(st.lists(st.tuples(st.floats(-9, 9), st.integers(0, 12)), min_size=1, max_size=30))
    def test_units_are_of_no_account(self, rows: list[tuple[float, int]]) -> None:
        vog, bits = (np.round(np.array(column, float), 3) for column in zip(*rows, strict=True))
        score = combined(vog, bits)
        assert ((score >= 0.05 - 1e-12) & (score <= 1 + 1e-12)).all()
        np.testing.assert_allclose(combined(5 * vog + 2, bits / 3), score, atol=1e-9)

    def test_weights_are_those_of_linear_sampling(self) -> None:
        hard = np.append(np.random.default_rng(1).normal(size=200), 50.0)
        ids = np.arange(201)
        drawn = samplers.linear(hard, ids, np.random.default_rng(7))
        keys = np.log(rescaled(hard)) + np.random.default_rng(7).gumbel(size=201)
        assert np.argsort(-keys, kind="stable").tolist() == drawn.tolist()

    def test_rows_must_pair_up(self) -> None:
        with pytest.raises(ScoreError, match=r"'entropies' must be of 2 rows, as VoG; got 3"):
            combined([1.0, 2.0], [1.0, 2.0, 3.0])
