"""The page of stacks: what it says of an experiment, what data need, and how one is planned."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from influence_core import jobs
from influence_core.access import MASK_TEXTS, READ_ONLY
from influence_core.nlu import paper
from influence_core.nlu.comparing import compare_stacks
from influence_core.nlu.experiment import StackExperiment, open_stacks
from influence_core.nlu.figures import WHOLE, StackFindings
from influence_core.nlu.scope import scope
from influence_core.store.run import Run
from tests.factory import HOSTILE_LABELS, make_run
from tests.nlu.composed import ALONE, compose
from tests.nlu.pretended import SMALL, pretend, with_intents
from tests.ui.everything import messages, visit
from tests.untouched import contents
from ui.stacks import PARTS

RANDOM, VOG = ("random", 0.5), ("vog-dataset", 0.5)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of hostile labels and an experiment with stacks."""
    root = tmp_path_factory.mktemp("measured")
    pretend(with_intents(make_run(root, "hostile", rows=400, hostile=True)))
    return root


@pytest.fixture
def run(measured: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(measured / "hostile", runs_root / "hostile"))


@pytest.fixture
def findings(run: Run) -> StackFindings:
    return StackFindings(open_stacks(run, "guessed"))


def said(app: AppTest) -> str:
    elements = [*app.caption, *app.markdown, *app.text, *app.subheader]
    return "\n".join(str(element.value) for element in elements)


def seen(part: str, **view: str) -> AppTest:
    app = visit("nlu", run="hostile", part=part, **view)
    assert not app.exception
    assert not app.error
    return app


def tables(app: AppTest, column: str) -> list:
    return [frame.value for frame in app.dataframe if column in frame.value]


def test_rates_are_those_of_the_core(findings: StackFindings) -> None:
    app = seen("figures")
    shown = tables(app, "Slot F1")[0]
    whole = findings.whole()
    assert shown["Domain"].tolist() == ["all domains", *whole["domain"].iloc[1:]]
    assert shown["DCER"].tolist() == [f"{one:.1%}" for one in whole["dcer"]]
    assert f"**{whole['irer'].iloc[0]:.1%}** wrong in some way" in said(app)


def test_confused_domains_are_listed_most_rows_first(findings: StackFindings) -> None:
    shown = tables(seen("figures"), "Taken for")[0]
    counts = findings.confusion()
    named = shown["Domain"], shown["Taken for"]
    rows = [counts.loc[true, told] for true, told in zip(*named, strict=True)]
    assert shown["Rows"].tolist() == [f"{one:.1f}" for one in rows]
    assert rows == sorted(rows, reverse=True)
    assert set(shown["Taken for"]) == {findings.material.domain_names[0]}


def test_confusion_is_that_of_the_stacks_that_are_chosen(findings: StackFindings) -> None:
    shown = tables(seen("figures", seen="random-0.5"), "Taken for")[0]
    first = findings.confusion(RANDOM)[findings.material.domain_names[0]]
    assert shown["Rows"].iloc[0] == f"{first.drop(first.name).max():.1f}"


def test_changes_are_those_of_the_core_and_the_papers_stand_apart(findings: StackFindings) -> None:
    ours, printed = tables(seen("pruning"), "σ of DCER")
    found = findings.changes()
    pairs = zip(found["icer"], found["icer_std"], strict=True)
    assert ours["ICER"].tolist() == [f"{mean:+.1%} ± {std:.1%}" for mean, std in pairs]
    assert printed["IRER"].tolist() == [f"{one:+.1%}" for one in paper.overall()["irer"]]
    assert printed["σ of DCER"].tolist() == [f"{one:+.2f}" for one in paper.overall()["dcer_sigma"]]


def test_where_random_loses_least_that_is_said(findings: StackFindings) -> None:
    """Both techniques guess with the same generator, so that nothing tells them apart."""
    last = findings.changes().query("fraction == 0.5").set_index("technique")["dcer"]
    assert last["random"] == last["vog-dataset"]
    told = said(seen("pruning", rate="dcer"))
    assert f"**Random** does best: DCER {last['random']:+.1%}" in told


def test_what_one_row_decides_is_not_certain(run: Run, findings: StackFindings) -> None:
    experiment = open_stacks(run, "guessed")
    one = next(
        one for one in experiment.outcomes() if (one.cell.technique, one.cell.fraction) == VOG
    )
    domains = list(one.domains)
    place = next(n for n, meant in enumerate(findings.domains) if domains[n] != meant)
    domains[place] = findings.domains[place]
    experiment.keep(replace(one, domains=domains))
    experiment.update()
    told = said(seen("pruning", rate="dcer"))
    assert "**VoG, within the dataset** does best" in told
    assert "That it is better than random is **not** certain" in told


def test_certain_differences_are_said_to_be(run: Run) -> None:
    experiment = open_stacks(run, "guessed")
    perfect = {one.cell: one for one in experiment.outcomes() if one.cell.technique is None}
    for one in list(experiment.outcomes()):
        if one.cell.technique == "vog-dataset":
            whole = next(other for cell, other in perfect.items() if cell.seed == one.cell.seed)
            experiment.keep(replace(whole, cell=one.cell, rows=one.rows))
    experiment.update()
    told = said(seen("pruning"))
    assert "**VoG, within the dataset** does best: IRER +0.0% ± 0.0%" in told
    assert "That it is better than random is certain" in told


def test_what_happens_to_domains_is_that_of_the_core(findings: StackFindings) -> None:
    app = seen("pruning", pruned="random-0.2")
    shown = tables(app, "Its share")[0].set_index("Domain")["Its share"]
    found = findings.changes_by_domain().query("technique == 'random' and fraction == 0.2")
    share = found.set_index("domain")["share"]
    assert shown.to_dict() == {name: f"{share[name]:+z.0%}" for name in shown.index}


def test_two_ways_of_pruning_are_compared(findings: StackFindings) -> None:
    told = said(seen("pruning", these="random-0.5", those="full"))
    gap = next(
        one
        for one in compare_stacks(findings, RANDOM, WHOLE, frequency="frequency", domains=())
        if one.metric == "irer"
    )
    assert gap.verdict == "worse"
    assert f"**IRER**: {gap.first:.1%} errors against {gap.second:.1%}" in told
    assert "These are certainly worse" in told
    assert "Choose two that differ" in said(seen("pruning", these="full", those="full"))


def test_every_rate_of_two_ways_is_listed(findings: StackFindings) -> None:
    shown = tables(seen("pruning", these="random-0.5", those="full"), "These are")[0]
    gaps = compare_stacks(findings, RANDOM, WHOLE, frequency="frequency", domains=())
    icer = next(one for one in gaps if (one.metric, one.part) == ("icer", "all"))
    whole = shown["Of"].str.startswith("all test rows, ")
    line = shown[(shown["Rate"] == "ICER") & whole].iloc[0]
    assert (line["These"], line["Those"]) == (f"{icer.first:.1%}", f"{icer.second:.1%}")
    assert line["These are"] == icer.verdict
    assert {one.part for one in gaps if one.first == one.first} >= {"all", "tail"}
    assert len(set(shown["Of"])) == 2


def test_requests_without_a_domain_are_counted_where_domains_were_held_out(run: Run) -> None:
    assert "never seen" not in said(seen("figures"))
    held = SMALL.model_copy(update={"out_of_scope": True, "seeds": 1})
    found = StackFindings(pretend(run, held, name="held"))
    for threshold in (0.5, 0.8):
        app = seen("figures", stack="held", sure=f"{threshold:.0%}")
        told = scope(found, threshold)
        overall = told[told["fraction"] == 0].iloc[0]
        assert f"turns away **{overall['unrecoverable']:.1%}**" in said(app)
        assert f"so it does **{overall['rejected']:.1%}** of those it knows" in said(app)
        by_domain, by_technique = tables(app, "Unrecoverable")
        assert by_domain["Domain"].iloc[0] == "all domains"
        assert set(by_domain["Domain"].iloc[1:]) == set(found.material.domain_names)
        line = told[told["domain"].isna() & (told["fraction"] > 0)].iloc[0]
        assert by_technique["Unrecoverable"].iloc[0] == (
            f"{line['unrecoverable']:.1%} ({100 * line['unrecoverable_change']:+z.1f} points)"
        )
    app = seen("pruning", stack="held", these="random-0.5", sure="80%")
    assert "Unrecoverable at 80%" in set(tables(app, "These are")[0]["Rate"])


def test_shares_and_entropies_are_those_of_the_core(findings: StackFindings) -> None:
    app = seen("data")
    shown = tables(app, "Intents")[0]
    assert shown["Rows"].tolist() == [f"{one:,}" for one in findings.entropies()["rows"]]
    shares = findings.shares()
    before = shares[shares["fraction"] == 0].set_index("domain")["share"]
    after = shares.query("technique == 'vog-dataset' and fraction == 0.5").set_index("domain")
    moved = (after["share"] - before).abs().sum() / 2
    told = said(app)
    assert f"moves the shares of the domains most, by {100 * moved:.1f} points" in told
    assert "**VoG, within the dataset** moves" in told


@pytest.mark.parametrize("part", PARTS)
def test_labels_are_shown_letter_by_letter(run: Run, part: str) -> None:
    told = said(seen(part))
    assert not [one for one in HOSTILE_LABELS if "![" in one and one in told]
    assert "<b>bold</b>" not in told


@pytest.mark.parametrize("part", PARTS)
def test_masked_pages_hold_no_text_and_the_same_figures(
    run: Run, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    plain = said(seen(part))
    monkeypatch.setenv(MASK_TEXTS, "1")
    app = seen(part)
    sent = messages(app)
    texts = [" ".join(text.split())[:60] for text in run.examples(["text"])["text"]]
    assert not [text for text in texts if len(text) > 8 and text in sent]
    assert set(said(app).splitlines()) >= {line for line in plain.splitlines() if "±" in line}


@pytest.mark.parametrize("part", PARTS)
def test_five_hundred_domains_are_capped_and_that_is_said(runs_root: Path, part: str) -> None:
    run = with_intents(make_run(runs_root, "hostile", rows=3_000, classes=500), 1)
    pretend(run, SMALL.model_copy(update={"seeds": 1, "fractions": (0.5,)}))
    app = seen(part)
    if part in ("figures", "data"):
        assert "30 largest of 500 domains are drawn" in said(app)
    assert all(len(line) < 1_000 for line in said(app).splitlines())


def test_one_seed_has_no_standard_deviation(small_run: Run) -> None:
    pretend(with_intents(small_run), SMALL.model_copy(update={"seeds": 1}))
    ours, _ = tables(visit("nlu", run="small", part="pruning"), "σ of DCER")
    assert not ours["IRER"].str.contains("±").any()


def test_data_without_intents_are_told_what_they_need(small_run: Run) -> None:
    app = visit("nlu", run="small")
    assert not app.exception
    assert "have no column `intent`" in said(app)
    assert "influence nlu small --intent COLUMN" in app.code[0].value
    assert not app.button


def test_without_an_experiment_one_is_planned_and_started(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_intents(small_run)
    begun = []
    monkeypatch.setattr(jobs, "resume", lambda place, **how: begun.append((place, how)))
    app = visit("nlu", run="small")
    assert app.expander[0].proto.expanded
    assert "6 stacks" in said(app)
    app.button(key="start_stack").click().run()
    assert not app.exception
    ((planned, how),) = begun
    assert how == {"queued": True}
    settings = planned.manifest().settings
    assert (settings.fractions, settings.seeds, len(settings.techniques)) == ((0.52,), 1, 5)
    assert "0 of 6 stacks trained" in said(app)


def test_a_plan_tells_its_time_by_the_experiments_there_are(run: Run) -> None:
    """Six stacks at 2 seconds each: a plan of one seed."""
    assert "6 stacks, about 12 s of training, judged by the experiment guessed" in said(
        seen("figures")
    )


@pytest.mark.parametrize(
    "other",
    [{"out_of_scope": True}, {"epochs": 3}, {"batch_size": 8}, {"mode": "finetune"}],
    ids=str,
)
def test_the_time_of_other_stacks_tells_nothing(small_run: Run, other: dict) -> None:
    pretend(with_intents(small_run), SMALL.model_copy(update={**other, "seeds": 1}))
    told = said(visit("nlu", run="small", part="data"))
    assert "How long one takes here is known after the first experiment of this kind" in told
    assert "judged by the experiment" not in told


def test_what_domains_are_made_of_is_that_of_the_core(small_run: Run) -> None:
    """The last domain has test rows alone: there is a dash for what is not known of it."""
    names = compose(small_run).manifest().dataset.label_names
    pretend(small_run, ALONE.model_copy(update={"techniques": ("random",), "fractions": (0.5,)}))
    app = visit("nlu", run="small", part="data")
    assert not app.exception
    ours, printed = tables(app, "VoG, class")
    shown = ours.set_index("Domain")
    assert shown.loc[names[0]].to_dict() == {
        "Models": "intents and slots",
        "Rows": "8",
        "Share": "26.7%",
        "From human": "75.0%",
        "From synthetic": "25.0%",
        "Intents": "2",
        "Intent bits": "1.00",
        "Slot bits": "1.00",
        "VoG, class": "+2.50",
        "VoG, data": "+3.50",
        "Mean": "+3.50",
        "Std": "2.29",
    }
    alone = shown.loc[names[5]]
    assert (alone["Models"], alone["Rows"]) == ("too few rows", "0")
    assert alone["From human"] == alone["Intent bits"] == alone["Std"] == "–"
    music = ["Music", "18%", "11%", "1.5", "14.8", "-0.35", "-0.34", "+0.10", "1.27"]
    assert printed.iloc[0].tolist() == music


def test_without_vog_a_plan_is_refused_kindly(runs_root: Path) -> None:
    with_intents(make_run(runs_root, "small", scores=("pvi",)))
    app = visit("nlu", run="small")
    app.button(key="start_stack").click().run()
    assert not app.exception
    assert "vog" in app.error[0].value.lower()
    assert not StackExperiment.of(Run(runs_root / "small"))


def test_what_was_trained_before_a_cancel_is_shown(small_run: Run) -> None:
    pretend(with_intents(small_run), stacks=5)
    app = visit("nlu", run="small", part="pruning")
    assert not app.exception
    assert "5 of 15 stacks trained; those that are there are shown" in said(app)
    assert "Resume" in [button.label for button in app.button]
    assert tables(app, "σ of DCER")[0]["Technique"].tolist() == ["Random"]
    assert not visit("nlu", run="small", part="data").exception


def test_an_experiment_without_a_stack_waits_for_one(small_run: Run) -> None:
    pretend(with_intents(small_run), stacks=0)
    app = visit("nlu", run="small")
    assert not app.exception
    assert "as soon as the first stacks are trained" in said(app)


def test_where_nothing_may_be_written_nothing_is_offered(
    run: Run, small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_intents(small_run)
    before = contents(run.root)
    monkeypatch.setenv(READ_ONLY, "1")
    for part in PARTS:
        assert not seen(part).button
    app = visit("nlu", run="small")
    assert "none can be started in this read-only demonstration" in said(app)
    assert not app.button
    assert contents(run.root) == before
