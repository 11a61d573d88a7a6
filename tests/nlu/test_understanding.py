"""A kept stack: it says what it said of the test rows, and names the rows that autograd names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from influence_core.errors import ConfigError, DataError, RunError
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.kept import (
    DOMAINS,
    INTENTS,
    STACK,
    TAGS,
    KeptStack,
    Learnt,
    keeps,
    open_stack,
    within,
)
from influence_core.nlu.material import Material, material_of
from influence_core.nlu.measure import plan_stacks, resume_stacks, train_stacks
from influence_core.nlu.reading import reader_of
from influence_core.nlu.settings import StackSettings
from influence_core.nlu.slots import Slot
from influence_core.nlu.understanding import Understood, Voices, understand
from influence_core.scores.pairwise import kernel
from influence_core.store.run import Run
from tests.nlu.sentences import scored
from tests.stopping import stopped_after
from tests.untouched import contents

SMALL = StackSettings(techniques=("random",), fractions=(0.4,), seeds=2, epochs=25, min_rows=5)
TUNED = SMALL.model_copy(update={"techniques": (), "seeds": 1, "mode": "finetune", "epochs": 20})

SAID = "switch on the lamp in the kitchen"
EVERY = 1_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("understood")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return scored(folder / "runs", "assistant")


@pytest.fixture(scope="module")
def probed(run: Run) -> StackExperiment:
    return train_stacks(run, SMALL, name="probed")


@pytest.fixture(scope="module")
def tuned(run: Run) -> StackExperiment:
    return train_stacks(run, TUNED, name="tuned")


@pytest.fixture(params=["probed", "tuned"])
def experiment(request: pytest.FixtureRequest) -> StackExperiment:
    found: StackExperiment = request.getfixturevalue(request.param)
    return found


def material(experiment: StackExperiment) -> Material:
    settings = experiment.manifest().settings
    return material_of(experiment.run, settings, experiment.private_folder)


class Gradients:
    """Gradients of a head's last layer by plain autograd, in double precision."""

    def __init__(self, learnt: Learnt) -> None:
        weight, bias = learnt.head.weights[-1], learnt.head.biases[-1]
        self.layer = nn.Linear(weight.shape[1], weight.shape[0]).double()
        with torch.no_grad():
            self.layer.weight.copy_(torch.from_numpy(weight))
            self.layer.bias.copy_(torch.from_numpy(bias))
        self.learnt = learnt

    def of(self, inputs: np.ndarray, labels: np.ndarray) -> Tensor:
        """Return the gradient of the loss of all inputs, added up."""
        given = torch.from_numpy(np.atleast_2d(inputs).astype(np.float64))
        told = torch.from_numpy(np.atleast_1d(labels))
        loss = nn.functional.cross_entropy(self.layer(given), told, reduction="sum")
        parts = torch.autograd.grad(loss, list(self.layer.parameters()))
        return torch.cat([part.flatten() for part in parts])

    def of_rows(self, query: Tensor) -> dict[int, float]:
        """Return the product of a query's gradient with that of every row the head learnt from."""
        learnt = self.learnt
        own = {row: learnt.rows == row for row in np.unique(learnt.rows).tolist()}
        return {
            row: float(self.of(learnt.inputs[mine], learnt.labels[mine]) @ query)
            for row, mine in own.items()
        }


def heard(voices: Voices) -> dict[int, float]:
    return {one.row: one.value for one in (*voices.proponents, *voices.opponents)}


def agree(voices: Voices, expected: dict[int, float]) -> None:
    """See that all rows spoke as autograd says, and in the order of their loudness."""
    found = heard(voices)
    largest = max(map(abs, expected.values()))
    assert len(voices.proponents) > 2
    assert len(voices.opponents) > 2
    for row, value in expected.items():
        assert found.get(row, 0.0) == pytest.approx(value, rel=1e-3, abs=1e-5 * largest)
    for side, sign in ((voices.proponents, 1), (voices.opponents, -1)):
        loud = [sign * one.value for one in side]
        assert loud == sorted(loud, reverse=True)
        assert min(loud) > 0


def read(stack: KeptStack, name: str):
    probe = stack.facts.mode == "probe"
    return reader_of(stack.reads(name), stack.facts.precision).read(SAID, halve=probe)


def test_voices_are_products_of_gradients(experiment: StackExperiment) -> None:
    found, stack = understand(experiment, SAID, count=EVERY), open_stack(experiment)
    names = [one.name for one in stack.facts.domains]
    assert found.domain.chosen == "home"
    domain = names.index("home")
    part = stack.facts.domains[domain]
    for name, choice, options in (
        (DOMAINS, found.domain, names),
        (within(domain, INTENTS), found.intent, list(part.intents)),
    ):
        gradients = Gradients(stack.learnt(name))
        text = read(stack, DOMAINS if name == DOMAINS else within(domain))
        given = gradients.learnt.head.inputs(text.feature)
        query = gradients.of(given, np.array([options.index(choice.chosen)]))
        agree(choice.voices, gradients.of_rows(query))


def test_voices_of_a_slot_are_products_of_the_gradients_of_all_its_tokens(
    experiment: StackExperiment,
) -> None:
    found, stack = understand(experiment, SAID, count=EVERY), open_stack(experiment)
    (slot,) = found.slots
    domain = [one.name for one in stack.facts.domains].index("home")
    tags = stack.facts.domains[domain].tags
    text = read(stack, within(domain))
    gradients = Gradients(stack.learnt(within(domain, TAGS)))
    given = gradients.learnt.head.inputs(text.states)
    told = gradients.learnt.head.logits(given).argmax(axis=1)
    inside = [
        place
        for place, (start, end) in enumerate(text.offsets)
        if start < end and slot.slot.start <= start and end <= slot.slot.end
    ]
    assert {tags[one].partition("-")[2] for one in told[inside]} == {slot.slot.name}
    agree(slot.voices, gradients.of_rows(gradients.of(given[inside], told[inside])))


def test_queries_together_are_the_sum_of_each(experiment: StackExperiment) -> None:
    stack = open_stack(experiment)
    learnt = stack.learnt(DOMAINS)
    queries = learnt.inputs[:7].astype(np.float32)
    errors = np.stack([kernel.error(learnt.head, one, 0) for one in queries])
    alone = sum(
        kernel.influence(learnt.head, learnt.inputs, learnt.labels, *one)
        for one in zip(queries, errors, strict=True)
    )
    together = kernel.joint_influence(learnt.head, learnt.inputs, learnt.labels, queries, errors)
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-6 * np.abs(alone).max())


def test_it_says_what_it_said_of_the_test_rows(experiment: StackExperiment) -> None:
    whole = material(experiment)
    outcome = next(experiment.outcomes())
    assert outcome.cell.name == "full-seed0"
    texts = [whole.truth[row].text for row in whole.test_rows]
    found = [understand(experiment, text, count=1) for text in texts]
    assert [one.domain.chosen for one in found] == list(outcome.domains)
    assert [one.intent.chosen for one in found] == list(outcome.intents)
    assert [tuple(one.slot for one in row.slots) for row in found] == list(outcome.slots)
    sure = [one.domain.options[0].probability for one in found]
    np.testing.assert_allclose(sure, outcome.confidence, atol=2e-3)


def test_heads_learnt_from_the_training_rows(experiment: StackExperiment) -> None:
    whole, stack = material(experiment), open_stack(experiment)
    learnt = stack.learnt(DOMAINS)
    np.testing.assert_array_equal(learnt.rows, whole.train_rows)
    np.testing.assert_array_equal(learnt.labels, whole.domains[whole.train_rows])
    for part, kept in zip(whole.parts, stack.facts.domains, strict=True):
        assert (kept.name, kept.rows) == (part.name, len(part.rows))
        if kept.says_intents:
            own = stack.learnt(within(part.domain, INTENTS))
            np.testing.assert_array_equal(own.rows, part.rows)
            np.testing.assert_array_equal(own.labels, whole.intent_numbers(part))
        if kept.says_slots:
            own = stack.learnt(within(part.domain, TAGS))
            words = [len(whole.truth[row].text.split()) for row in part.rows]
            np.testing.assert_array_equal(own.rows, np.repeat(part.rows, words))


def test_options_are_all_and_likeliest_first(experiment: StackExperiment) -> None:
    found = understand(experiment, SAID)
    for choice, names in (
        (found.domain, {"home", "music", "weather"}),
        (found.intent, {"light_on", "light_off"}),
    ):
        odds = [one.probability for one in choice.options]
        assert {one.name for one in choice.options} == names
        assert odds == sorted(odds, reverse=True)
        assert sum(odds) == pytest.approx(1)
        assert choice.options[0].name == choice.chosen
    assert found.slot_names == ("room",)
    assert not found.remarks


def test_a_slot_is_found_where_it_stands(probed: StackExperiment) -> None:
    found = understand(probed, SAID, count=2)
    (slot,) = found.slots
    assert found.value(slot.slot) == "kitchen"
    assert slot.slot == Slot(26, 33, "room")
    assert 1 / 3 < slot.confidence <= 1
    assert len(slot.voices.proponents) == len(slot.voices.opponents) == 2
    assert all(one.label.startswith("room: ") for one in slot.voices.proponents)


def test_rows_are_told_with_what_was_said_of_them(run: Run, probed: StackExperiment) -> None:
    found = understand(probed, SAID, count=EVERY)
    told = run.examples(["id", "text", "label", "intent", "split"])
    for choice, column in ((found.domain, "label"), (found.intent, "intent")):
        for one in (*choice.voices.proponents, *choice.voices.opponents):
            line = told.loc[one.row]
            assert (one.id, one.text, one.label) == (line["id"], line["text"], line[column])
            assert line["split"] == "train"
    assert {told.loc[row, "label"] for row in heard(found.intent.voices)} == {"home"}


def test_a_domain_of_one_intent_says_so(experiment: StackExperiment) -> None:
    found = understand(experiment, "what weather is coming to riga")
    assert (found.domain.chosen, found.intent.chosen) == ("weather", "forecast")
    assert found.intent.options == ()
    assert found.intent.voices == Voices()
    assert found.remarks == (
        "All training rows of domain 'weather' have one intent: none was weighed.",
    )
    assert [one.slot.name for one in found.slots] == ["city"]


def test_a_small_domain_says_so(run: Run) -> None:
    settings = SMALL.model_copy(update={"techniques": (), "seeds": 1, "min_rows": 60})
    experiment = train_stacks(run, settings, name="small")
    found = understand(experiment, "what weather is coming to riga")
    assert (found.domain.chosen, found.intent.chosen, found.slots) == ("weather", "forecast", ())
    assert len(found.remarks) == 2
    assert all("'weather' has too few training rows, " in remark for remark in found.remarks)
    assert found.slots_remark.endswith("to learn its slots: none was looked for.")


def test_data_without_slots_have_none(folder: Path) -> None:
    run = scored(folder / "runs", "slotless", slots=None)
    settings = SMALL.model_copy(update={"techniques": (), "seeds": 1})
    found = understand(train_stacks(run, settings), SAID)
    assert (found.domain.chosen, found.intent.chosen) == ("home", "light_on")
    assert found.slots == found.slot_names == ()
    assert found.remarks == ("No training row of domain 'home' has a slot: none was looked for.",)


HOSTILE = {
    "unknown": "zzz qqq",
    "control": "switch\x00 on\x1b[31m the lamp",
    "right to left": "שלום עולם \u202eabc",
    "emoji": "👩‍👩‍👧‍👦 🇩🇪",
    "one letter": "a",
    "long": "switch on the lamp in the hall " * 2_000,
    "blanks": "  switch   on the\nlamp  ",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_is_answered(experiment: StackExperiment, text: str) -> None:
    found = understand(experiment, text)
    assert found.text == text
    assert len(found.domain.options) == 3
    for one in found.slots:
        assert found.value(one.slot).strip()
    assert any("fills all" in remark for remark in found.remarks) == (len(text) > 1_000)


def test_several_may_ask_at_once(probed: StackExperiment) -> None:
    expected = told(understand(probed, SAID))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: understand(probed, SAID), range(24)))
    assert all(told(one) == expected for one in found)


def test_what_cannot_be_asked_is_refused(probed: StackExperiment) -> None:
    for text in ("", " \n\t"):
        with pytest.raises(DataError, match="'text' must hold more than white space"):
            understand(probed, text)
    with pytest.raises(DataError, match="'text' must be valid Unicode"):
        understand(probed, "lamp \ud800")
    with pytest.raises(ConfigError, match="'count' must be at least 1; got 0"):
        understand(probed, SAID, count=0)


def told(found: Understood) -> object:
    return json.loads(json.dumps(found, default=vars))


def test_a_stack_that_was_stopped_is_kept_when_it_goes_on(
    run: Run, probed: StackExperiment
) -> None:
    experiment = plan_stacks(run, SMALL, name="stopped")
    with pytest.raises(RunError, match="has not trained the stack yet that it keeps"):
        understand(experiment, SAID)
    with stopped_after(1, StackExperiment):
        resume_stacks(experiment)
    first = contents(experiment.path / STACK)
    assert keeps(experiment)
    resume_stacks(experiment)
    assert contents(experiment.path / STACK).keys() == first.keys()
    assert told(understand(experiment, SAID)) == told(understand(probed, SAID))
    assert not experiment.private_folder.exists()


def test_no_stack_is_kept_where_none_is_wanted(run: Run) -> None:
    changes = {"techniques": (), "seeds": 1, "epochs": 1, "keep_stack": False}
    experiment = train_stacks(run, SMALL.model_copy(update=changes), name="unkept")
    assert not (experiment.path / STACK).exists()
    with pytest.raises(RunError, match=r"'unkept' of run 'assistant' kept no stack\. A new exp"):
        understand(experiment, SAID)


def test_an_experiment_of_before_is_read_and_says_that_it_has_none(
    run: Run, probed: StackExperiment
) -> None:
    experiment = StackExperiment.create(run, "before", SMALL)
    facts = json.loads(probed.manifest_file.read_text(encoding="utf-8"))
    facts["settings"].pop("keep_stack")
    experiment.manifest_file.write_text(json.dumps(facts), encoding="utf-8")
    for outcome in probed.outcomes():
        experiment.keep(outcome)
    assert experiment.manifest().settings == SMALL
    with pytest.raises(RunError, match="kept no stack"):
        open_stack(experiment)


def test_facts_that_do_not_fit_are_told(run: Run, probed: StackExperiment) -> None:
    experiment = StackExperiment.create(run, "foreign", SMALL)
    (experiment.path / STACK).mkdir()
    (experiment.path / STACK / "stack.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match=r"stack of .*'foreign' .* cannot be read: 5 fields"):
        open_stack(experiment)


KILLED = """
import os, signal, sys
from influence_core.store import files
from influence_core.nlu.experiment import open_stacks
from influence_core.nlu.measure import resume_stacks
from influence_core.store.run import open_run
from pathlib import Path

target, after = sys.argv[3], sys.argv[4] == "after"

class Deadly:
    def __getattr__(self, name):
        return getattr(os, name)
    def replace(self, source, place):
        last = str(place).endswith(target)
        if last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        os.replace(source, place)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

files.os = Deadly()
resume_stacks(open_stacks(open_run(sys.argv[2], root=Path(sys.argv[1])), "killed"))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "moment"),
    list(product((f".work/{STACK}", f"killed/{STACK}"), ("before", "after"))),
)
def test_a_kill_leaves_no_half_of_a_stack(
    run: Run, probed: StackExperiment, target: str, moment: str
) -> None:
    settings = SMALL.model_copy(update={"techniques": (), "seeds": 1})
    experiment = plan_stacks(run, settings, name="killed")
    command = [sys.executable, "-c", KILLED, str(run.root), run.name, target, moment]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert keeps(experiment) == (target.startswith("killed") and moment == "after")
    if keeps(experiment):
        assert understand(experiment, SAID).domain.chosen == "home"
    else:
        assert not (experiment.path / STACK).exists()
    resume_stacks(experiment)
    assert told(understand(experiment, SAID)) == told(understand(probed, SAID))
    assert not list(experiment.path.rglob(".partial-*"))
    experiment.delete()
