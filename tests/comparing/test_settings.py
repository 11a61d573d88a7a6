"""What two runs have not in common."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from influence_core.comparing.settings import (
    Difference,
    differing_facts,
    differing_settings,
    figures,
    in_force,
    shared_settings,
)
from influence_core.config import ImportSettings, RunSettings
from influence_core.store.run import Manifest, Run

Wanted = dict[str, dict[str, object]]

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "training": st.fixed_dictionaries(
            {},
            optional={"epochs": st.integers(1, 50), "mode": st.sampled_from(["probe", "finetune"])},
        ),
        "data": st.fixed_dictionaries({}, optional={"group": st.sampled_from(["a", "b"])}),
        "compute": st.fixed_dictionaries({}, optional={"workers": st.integers(1, 4)}),
    },
)


def settings(wanted: Wanted) -> RunSettings:
    return RunSettings.model_validate(wanted)


@given(CHANGES, CHANGES)
def test_differences_turn_one_into_the_other(ours: Wanted, theirs: Wanted) -> None:
    this, that = settings(ours), settings(theirs)
    turned = this.model_dump()
    for one in differing_settings(this, that):
        assert one.this != one.that
        assert turned[one.part][one.name] == one.this
        turned[one.part][one.name] = one.that
    assert RunSettings.model_validate(turned) == that


@given(CHANGES, CHANGES)
def test_the_other_way_round_the_sides_are_swapped(ours: Wanted, theirs: Wanted) -> None:
    there = differing_settings(settings(ours), settings(theirs))
    back = differing_settings(settings(theirs), settings(ours))
    assert [(one.name, one.this, one.that) for one in there] == [
        (one.name, one.that, one.this) for one in back
    ]


def test_what_both_share_but_nobody_else_is_told_apart() -> None:
    this = settings({"training": {"epochs": 20, "seed": 1}})
    that = settings({"training": {"epochs": 20, "seed": 2}})
    assert differing_settings(this, that) == (Difference("training", "seed", 1, 2, 0),)
    assert shared_settings(this, that) == (Difference("training", "epochs", 20, 20, 10),)
    assert shared_settings(RunSettings(), RunSettings()) == ()


def test_columns_that_were_guessed_are_no_difference() -> None:
    guessed, named = settings({}), settings({"data": {"label": "intent", "text_pair": ""}})
    other = settings({"data": {"label": "domain", "text_pair": ""}})
    assert differing_settings(guessed, named) == differing_settings(named, guessed) == ()
    assert differing_settings(named, other) == (Difference("data", "label", "intent", "domain"),)


def test_an_import_has_no_settings_of_a_training() -> None:
    imported = RunSettings(imported=ImportSettings(path="scores.csv"))
    assert set(in_force(imported)) == {"data", "imported"}
    differences = differing_settings(imported, RunSettings())
    by_name = {(one.part, one.name): one for one in differences}
    assert by_name["imported", "path"].that is None
    assert by_name["training", "mode"].this is None
    assert by_name["training", "mode"].that == "probe"


def test_data_and_versions_are_facts(small_run: Run, other_run: Run) -> None:
    assert differing_facts(small_run.manifest(), other_run.manifest()) == ()
    manifest: Manifest = other_run.update(versions={"torch": "9"})
    assert manifest.dataset is not None
    other_run.update(dataset=manifest.dataset.model_copy(update={"fingerprint": "f"}))
    assert [
        (one.part, one.name) for one in differing_facts(small_run.manifest(), other_run.manifest())
    ] == [("data", "fingerprint"), ("version", "influence-scope"), ("version", "torch")]


def test_figures_stand_side_by_side(small_run: Run, other_run: Run) -> None:
    other_run.update(metrics={"test": {"accuracy": 0.5, "rows": 9.0}})
    ours = small_run.manifest().metrics
    found = {
        (one.part, one.name): (one.this, one.that)
        for one in figures(small_run.manifest(), other_run.manifest())
    }
    assert found["test", "accuracy"] == (ours["test"]["accuracy"], 0.5)
    assert found["test", "macro_f1"] == (ours["test"]["macro_f1"], None)
    assert ("test", "rows") not in found
