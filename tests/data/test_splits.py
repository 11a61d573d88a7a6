"""The division of rows into splits: exact, disjoint, grouped, seeded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.data.splits import MIN_UNITS, assign, split_code

labels = st.lists(st.integers(0, 4), min_size=1, max_size=200).map(np.array)
fractions = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3])


def divide(label, unit=None, seed=0, validation=0.1, test=0.1):
    return assign(
        label,
        np.arange(len(label)) if unit is None else unit,
        validation_fraction=validation,
        test_fraction=test,
        generator=np.random.default_rng(seed),
    )


@given(labels, fractions, fractions, st.integers(0, 5))
def test_numbers_are_exact_over_classes_that_can_be_divided(label, validation, test, seed):
    codes = divide(label, None, seed, validation, test)
    sizes = np.bincount(label)
    total = sizes[sizes >= MIN_UNITS].sum()
    assert set(np.unique(codes)) <= {0, 1, 2}
    assert abs((codes == 2).sum() - test * total) <= 0.5 + 1e-9
    assert (codes == 1).sum() <= round(validation * total)
    for name, size in enumerate(sizes):
        held_out = codes[label == name] > 0
        if size < MIN_UNITS:
            assert not held_out.any()
        assert size == 0 or not held_out.all()
        assert abs((codes[label == name] == 2).sum() - test * size) < 1 or size < MIN_UNITS


@given(labels, st.integers(1, 30), st.integers(0, 5))
def test_groups_are_never_divided(label, groups, seed):
    unit = np.random.default_rng(seed).integers(groups, size=len(label))
    codes = divide(label, unit, seed, 0.2, 0.2)
    for group in np.unique(unit):
        assert len(np.unique(codes[unit == group])) == 1


def test_a_balanced_set_is_divided_evenly():
    label = np.repeat(np.arange(150), 100)
    codes = divide(label)
    for code in (1, 2):
        assert (np.bincount(label[codes == code]) == 10).all()


def test_groups_meet_the_shares():
    generator = np.random.default_rng(0)
    unit = generator.integers(3_000, size=9_000)
    codes = divide(generator.integers(3, size=9_000), unit)
    assert abs((codes == 1).mean() - 0.1) < 0.005
    assert abs((codes == 2).mean() - 0.1) < 0.005


def test_seed_decides():
    label = np.zeros(100, dtype=int)
    np.testing.assert_array_equal(divide(label, seed=3), divide(label, seed=3))
    assert (divide(label, seed=3) != divide(label, seed=4)).any()


@pytest.mark.parametrize(
    ("word", "code"), [("Train", 0), (" dev ", 1), ("valid", 1), ("TEST", 2), ("holdout", None)]
)
def test_names_of_splits(word, code):
    assert split_code(word) == code


def test_group_column_and_equal_texts_stay_together(loaded, run, csv):
    rows = "".join(f"text {n % 150},c{n % 3},g{n % 40}\n" for n in range(600))
    loaded(csv("text,label,family\n" + rows), group="family")
    assert (run.examples().groupby("family")["split"].nunique() == 1).all()
    loaded(csv("text,label,family\n" + rows))
    assert (run.examples().groupby("text")["split"].nunique() == 1).all()


@pytest.mark.parametrize(
    ("header", "settings", "column"),
    [
        ("text,label,family", {"group": "family"}, "family"),
        ("utterance,label,family", {"text": "utterance", "group": "utterance"}, "text"),
        ("text,label,family", {"label": "family", "group": "label"}, "label_input"),
        ("text,label,family", {}, None),
    ],
)
def test_the_summary_tells_where_the_groups_lie(loaded, run, csv, header, settings, column):
    rows = "".join(f"text {n},c{n % 3},g{n % 4}\n" for n in range(60))
    assert loaded(csv(f"{header}\n{rows}"), **settings).group == column
    assert column is None or column in run.examples().columns


def test_group_that_given_splits_divide_is_reported(loaded, csv):
    text = "text,label,split,family\na,x,train,f\nb,y,test,f\nc,y,train,g\n"
    summary = loaded(csv(text), group="family")
    assert "divided_group" in {item.check for item in summary.findings}
