"""Error rates by hand, against nervaluate and scikit-learn, and over resamples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator
from scipy.stats import hmean
from sklearn.metrics import recall_score

from influence_core.errors import DataError
from influence_core.nlu.metrics import (
    COUNTS,
    RATES,
    by_group,
    rates,
    resampled,
    row_counts,
)
from influence_core.nlu.slots import Interpretation, Slot
from tests.nlu.test_alignment import lists

PLAY = "play adele in the gym"
ADELE, GYM = Slot(5, 10, "artist"), Slot(18, 21, "room")

TRUTH = [
    Interpretation(PLAY, "music", "play", (ADELE, GYM)),
    Interpretation(PLAY, "music", "play", (ADELE, GYM)),
    Interpretation("louder", "music", "volume"),
    Interpretation("lights on", "home", "on", (Slot(0, 6, "device"),)),
    Interpretation("good night", "home", "off"),
]
PREDICTED = [
    TRUTH[0],
    Interpretation(PLAY, "music", "queue", (Slot(5, 10, "song"),)),
    Interpretation("louder", "home", "volume"),
    Interpretation("lights on", "home", "on", (Slot(0, 6, "device"), Slot(7, 9, "state"))),
    TRUTH[4],
]

ROWS = [
    (1, 0, 0, 0, 0, 0, 0, 2, 2, 2),
    (1, 0, 1, 0, 1, 1, 1, 2, 1, 0),
    (1, 1, 0, 0, 0, 0, 1, 0, 0, 0),
    (1, 0, 0, 1, 0, 0, 1, 1, 2, 1),
    (1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
]


def told(sums: Any) -> dict[str, Any]:
    return {name: value.tolist() for name, value in rates(sums).items()}


class TestByHand:
    """Five rows of two domains."""

    def test_what_is_wrong_of_each_row(self) -> None:
        np.testing.assert_array_equal(row_counts(TRUTH, PREDICTED), ROWS)

    def test_rates_are_ratios_of_sums(self) -> None:
        assert told(np.sum(ROWS, axis=0)) == pytest.approx(
            {
                "dcer": 1 / 5,
                "icer": 1 / 5,
                "semer": (1 + 3) / (5 + 5),
                "f_semer": 2 * 4 / ((5 + 5) + (5 + 5)),
                "irer": 3 / 5,
                "slot_precision": 3 / 5,
                "slot_recall": 3 / 5,
                "slot_f1": 3 / 5,
            }
        )

    def test_the_table_has_all_rows_first_and_then_the_domains_by_size(self) -> None:
        table = by_group(row_counts(TRUTH, PREDICTED), [row.domain for row in TRUTH])
        assert table.columns.tolist() == ["domain", *COUNTS, *RATES]
        assert table["domain"].isna().tolist() == [True, False, False]
        assert table["domain"].tolist()[1:] == ["music", "home"]
        assert table["rows"].tolist() == [5, 3, 2]
        assert table["dcer"].tolist() == pytest.approx([1 / 5, 1 / 3, 0])
        assert table["icer"].tolist() == pytest.approx([1 / 5, 1 / 3, 0])
        assert table["semer"].tolist() == pytest.approx([4 / 10, 3 / 7, 1 / 3])
        assert table["f_semer"].tolist() == pytest.approx([8 / 20, 6 / 13, 2 / 7])
        assert table["irer"].tolist() == pytest.approx([3 / 5, 2 / 3, 1 / 2])
        assert table["slot_f1"].tolist() == pytest.approx([6 / 10, 4 / 7, 2 / 3])

    def test_domains_of_one_size_go_by_name(self) -> None:
        counts = row_counts(TRUTH[:4], TRUTH[:4])
        assert by_group(counts, list("baab"))["domain"].tolist()[1:] == ["a", "b"]

    def test_an_intent_is_compared_by_its_name_alone(self) -> None:
        one = Interpretation("on", "lights", "turn_on")
        (counts,) = row_counts([one], [Interpretation("on", "covers", "turn_on")])
        assert told(counts)["dcer"] == told(counts)["irer"] == 1
        assert told(counts)["icer"] == 0

    @pytest.mark.parametrize("part", ["domain", "intent", "slots"])
    def test_one_error_of_any_kind_makes_a_row_wrong(self, part: str) -> None:
        other = {"domain": "home", "intent": "stop", "slots": (ADELE,)}
        known = {"domain": "music", "intent": "play", "slots": (ADELE, GYM)}
        wrong = Interpretation(PLAY, **{**known, part: other[part]})  # type: ignore[arg-type]
        (counts,) = row_counts(TRUTH[:1], [wrong])
        assert dict(zip(COUNTS, counts, strict=True))["wrong_rows"] == 1


class TestAtZero:
    """What nothing is a share of."""

    def test_no_errors_are_no_rate_and_no_harmonic_mean_of_zeros_is_missing(self) -> None:
        rate = told(row_counts(TRUTH, TRUTH).sum(axis=0))
        assert [rate[name] for name in RATES] == [0, 0, 0, 0, 0, 1, 1, 1]

    def test_no_rows_have_no_rates(self) -> None:
        assert row_counts([], []).shape == (0, len(COUNTS))
        assert np.isnan(list(told(row_counts([], []).sum(axis=0)).values())).all()
        assert by_group(row_counts([], []), [])["rows"].tolist() == [0]

    def test_without_slots_both_semers_are_the_error_rate_of_intents(self) -> None:
        truth = [Interpretation("hi", "talk", intent) for intent in "aab"]
        guess = [Interpretation("hi", "talk", "a")] * 3
        rate = told(row_counts(truth, guess).sum(axis=0))
        assert rate["semer"] == rate["f_semer"] == rate["icer"] == pytest.approx(1 / 3)
        assert np.isnan([rate[name] for name in RATES[-3:]]).all()

    def test_slots_where_there_should_be_none_have_a_precision_and_no_recall(self) -> None:
        none, some = Interpretation(PLAY, "music", "play"), TRUTH[0]
        extra = told(row_counts([none], [some])[0])
        assert extra["slot_precision"] == extra["slot_f1"] == 0
        assert np.isnan(extra["slot_recall"])
        assert extra["semer"] == 2
        assert extra["f_semer"] == pytest.approx(2 * 2 / (1 + 3))
        missed = told(row_counts([some], [none])[0])
        assert missed["slot_recall"] == missed["slot_f1"] == 0
        assert np.isnan(missed["slot_precision"])


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        (PREDICTED[:4], r"'predicted' must have 5 rows, as the truth; got 4\."),
        ([*PREDICTED[:4], TRUTH[0]], r"have the text of the truth in row 5; got 'play adele"),
    ],
)
def test_rows_must_pair_up(predicted: list[Interpretation], message: str) -> None:
    with pytest.raises(DataError, match=message):
        row_counts(TRUTH, predicted)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[Interpretation], list[Interpretation]]:
    """Interpretations of a few texts, and others of the same texts."""
    rows = draw(st.lists(st.tuples(lists(3), lists(3), st.booleans()), min_size=1, max_size=6))
    names = st.sampled_from("xyz")
    both: tuple[list[Interpretation], list[Interpretation]] = ([], [])
    for slots, others, same in rows:
        for side, found in zip(both, (slots, slots if same else others), strict=True):
            side.append(Interpretation("t" * 40, draw(names), draw(names), tuple(found)))
    return both


@given(pairs())
def test_slot_f1_is_nervaluate_s(
    case: tuple[list[Interpretation], list[Interpretation]],
) -> None:
    rate = told(row_counts(*case).sum(axis=0))
    # Its ends are inclusive, and what is not defined is 0.
    documents = [
        [
            [{"label": slot.name, "start": slot.start, "end": slot.end - 1} for slot in row.slots]
            for row in side
        ]
        for side in case
    ]
    strict = Evaluator(*documents, tags=["a", "b"], loader="dict").evaluate()["overall"]["strict"]
    assert np.nan_to_num(rate["slot_precision"]) == pytest.approx(strict.precision)
    assert np.nan_to_num(rate["slot_recall"]) == pytest.approx(strict.recall)
    assert np.nan_to_num(rate["slot_f1"]) == pytest.approx(strict.f1)


@given(pairs())
def test_f_semer_is_the_harmonic_mean_of_both_semers(
    case: tuple[list[Interpretation], list[Interpretation]],
) -> None:
    truth, predicted = case
    here = told(row_counts(truth, predicted).sum(axis=0))
    back = told(row_counts(predicted, truth).sum(axis=0))
    assert here["f_semer"] == pytest.approx(hmean([here["semer"], back["semer"]]))
    assert 0 <= here["f_semer"] < 2
    assert here["irer"] >= max(here["dcer"], here["icer"])


@given(pairs())
def test_dcer_of_a_domain_is_one_less_its_recall(
    case: tuple[list[Interpretation], list[Interpretation]],
) -> None:
    true, found = ([row.domain for row in side] for side in case)
    table = by_group(row_counts(*case), true).iloc[1:].set_index("domain")["dcer"]
    recalls = recall_score(true, found, labels=sorted(set(true)), average=None)
    np.testing.assert_allclose(1 - table[sorted(set(true))], recalls)


def test_sums_of_resamples_give_the_rates_of_the_rows_drawn() -> None:
    counts = row_counts(TRUTH, PREDICTED)
    drawn = np.random.default_rng(0).integers(5, size=(20, 5))
    weights = np.stack([np.bincount(one, minlength=5) for one in drawn])
    at_once = rates(weights @ counts)
    for number, places in enumerate(drawn):
        again = row_counts([TRUTH[i] for i in places], [PREDICTED[i] for i in places])
        one_by_one = told(again.sum(axis=0))
        assert {name: values[number] for name, values in at_once.items()} == pytest.approx(
            one_by_one, nan_ok=True
        )


class TestResampled:
    """Rows drawn again, by what is known of such sums."""

    def test_every_sample_has_as_many_rows_and_the_same_for_every_model(self) -> None:
        counts = row_counts(TRUTH, PREDICTED)
        sums = resampled(np.stack([counts, counts]), np.random.default_rng(3), draws=50)
        assert sums.shape == (2, 50, len(COUNTS))
        assert (sums[..., 0] == 5).all()
        np.testing.assert_array_equal(sums[0], sums[1])
        assert len(np.unique(sums[0], axis=0)) > 10

    def test_sums_vary_as_sums_of_independent_rows_do(self) -> None:
        counts = np.stack([row_counts(TRUTH, PREDICTED), row_counts(TRUTH, TRUTH)])
        sums = resampled(counts, np.random.default_rng(5), draws=40_000)
        np.testing.assert_allclose(sums.mean(axis=1), counts.sum(axis=1), atol=0.05)
        together = np.hstack([*counts])
        expected = len(TRUTH) * np.cov(together, rowvar=False, ddof=0)
        np.testing.assert_allclose(np.cov(np.hstack([*sums]), rowvar=False), expected, atol=0.15)

    def test_without_rows_there_is_nothing_to_draw(self) -> None:
        with pytest.raises(DataError, match="'counts' must hold at least one row; got 0"):
            resampled(row_counts([], [])[None], np.random.default_rng(0))
