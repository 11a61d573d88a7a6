"""A new experiment with stacks: what its data need, its plan, and its start."""

from __future__ import annotations

import streamlit as st

from influence_core import jobs
from influence_core.nlu.cells import cells
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.settings import StackSettings
from influence_core.progress import duration
from influence_core.store.run import Run
from ui import access, experiments, forms, queries, shell, stack_sources, state
from ui.shell import Lens
from ui.stacks import TECHNIQUES, findings
from ui.wording import counted, plain, short

QUICK = StackSettings(fractions=(0.52,), seeds=1)
"""What is planned unless more is asked for: every technique, at the paper's largest share."""

INTENT = "intent"

_TIMED = ("mode", "epochs", "batch_size", "out_of_scope")
"""Settings that must be equal for a stack to take as long."""

_HOW = ("fractions", "seeds", "mode")


def possible(view: Lens) -> bool:
    """Say whether there is an experiment to read, or data to make one; if not, what they need."""
    if StackExperiment.of(view.run):
        return True
    if not experiments.possible(view):
        return False
    if INTENT in queries.ask(view.run, columns):
        return True
    with st.container(border=True):
        st.markdown(f"**The data of run {plain(view.run.name)} have no column `{INTENT}`.**")
        st.markdown(
            "A stack finds the domain of an utterance, then its intent and its slots. That takes "
            "labels that are domains, a column of intents and, for the slots, a column of lists "
            "of `{start, end, slot}`, in characters of the text. Make a run from data that have "
            "them; columns of other names are named on the command line:"
        )
        st.code(f"influence nlu {view.run.name} --intent COLUMN --slots COLUMN", language="sh")
        shell.link("run", "Start a new run", ":material/arrow_forward:", view="new")
    return False


def columns(run: Run) -> list[str]:
    """Return the names of the data's columns."""
    import pyarrow.parquet as pq

    names: list[str] = pq.read_schema(run.examples_file).names
    return names


def plan(view: Lens) -> None:
    """Draw the form of a new experiment; it is folded away where there is one to look at."""
    present = len(StackExperiment.of(view.run))
    if access.read_only():
        if not present:
            access.say_only_read("This run has no experiment with stacks, and none can be started")
        return
    if not present:
        st.markdown(
            "A stack is a classifier of domains and, for each domain, one of intents and a tagger "
            "of slots. Stacks are trained on what different ways of pruning leave, and judged on "
            "the test rows, which always stay. The labels of the run count as domains."
        )
    folded = st.expander(
        "Plan a new experiment",
        icon=":material/add:",
        expanded=not present,
        key=f"stack.plan {view.run.name} {present}",
    )
    with folded, shell.guard():
        settings = _settings(view.run)
        _say_how_much(view.run, settings)
        _start(view.run, settings)


def seconds_a_stack(experiment: StackExperiment) -> float:
    """Return how long the training of one of its stacks took; NaN where there is none."""
    found = findings(experiment)
    told = [one.seconds for point in found.points for one in found.outcomes(point)]
    return sum(told) / len(told) if told else float("nan")


def _settings(run: Run) -> StackSettings:
    chosen = st.multiselect(
        "Techniques",
        list(TECHNIQUES),
        default=list(QUICK.techniques),
        format_func=TECHNIQUES.get,
        help=StackSettings.model_fields["techniques"].description,
        key="stack.techniques",
        persist_state="session",
    )
    values = {"techniques": tuple(chosen)}
    sources = stack_sources.offered(run)
    places = st.columns(len(_HOW) + bool(sources))
    for place, name in zip(places, _HOW, strict=False):
        with place:
            values[name] = forms.field(StackSettings, name, "stack", QUICK)
    if sources:
        with places[-1]:
            values["prune_only"] = _only(run, sources)
    values["out_of_scope"] = forms.field(StackSettings, "out_of_scope", "stack", QUICK)
    return forms.build(StackSettings, values)


def _only(run: Run, sources: list[str]) -> str | None:
    """Draw the choice of the source whose rows alone may go."""
    only: str | None = st.selectbox(
        "Rows that may go",
        [None, *sources],
        format_func=lambda name: "All sources" if name is None else f"Only {short(name, 24)}",
        help=StackSettings.model_fields["prune_only"].description,
        key=f"stack.prune_only {run.name}",
        persist_state="session",
    )
    return only


def _say_how_much(run: Run, settings: StackSettings) -> None:
    """Say how many stacks that is, and how long they take if that is known."""
    number = len(cells(settings))
    stacks = counted(number, "stack")
    for one in filter(lambda one: _as_long(one, settings), StackExperiment.of(run)):
        seconds = queries.ask(one, seconds_a_stack)
        if seconds == seconds:
            st.caption(
                f":material/timer: {stacks}, about {duration(number * seconds)} of training, "
                f"judged by the experiment {plain(one.name)}."
            )
            return
    st.caption(
        f":material/timer: {stacks}, {counted(settings.seeds, 'of them', 'of them')} on all rows. "
        "How long one takes here is known after the first experiment of this kind; what was "
        "trained before a cancel is kept."
    )


def _as_long(experiment: StackExperiment, settings: StackSettings) -> bool:
    """Say whether the stacks of an experiment took as long as those of a plan will."""
    found = queries.manifest(experiment).settings
    return all(getattr(found, name) == getattr(settings, name) for name in _TIMED)


def _start(run: Run, settings: StackSettings) -> None:
    """Draw the button that plans the experiment and starts it."""
    told, act = st.columns([3, 1], vertical_alignment="center")
    told.caption(f"On the command line, with more to choose from: `influence nlu {run.name}`")
    if not act.button(
        "Start", type="primary", icon=":material/play_arrow:", width="stretch", key="start_stack"
    ):
        return
    # Trainers load torch, which reading a page must not wait for.
    from influence_core.nlu.measure import plan_stacks

    with st.spinner("Reading intents and slots"):
        planned = plan_stacks(run, settings)
    jobs.resume(planned, queued=True)
    st.switch_page(
        shell.PAGES / "nlu.py", query_params=state.link(run=run.name, stack=planned.name)
    )
