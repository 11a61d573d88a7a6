"""Named selections go before any score, and the fraction counts over what they leave."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from influence_core.errors import SelectionError
from influence_core.selection.curate import CurationSettings, curate
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from tests.factory import read

HALF = SelectionSettings(fraction=0.5)


def training_rows(run: Run) -> np.ndarray:
    return np.flatnonzero(np.array(read(run.examples_file)["split"].to_pylist()) == "train")


def easiest(run: Run, size: int) -> list[int]:
    """Return rows that a cut-off of easy rows drops first."""
    dropped = select(run, SelectionSettings(fraction=0.9)).dropped
    scores = run.scores(["row", "vog_class_norm"]).set_index("row").loc[dropped, "vog_class_norm"]
    return scores.nsmallest(size).index.tolist()


def curated(run: Run, wanted: SelectionSettings = HALF, **named: tuple[str, ...]):
    return curate(run, wanted, CurationSettings(**named))


def test_without_named_selections_it_is_the_selection(small_run: Run) -> None:
    found, plain = curated(small_run), select(small_run, HALF)
    assert found.kept.tolist() == plain.kept.tolist()
    assert found.dropped.tolist() == plain.dropped.tolist()
    assert found.uses == ()


def test_the_easiest_rows_stay_if_a_selection_keeps_them(small_run: Run) -> None:
    gold = easiest(small_run, 20)
    assert not np.isin(gold, curated(small_run).kept).any()
    made = Selections(small_run).create("gold", gold)
    found = curated(small_run, keep_selection=("gold",))
    assert np.isin(gold, found.kept).all()
    left = len(training_rows(small_run)) - 20
    assert found.decided == left
    assert len(found.kept) == 20 + left - round(0.5 * left)
    assert [one.model_dump() for one in found.uses] == [
        {"use": "keep", "name": "gold", "version": made.version, "rows": 20}
    ]


def test_rows_to_drop_leave_and_the_fraction_counts_over_the_rest(small_run: Run) -> None:
    hard = select(small_run, SelectionSettings(fraction=0.95)).kept
    Selections(small_run).create("bad", hard)
    found = curated(small_run, drop_selection=("bad",))
    assert not np.isin(hard, found.kept).any()
    left = len(training_rows(small_run)) - len(hard)
    assert len(found.kept) == left - round(0.5 * left)


def test_a_set_may_be_just_a_selection(small_run: Run) -> None:
    train = training_rows(small_run)
    Selections(small_run).create("mine", train[::7])
    found = curated(small_run, SelectionSettings(fraction=0), only_selection=("mine",))
    assert found.kept.tolist() == train[::7].tolist()
    assert sorted([*found.kept, *found.dropped]) == train.tolist()


def test_rows_to_keep_stay_beside_the_selection_one_starts_from(small_run: Run) -> None:
    train = training_rows(small_run)
    for name, rows in (("mine", train[:100]), ("gold", train[90:120]), ("bad", train[:10])):
        Selections(small_run).create(name, rows)
    found = curated(
        small_run, keep_selection=("gold",), drop_selection=("bad",), only_selection=("mine",)
    )
    assert found.decided == 80
    assert len(found.kept) == 30 + 40
    assert np.isin(found.kept, train[10:120]).all()


def test_rows_outside_training_are_passed_over(small_run: Run) -> None:
    train = training_rows(small_run)
    others = np.setdiff1d(np.arange(400), train)
    Selections(small_run).create("mixed", [*others, *train[:3]])
    found = curated(small_run, drop_selection=("mixed",))
    assert found.uses[0].rows == 3
    assert set(train[:3]) <= set(found.dropped.tolist())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    keep=st.sets(st.integers(0, 59), max_size=30),
    drop=st.sets(st.integers(60, 99), max_size=30),
    fraction=st.floats(0, 0.9),
    strategy=st.sampled_from(["cutoff", "softmax", "random", "stratified"]),
)
def test_counts_are_exact(
    small_run: Run, keep: set[int], drop: set[int], fraction: float, strategy: str
) -> None:
    train = training_rows(small_run)
    for name, places in (("gold", keep), ("bad", drop)):
        Selections(small_run).file(name).unlink(missing_ok=True)
        Selections(small_run).create(name, train[sorted(places)])
    wanted = SelectionSettings(fraction=fraction, strategy=strategy)
    found = curated(small_run, wanted, keep_selection=("gold",), drop_selection=("bad",))
    left = len(train) - len(keep) - len(drop)
    assert len(found.kept) == len(keep) + left - round(fraction * left)
    assert sorted([*found.kept, *found.dropped]) == train.tolist()
    assert set(train[sorted(keep)]) <= set(found.kept.tolist())
    assert not set(train[sorted(drop)]) & set(found.kept.tolist())


def test_nothing_may_be_left_to_decide(small_run: Run) -> None:
    train = training_rows(small_run)
    Selections(small_run).create("all", train)
    found = curated(small_run, keep_selection=("all",))
    assert found.kept.tolist() == train.tolist()
    assert found.decided == 0


def test_contradictions_name_their_rows(small_run: Run) -> None:
    train = training_rows(small_run)
    Selections(small_run).create("gold", train[:8])
    Selections(small_run).create("bad", train[1:20])
    ids = small_run.examples(["id"])["id"]
    with pytest.raises(SelectionError) as told:
        curated(small_run, keep_selection=("gold",), drop_selection=("bad",))
    said = str(told.value)
    assert said.startswith("7 rows are both to keep ('gold') and to drop ('bad'): ")
    assert repr(ids[train[1]]) in said
    assert "and 2 more" in said


def test_an_empty_set_is_refused(small_run: Run) -> None:
    train = training_rows(small_run)
    Selections(small_run).create("held-out", np.setdiff1d(np.arange(400), train))
    Selections(small_run).create("all", train)
    with pytest.raises(SelectionError, match="No training row of run 'small' would be left"):
        curated(small_run, only_selection=("held-out",))
    with pytest.raises(SelectionError, match="No training row"):
        curated(small_run, drop_selection=("all",))


def test_a_version_refuses_a_selection_that_changed(small_run: Run) -> None:
    train = training_rows(small_run)
    made = Selections(small_run).create("gold", train[:8])
    found = curated(small_run, keep_selection=("gold",))
    assert found.curation == CurationSettings(keep_selection=(f"gold@{made.version}",))
    assert curate(small_run, HALF, found.curation).kept.tolist() == found.kept.tolist()
    now = Selections(small_run).add("gold", train[:9])
    with pytest.raises(SelectionError, match=f"has version '{now.version}' now, with 9 rows"):
        curate(small_run, HALF, found.curation)
    with pytest.raises(SelectionError, match="no selection 'ghost'; it has 'gold'"):
        curated(small_run, drop_selection=("ghost",))


def test_every_setting_explains_itself() -> None:
    assert all(field.description for field in CurationSettings.model_fields.values())
