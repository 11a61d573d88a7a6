"""A sentence tried on a stack: every step of the core's answer is shown, and nothing is masked."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from influence_core.access import MASK_TEXTS, READ_ONLY
from influence_core.nlu import understanding
from influence_core.nlu.experiment import open_stacks
from influence_core.nlu.measure import train_stacks
from influence_core.nlu.settings import StackSettings
from influence_core.nlu.slots import Slot
from influence_core.nlu.understanding import Understood, understand
from influence_core.store.run import Run
from tests.factory import make_run
from tests.nlu.pretended import pretend, with_intents
from tests.nlu.sentences import scored
from tests.ui.everything import messages, visit
from tests.untouched import contents
from ui.stack_trial import LONGEST, OFFERED, ROWS

SAID = "switch on the lamp in the kitchen"
HOSTILE = "lamp <img src=x onerror=alert(1)> **b** [a](https://a.example) \u202eabc"


ALIVE = re.compile(r"(?<!\\)<[a-z]|(?<!\\)\[a\]|\*\*b\*\*")
"""Markup of the hostile texts that nothing has put out of action."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of invented sentences and an experiment that kept its stack."""
    root = tmp_path_factory.mktemp("trained") / "runs"
    run = scored(root, "talking")
    alone = StackSettings(techniques=(), seeds=1, epochs=25, min_rows=5)
    train_stacks(run, alone, name="kept")
    return root


@pytest.fixture
def run(trained: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(trained / "talking", runs_root / "talking"))


def tried(sentence: str | None = None, **view: str) -> AppTest:
    asked = {} if sentence is None else {"sentence": sentence}
    app = visit("nlu", run="talking", part="try", **asked, **view)
    assert not app.exception
    assert not app.error
    return app


def answered(run: Run, sentence: str) -> Understood:
    return understand(open_stacks(run, "kept"), sentence, count=ROWS)


def marked_up(app: AppTest) -> str:
    """Return all that Markdown draws: texts, captions, heads, and titles of tabs and buttons."""
    drawn = [one.value for one in (*app.markdown, *app.caption, *app.subheader)]
    return "\n".join([*drawn, *(one.label for one in (*app.tabs, *app.button))])


def tables(app: AppTest, column: str) -> list:
    return [frame.value for frame in app.dataframe if column in frame.value]


def offers(app: AppTest) -> list:
    return [one for one in app.button if str(one.key).startswith("offered ")]


def test_every_step_is_that_of_the_core(run: Run) -> None:
    found, app = answered(run, SAID), tried(SAID)
    domains, intents = tables(app, "Sure")
    for shown, choice in ((domains, found.domain), (intents, found.intent)):
        assert shown["Name"].tolist() == [one.name for one in choice.options]
        odds = [100 * one.probability for one in choice.options]
        assert shown["Sure"].tolist() == pytest.approx(odds)
    spoke = [found.domain.voices, found.intent.voices, found.slots[0].voices]
    for shown, voices in zip(tables(app, "Spoke"), spoke, strict=True):
        rows = [*voices.proponents, *voices.opponents]
        assert shown["Influence"].tolist() == [f"{one.value:+.3g}" for one in rows]
        assert shown["Spoke"].tolist() == ["for"] * len(voices.proponents) + ["against"] * len(
            voices.opponents
        )
        assert all(
            text[:12] == one.text[:12] for text, one in zip(shown["Text"], rows, strict=True)
        )
    assert "kitchen" in messages(app)
    assert f"{found.slots[0].confidence:.1%} sure" in messages(app)


def test_what_was_not_weighed_is_said(run: Run) -> None:
    app = tried("what weather is coming to riga")
    assert "have one intent" in messages(app)
    assert len(tables(app, "Sure")) == 1


def test_test_rows_are_offered_and_fill_the_box(run: Run) -> None:
    app = tried()
    texts = run.examples(["text", "split"]).query("split == 'test'")["text"].tolist()
    labels = [one.label for one in offers(app)]
    assert len(set(labels)) == OFFERED
    assert all(len(text) <= LONGEST for text in labels)
    assert set(labels) <= set(texts)
    assert app.text_input(key="sentence").placeholder == labels[0]
    assert not app.dataframe
    app = offers(app)[1].click().run()
    assert app.text_input(key="sentence").value == labels[1]
    assert tables(app, "Spoke")


@pytest.mark.parametrize("sentence", [HOSTILE, "\x00", "שלום", "lamp " * 5_000])
def test_any_sentence_is_shown_letter_by_letter(run: Run, sentence: str) -> None:
    app = tried(sentence)
    html = " ".join(one.proto.body for one in app.get("html"))
    assert "<img" not in html
    assert "onerror=alert" not in html or "&lt;img" in html
    assert not ALIVE.search(marked_up(app))


def test_a_slot_is_shown_letter_by_letter(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its value stands in the title of a tab, and its name, which is foreign as well, in two."""
    known = answered(run, SAID)
    slot = replace(known.slots[0], slot=Slot(0, len(HOSTILE), "<i>room</i>"))
    hostile = replace(known, text=HOSTILE, slots=(slot,), slot_names=("<i>room</i>",))
    monkeypatch.setattr(understanding, "understand", lambda *_, **__: hostile)
    told = marked_up(tried(SAID + " now"))
    assert r"\<i\>room" in told
    assert r"\<img" in told
    assert not ALIVE.search(told)


def test_nothing_is_asked_of_blanks(run: Run) -> None:
    assert not tried("   ").dataframe


@pytest.mark.parametrize("how", ["variable", "toggle"])
def test_masked_texts_cannot_be_tried(run: Run, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "variable":
        monkeypatch.setenv(MASK_TEXTS, "1")
    app = tried(SAID, **({"masked": "yes"} if how == "toggle" else {}))
    sent = messages(app)
    assert "Texts are masked" in sent
    assert SAID not in sent
    assert not [text for text in run.examples(["text"])["text"] if text in sent]
    assert "sentence" not in [one.key for one in app.text_input]


def test_a_read_only_dashboard_answers_and_writes_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(run.root)
    monkeypatch.setenv(READ_ONLY, "1")
    assert tables(tried(SAID), "Spoke")
    assert contents(run.root) == before


def test_an_experiment_without_a_stack_says_how_to_get_one(runs_root: Path) -> None:
    pretend(with_intents(make_run(runs_root, "talking", rows=300)))
    app = tried(SAID)
    assert "kept no stack" in messages(app)
    assert "influence nlu talking" in messages(app)
    assert "sentence" not in [one.key for one in app.text_input]
