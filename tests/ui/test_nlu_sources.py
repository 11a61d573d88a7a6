"""What the page of stacks says by source, and the choice of the source whose rows alone may go."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from influence_core import jobs
from influence_core.access import MASK_TEXTS
from influence_core.nlu import by_source
from influence_core.nlu.experiment import open_stacks
from influence_core.nlu.figures import StackFindings
from influence_core.report.wording import percent
from influence_core.store.run import Run
from tests.factory import HOSTILE_LABELS
from tests.nlu.pretended import SMALL, pretend, with_intents, with_sources
from tests.ui.everything import messages, visit

ASKED = "Where do the rows come from?"
ROWS = "Rows that may go"

ONLY = SMALL.model_copy(update={"prune_only": "human"})


@pytest.fixture
def run(small_run: Run) -> Run:
    """The small run with intents; its rows are of `human`, `synthetic`, or no source."""
    return with_intents(small_run)


def seen(part: str, **view: str) -> AppTest:
    app = visit("nlu", run="small", part=part, **view)
    assert not app.exception
    assert not app.error
    return app


def table(app: AppTest, *columns: str) -> object:
    return next(one.value for one in app.dataframe if set(columns) <= set(one.value))


def found(run: Run) -> StackFindings:
    return StackFindings(open_stacks(run, "guessed"))


def test_shares_and_figures_by_source_are_those_of_the_core(run: Run) -> None:
    pretend(with_sources(run, ["human" if row % 3 else "synthetic" for row in range(400)]))
    app = seen("data")
    findings = found(run)
    shares = by_source.composition(findings).iloc[:2].set_index("source")["share"]
    told = messages(app)
    assert ASKED in told
    assert f"**human** brings {percent(shares['human'])}" in told
    hard = by_source.hardness(findings)
    shown = table(app, "Source", "Median, data")
    assert shown["Source"].tolist() == ["all sources", "human", "synthetic"]
    assert shown["Training rows"].tolist() == [f"{one:,}" for one in hard["rows"]]
    assert shown["Median, class"].tolist() == [f"{one:+z.2f}" for one in hard["median_class"]]
    errors, rates = table(app, "Source", "Slot F1"), by_source.whole(findings)
    assert errors["IRER"].tolist() == [percent(one) for one in rates["irer"]]
    worst = rates.iloc[1:].sort_values("irer").iloc[-1]
    assert f"The stack gets {percent(worst['irer'])} of {worst['rows']:.0f} test rows of" in told


def test_the_link_leads_to_scores_by_source(run: Run) -> None:
    pretend(run)
    (link,) = [
        one for one in seen("data").get("page_link") if "by=source" in one.proto.query_string
    ]
    assert link.proto.label == "All scores, by source"


def test_changes_by_source_are_those_of_the_point_that_is_chosen(run: Run) -> None:
    pretend(run)
    shown = table(seen("pruning", pruned="random-0.2"), "Source", "IRER")
    told = by_source.changes(found(run)).query("technique == 'random' and fraction == 0.2")
    assert shown["Source"].tolist() == told["source"].tolist() == ["human", "synthetic", "(none)"]
    for text, mean in zip(shown["IRER"], told["irer"], strict=True):
        assert text.startswith(f"{mean:+z.0%}" if mean == mean else "–")


def test_it_is_said_which_source_alone_was_pruned(run: Run) -> None:
    material = StackFindings(pretend(run, ONLY)).material
    app = seen("pruning")
    told = messages(app)
    rows = f"these {len(material.prunable)} of {len(material.train_rows)} training rows"
    assert "Only rows of **human** were pruned" in told
    assert rows in told
    assert "With 50% of the training rows of **human** gone" in told
    assert "With 50% of the training rows of **human** gone" in messages(seen("data"))


def test_of_experiments_on_all_rows_nothing_of_that_is_said(run: Run) -> None:
    pretend(run)
    told = messages(seen("pruning"))
    assert "were pruned" not in told
    assert "With 50% of the training rows gone" in told


def test_a_source_is_chosen_and_planned(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    monkeypatch.setattr(jobs, "resume", lambda place, **how: begun.append(place))
    app = visit("nlu", run="small")
    choice = app.selectbox(key="stack.prune_only small")
    assert choice.label == ROWS
    assert choice.options == ["All sources", "Only human", "Only synthetic", "Only (none)"]
    choice.select("synthetic").run()
    app.button(key="start_stack").click().run()
    assert not app.exception
    (planned,) = begun
    assert planned.manifest().settings.prune_only == "synthetic"


@pytest.mark.parametrize("names", [None, ["traffic"] * 400], ids=["none", "one"])
def test_without_several_sources_none_can_be_chosen(run: Run, names: list | None) -> None:
    pretend(with_sources(run, names))
    app = seen("data")
    assert ROWS not in [one.label for one in app.selectbox]
    told = messages(app)
    assert ("All training rows come from **traffic**" in told) == (names is not None)
    assert (ASKED in told) == (names is not None)
    assert "Which sources pay for it?" not in messages(seen("pruning"))


def test_names_of_sources_are_shown_letter_by_letter(run: Run) -> None:
    hostile = [HOSTILE_LABELS[row % len(HOSTILE_LABELS)] for row in range(400)]
    pretend(with_sources(run, hostile), SMALL.model_copy(update={"prune_only": hostile[1]}))
    for part in ("data", "pruning"):
        app = seen(part)
        told = "\n".join(str(one.value) for one in [*app.markdown, *app.caption])
        assert not [one for one in HOSTILE_LABELS if "![" in one and one in told]
        assert "<b>bold</b>" not in told


def test_sources_that_may_be_texts_are_masked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"https://example.invalid/{row}" for row in range(400)]
    train = run.examples(["split"])["split"].tolist().index("train")
    pretend(with_sources(run, names), SMALL.model_copy(update={"prune_only": names[train]}))
    assert "invalid" in messages(seen("pruning"))
    monkeypatch.setenv(MASK_TEXTS, "1")
    for part in ("data", "pruning"):
        app = seen(part)
        told = messages(app)
        assert ASKED not in told
        assert "invalid" not in told
        assert ROWS not in [one.label for one in app.selectbox]
    assert "Only rows of one source were pruned" in told


def test_of_two_experiments_every_part_is_shown(run: Run) -> None:
    pretend(run)
    pretend(run, ONLY, name="human-only")
    for part in ("figures", "pruning", "data"):
        assert "Only rows of" not in messages(seen(part, stack="guessed"))
    assert "Only rows of **human**" in messages(seen("pruning", stack="human-only"))
