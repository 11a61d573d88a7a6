"""Stacks from settings to tables: a real run of a tiny encoder, stopped and gone on with."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from influence_core import jobs
from influence_core.errors import DataError, RunExists, SelectionError
from influence_core.nlu.cells import cells
from influence_core.nlu.experiment import StackExperiment, open_stacks
from influence_core.nlu.figures import WHOLE, StackFindings
from influence_core.nlu.material import material_of
from influence_core.nlu.measure import plan_stacks, resume_stacks, train_stacks
from influence_core.nlu.metrics import rates
from influence_core.nlu.settings import TECHNIQUES, StackSettings
from influence_core.store.run import Run
from tests.nlu.sentences import scored
from tests.stopping import stopped_after

PATIENCE = 120
"""Seconds that a process may take that loads torch and trains two stacks."""

SMALL = StackSettings(
    techniques=("random", "vog-entropy"), fractions=(0.4,), seeds=2, epochs=25, min_rows=5
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stacks")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return scored(folder / "runs", "assistant")


@pytest.fixture(scope="module")
def finished(run: Run) -> StackExperiment:
    return train_stacks(run, SMALL, name="finished")


@pytest.fixture(scope="module")
def findings(finished: StackExperiment) -> StackFindings:
    return StackFindings(finished)


def told(experiment: StackExperiment) -> dict[str, object]:
    return {
        one.cell.name: (one.domains, one.intents, one.slots, one.confidence.tolist())
        for one in experiment.outcomes()
    }


def test_stacks_learn_what_the_sentences_say(findings: StackFindings) -> None:
    whole = rates(findings.counts(WHOLE).sum(axis=(0, 1)))
    assert whole["dcer"] < 0.1
    assert whole["icer"] < 0.25
    assert whole["slot_f1"] > 0.6


def test_a_stack_is_fine_tuned(run: Run) -> None:
    changes = {"techniques": (), "seeds": 1, "mode": "finetune", "epochs": 20}
    findings = StackFindings(train_stacks(run, SMALL.model_copy(update=changes), name="tuned"))
    whole = rates(findings.counts(WHOLE).sum(axis=(0, 1)))
    assert whole["dcer"] < 0.1
    assert whole["icer"] < 0.25
    assert whole["slot_f1"] > 0.6
    assert findings.experiment.manifest().settings.claim == "measured with finetune"


def test_every_stack_is_asked_about_every_test_row(
    run: Run, finished: StackExperiment, findings: StackFindings
) -> None:
    table = run.examples(["text", "split"])
    texts = table["text"][table["split"] == "test"].tolist()
    assert [one.text for one in findings.truth] == texts
    for one in finished.outcomes():
        assert len(one.domains) == len(one.intents) == len(one.slots) == len(texts)
        assert np.all((one.confidence > 1 / 3) & (one.confidence <= 1))


def test_stacks_learn_from_as_many_rows_as_the_fraction_leaves(
    run: Run, finished: StackExperiment
) -> None:
    train = run.manifest().dataset.splits["train"]
    for one in finished.outcomes():
        assert sum(one.rows.values()) == train - round(one.cell.fraction * train)


def test_a_domain_of_one_intent_has_it_always(finished: StackExperiment) -> None:
    for one in finished.outcomes():
        weather = [
            intent
            for domain, intent in zip(one.domains, one.intents, strict=True)
            if domain == "weather"
        ]
        assert set(weather) == {"forecast"}


def test_slots_are_of_the_domain_that_was_chosen(finished: StackExperiment) -> None:
    own = {"music": "singer", "home": "room", "weather": "city"}
    for one in finished.outcomes():
        pairs = zip(one.domains, one.slots, strict=True)
        assert all(slot.name == own[domain] for domain, slots in pairs for slot in slots)


def test_an_only_intent_is_that_of_the_rows_that_are_left(run: Run) -> None:
    material = material_of(run, SMALL, run.private_folder)
    music = next(part.rows for part in material.parts if part.name == "music")
    stops = [row for row in music if material.truth[row].intent == "stop"]
    assert material.usual(music) == "play"
    assert material.usual(np.array([music[0], *stops])) == "stop"


def test_cells_that_are_there_stay_as_they_are(run: Run, finished: StackExperiment) -> None:
    experiment = train_stacks(run, SMALL, name="again")
    first, second = experiment.cells()[:2]
    before = {cell: experiment.file_of(cell).stat().st_mtime_ns for cell in experiment.cells()}
    experiment.file_of(second).unlink()
    experiment.update(status="cancelled")
    resume_stacks(experiment)
    after = {cell: experiment.file_of(cell).stat().st_mtime_ns for cell in experiment.cells()}
    assert [cell for cell in before if after[cell] != before[cell]] == [second]
    assert told(experiment) == told(finished)
    assert first in after


def test_it_goes_on_where_it_was_stopped(run: Run, finished: StackExperiment) -> None:
    experiment = plan_stacks(run, SMALL, name="stopped")
    with stopped_after(2, StackExperiment):
        resume_stacks(experiment)
    assert len(experiment.missing()) == len(experiment.cells()) - 2
    resume_stacks(experiment)
    assert told(experiment) == told(finished)


def test_the_background_finishes_what_was_planned(run: Run) -> None:
    changes = {"techniques": ("random",), "seeds": 1, "epochs": 2}
    experiment = plan_stacks(run, SMALL.model_copy(update=changes), name="behind")
    jobs.resume(experiment, queued=True)
    end = time.monotonic() + PATIENCE
    while jobs.status(experiment).active and time.monotonic() < end:
        time.sleep(0.2)
    assert jobs.status(experiment).state == "finished"
    assert not experiment.missing()


def test_it_is_found_by_name_and_not_begun_twice(run: Run, finished: StackExperiment) -> None:
    assert open_stacks(run, "finished").path == finished.path
    with pytest.raises(RunExists, match="'finished'"):
        plan_stacks(run, SMALL, name="finished")


def test_changes_are_against_the_stacks_of_all_rows(findings: StackFindings) -> None:
    changes = findings.changes()
    stacks = findings.stacks()
    whole = stacks[stacks["fraction"] == 0]["icer"]
    for line in changes.to_dict("records"):
        mine = stacks[(stacks["technique"] == line["technique"]) & (stacks["fraction"] == 0.4)]
        expected = (mine["icer"].mean() - whole.mean()) / whole.mean()
        assert line["icer"] == pytest.approx(expected)
        assert line["icer_sigma"] == pytest.approx(-expected / 0.4)


def test_shares_of_the_domains_are_counted(run: Run, findings: StackFindings) -> None:
    shares = findings.shares()
    whole = shares[shares["technique"].isna()].set_index("domain")["share"]
    table = run.examples(["label", "split"])
    train = table["label"][table["split"] == "train"].value_counts(normalize=True)
    assert whole.to_dict() == pytest.approx(train.to_dict())
    assert shares.groupby(["technique", "fraction"], dropna=False)["share"].sum().to_numpy() == (
        pytest.approx(1.0)
    )


def test_confusion_counts_the_test_rows(findings: StackFindings) -> None:
    confusion = findings.confusion()
    assert confusion.to_numpy().sum() == pytest.approx(len(findings.truth))
    right = np.mean(
        [
            sum(a == b for a, b in zip(one.domains, findings.domains, strict=True))
            for one in findings.outcomes(WHOLE)
        ]
    )
    assert np.trace(confusion.to_numpy()) == pytest.approx(right)


def test_data_without_slots_have_domains_and_intents(folder: Path) -> None:
    run = scored(folder / "runs", "slotless", slots=None)
    settings = SMALL.model_copy(update={"techniques": (), "seeds": 1})
    findings = StackFindings(train_stacks(run, settings))
    (outcome,) = findings.outcomes(WHOLE)
    assert set(outcome.slots) == {()}
    whole = rates(findings.counts(WHOLE).sum(axis=(0, 1)))
    assert np.isnan(whole["slot_f1"])
    assert whole["semer"] == whole["icer"]


def test_a_small_domain_is_given_its_usual_intent(run: Run) -> None:
    settings = SMALL.model_copy(update={"techniques": (), "seeds": 1, "min_rows": 60})
    experiment = train_stacks(run, settings, name="small-domains")
    small = experiment.manifest().small_domains
    assert set(small) == {"weather"}
    (outcome,) = experiment.outcomes()
    pairs = zip(outcome.domains, outcome.slots, strict=True)
    assert all(slots == () for domain, slots in pairs if domain in small)


def test_a_column_that_is_not_there_is_refused(run: Run) -> None:
    with pytest.raises(DataError, match=r"'intent' must be a column of the data .*got 'purpose'"):
        plan_stacks(run, SMALL.model_copy(update={"intent": "purpose"}))
    with pytest.raises(DataError, match=r"'slots' must be a column of the data"):
        plan_stacks(run, SMALL.model_copy(update={"slots": "spans"}))
    assert [one.name for one in StackExperiment.of(run) if "purpose" in one.name] == []


def test_slots_that_cannot_be_read_are_told(folder: Path) -> None:
    run = scored(folder / "runs", "broken", slots=[{"start": 0, "end": 999, "slot": "all"}])
    with pytest.raises(DataError, match="Slots cannot be read in 300 rows"):
        plan_stacks(run, SMALL)
    assert StackExperiment.of(run) == []


def test_a_run_without_vog_is_refused(run: Run, folder: Path) -> None:
    other = Run(run.path)
    settings = SMALL.model_copy(update={"techniques": ("vog-class",)})
    manifest = json.loads(other.manifest_file.read_text(encoding="utf-8"))
    assert manifest["scores"] == ["vog"]
    other.update(scores=())
    try:
        with pytest.raises(SelectionError, match="'score'"):
            plan_stacks(other, settings)
    finally:
        other.update(scores=("vog",))


def test_the_grid_has_every_technique_fraction_and_seed() -> None:
    grid = cells(StackSettings())
    assert len(grid) == len({one.name for one in grid}) == 3 + len(TECHNIQUES) * 3 * 3


def test_parts_know_their_intents_most_frequent_first(run: Run) -> None:
    material = material_of(run, SMALL, run.private_folder)
    parts = {part.name: part for part in material.parts}
    assert parts["weather"].intents == ("forecast",)
    assert parts["music"].intents[0] == "play"
    assert parts["home"].tags == ("O", "B-room", "I-room")
    counted = material.counted(material.train_rows)
    assert counted == {name: len(part.rows) for name, part in parts.items()}
