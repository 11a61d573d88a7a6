"""Masked texts: no page shows, finds or sends one, and labels stay."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from influence_core.access import MASK_TEXTS
from influence_core.noise.table import find_noise
from influence_core.store import tables
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Finding, Run
from tests.store.test_masking import with_column
from tests.ui.everything import messages, pages, visit


def secrets(run: Run) -> list[str]:
    """Return the texts of a run that say enough to be found by chance nowhere else."""
    texts = run.examples(["text"])["text"]
    return [" ".join(text.split())[:60] for text in texts if len(text) > 8]


@pytest.fixture
def judged(hostile_run: Run) -> Run:
    """A hostile run with suspects, and a finding that quotes a text."""
    find_noise(hostile_run)
    dataset = hostile_run.manifest().dataset
    finding = Finding(level="warning", check="texts", message=f"Twice: {secrets(hostile_run)[-1]}")
    hostile_run.update(dataset=dataset.model_copy(update={"findings": (finding,)}))
    find_noise(hostile_run)
    return hostile_run


def left(app: AppTest, run: Run) -> list[str]:
    """Return the texts of a run that anything sent to the browser holds."""
    sent = messages(app)
    return [text for text in secrets(run) if text in sent]


@pytest.mark.parametrize("page", pages())
@pytest.mark.parametrize("how", ["variable", "toggle"])
def test_no_page_sends_a_text(
    judged: Run, monkeypatch: pytest.MonkeyPatch, page: str, how: str
) -> None:
    if how == "variable":
        monkeypatch.setenv(MASK_TEXTS, "1")
    asked = {"masked": "yes"} if how == "toggle" else {"masked": "no"}
    app = visit(page, run="hostile", **asked)
    assert not app.exception
    assert left(app, judged) == []


def test_pages_send_texts_where_nobody_masks_them(judged: Run) -> None:
    assert left(visit("examples", run="hostile"), judged)
    assert left(visit("noise", run="hostile"), judged)
    assert left(visit("run", run="hostile", view="progress"), judged)


def test_labels_and_figures_stay(judged: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MASK_TEXTS, "1")
    app = visit("examples", run="hostile", score="vog")
    table = app.dataframe[0].value
    query = ExampleQuery(score="vog", order="hardest", scored_only=True)
    plain = tables.page(judged, query, 1, 25)
    assert table["label"].tolist() == plain["label"].tolist()
    assert table["id"].tolist() == plain["id"].tolist()
    assert set(table["text"].str.startswith("masked, ")) == {True}


ATTEMPTS = (
    {"search": "jazz"},
    {"search": "^switch.*", "regex": "yes"},
    {"filter": "text=*jazz"},
    {"filter": "slots=*thing"},
)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=str)
def test_an_address_can_neither_unmask_nor_guess(
    small_run: Run, monkeypatch: pytest.MonkeyPatch, attempt: dict[str, str]
) -> None:
    every = visit("examples", run="small").dataframe[0].value["id"].tolist()
    monkeypatch.setenv(MASK_TEXTS, "1")
    app = visit("examples", run="small", masked="no", **attempt)
    assert app.dataframe[0].value["id"].tolist() == every
    assert left(app, small_run) == []
    assert app.text_input(key="search").disabled
    assert not app.text_input(key="search").value
    assert "masked" not in [one.key for one in app.toggle]


def test_the_toggle_masks_and_shows_again(small_run: Run) -> None:
    app = visit("examples", run="small")
    assert left(app, small_run)
    app.toggle(key="masked").set_value(True).run()
    assert left(app, small_run) == []
    app = visit("examples", run="small", masked="yes")
    app.toggle(key="masked").set_value(False).run()
    assert left(app, small_run)


def test_columns_that_may_hold_texts_cannot_be_chosen(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_column(small_run, "said", small_run.examples(["text"])["text"].tolist())
    small_run.update()
    assert "said" in visit("distributions", run="small").selectbox(key="by").options
    monkeypatch.setenv(MASK_TEXTS, "1")
    app = visit("distributions", run="small", by="said")
    assert "said" not in app.selectbox(key="by").options
    assert app.selectbox(key="by").value == "label"
    assert left(app, small_run) == []


def test_a_masked_report_is_made_whatever_the_address_says(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MASK_TEXTS, "1")
    app = visit("report", run="small", mask="no")
    app = next(one for one in app.button if one.label == "Make the report").click().run()
    assert "Texts are left out of this copy" in messages(app)
    assert left(app, small_run) == []


@pytest.mark.parametrize("how", ["variable", "toggle"])
def test_a_source_on_the_machine_is_not_shown_either(
    small_run: Run, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Whoever can name the file of a run must not read it on the form of a new one."""
    if how == "variable":
        monkeypatch.setenv(MASK_TEXTS, "1")
    asked = {"masked": "yes"} if how == "toggle" else {}
    app = visit("run", run="small", view="new", way="name", **asked)
    app.text_input(key="source_name").input(str(small_run.examples_file)).run()
    assert not app.exception
    assert "the first rows are not shown" in messages(app)
    assert left(app, small_run) == []


def test_no_sentence_can_be_tried_on_masked_rows(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "a text of yours" in messages(visit("examples", run="small"))
    monkeypatch.setenv(MASK_TEXTS, "1")
    app = visit("examples", run="small", ask="switch off jazz now")
    assert "a text of yours" not in messages(app)
    assert "switch off jazz now" not in messages(app)


def test_a_masked_answer_is_not_the_one_that_is_kept(small_run: Run) -> None:
    """Who masks and who does not share the answers of the core."""
    assert left(visit("examples", run="small", masked="yes"), small_run) == []
    assert left(visit("examples", run="small"), small_run)
