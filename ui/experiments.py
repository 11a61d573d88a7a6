"""Pruning experiments of a run: planned in a form, started in the background, chosen."""

from __future__ import annotations

from math import ceil
from typing import Any

import streamlit as st

from influence_core import jobs
from influence_core.progress import duration
from influence_core.pruning.cells import cells
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.forecast import forecast, guess, seconds_a_step
from influence_core.pruning.settings import ExperimentSettings
from influence_core.scores.registry import specs_of
from influence_core.store.run import Manifest, Run
from ui import access, forms, queries, shell, state
from ui.shell import Lens
from ui.wording import counted, glosses, plain

_WHAT_GOES = ("strategies", "normalise")
_HOW = ("mode", "equal", "seeds", "epochs")

_NOT_DRAWN = {"curves"}
"""What only a command asks for: the form tries every combination of what it draws."""

QUICK = ExperimentSettings(fractions=(0.2, 0.4, 0.6, 0.8))
"""What is planned unless more is asked for, by the score in view: an answer within minutes."""

_FRACTIONS = "experiment.fractions"

_JUDGING = {"train": "to train on", "test": "to judge models by"}
"""Splits that an experiment takes, and what for."""


def possible(view: Lens) -> bool:
    """Say whether the run has the rows that an experiment takes; if not, what to do."""
    splits = view.manifest.dataset.splits if view.manifest.dataset else {}
    missing = [f"no {split} rows {use}" for split, use in _JUDGING.items() if not splits.get(split)]
    if not missing:
        return True
    with st.container(border=True):
        st.markdown(f"**Run {plain(view.run.name)} has {' and '.join(missing)}.**")
        st.write(
            "An experiment drops training rows and asks the models about test rows. Make a run "
            "from data with a split column, or let it hold some rows out."
        )
        shell.link("run", "Start a new run", ":material/arrow_forward:", view="new")
    return False


def plan(view: Lens) -> None:
    """Draw the form of a new experiment; it is folded away where there is one to look at."""
    present = len(Experiment.of(view.run))
    if access.read_only():
        if not present:
            access.say_only_read("This run has no experiment, and none can be started")
        return
    if not present:
        st.markdown(
            "Models are trained on what different ways of pruning leave, and judged on the test "
            "rows, which always stay: you see what dropping data would do before you drop it."
        )
    # With each new experiment it is another form: folded again, and without a name.
    folded = st.expander(
        "Plan a new experiment",
        icon=":material/add:",
        expanded=not present,
        key=f"experiment.plan {view.run.name} {present}",
    )
    with folded, shell.guard():
        settings = _settings(view)
        _say_how_much(view.run, settings)
        _start(view.run, settings, present)


def choose(run: Run) -> tuple[Experiment, ...]:
    """Draw the choice of an experiment, and of one to compare it with; empty where none is."""
    found = {one.name: one for one in Experiment.of(run)}
    if not found:
        return ()
    state.settle("experiment", list(found))
    others = ["", *(name for name in found if name != state.get("experiment"))]
    state.settle("against", others)
    st.selectbox("Experiment", list(found), key="experiment", persist_state="session", width=230)
    if len(others) > 1:
        with st.popover("Compare", icon=":material/compare_arrows:"):
            st.selectbox(
                "Compare with",
                others,
                format_func=lambda name: name or "no other",
                key="against",
                persist_state="session",
            )
    names = (state.get("experiment"), state.get("against"))
    return tuple(found[name] for name in names if name)


def _settings(view: Lens) -> ExperimentSettings:
    """Draw the settings in the order in which they are decided."""
    places = st.columns([1.6, 1.4, 1])
    with places[0]:
        values: dict[str, Any] = {"scores": _scores(view)}
    for place, name in zip(places[1:], _WHAT_GOES, strict=True):
        with place:
            values[name] = forms.field(ExperimentSettings, name, "experiment")
    values |= forms.fields(ExperimentSettings, ("fractions",), "experiment", QUICK)
    _presets(view)
    for place, name in zip(st.columns(len(_HOW)), _HOW, strict=True):
        with place:
            values[name] = forms.field(ExperimentSettings, name, "experiment")
    drawn = {*values, *_NOT_DRAWN}
    others = [name for name in ExperimentSettings.model_fields if name not in drawn]
    with st.expander("All other settings", icon=":material/tune:"):
        columns = st.columns(3, vertical_alignment="bottom")
        for number, name in enumerate(others):
            with columns[number % 3]:
                values[name] = _other(name, view.manifest)
    made = forms.build(ExperimentSettings, values)
    return made if made.scores else made.model_copy(update={"scores": view.manifest.scores})


def _presets(view: Lens) -> None:
    """Draw the way from the quick plan to the thorough one, or back."""
    usual = _typed(ExperimentSettings())
    thorough = not st.session_state.get(_key(view)) and st.session_state.get(_FRACTIONS) == usual
    with st.container(horizontal=True, vertical_alignment="center"):
        if thorough:
            st.caption("Every score of the run, at every tenth.")
            st.button("Quick estimate", icon=":material/bolt:", on_click=_plan, args=(view, True))
        else:
            st.caption(
                "A quick estimate takes the score in view, at four shares. More scores and shares "
                "can follow."
            )
            st.button(
                "All scores", icon=":material/select_all:", on_click=_plan, args=(view, False)
            )


def _plan(view: Lens, quick: bool) -> None:
    """Fill in the quick plan or the thorough one, for the form that is drawn next."""
    st.session_state[_key(view)] = [view.score] if quick else []
    st.session_state[_FRACTIONS] = _typed(QUICK if quick else ExperimentSettings())


def _typed(settings: ExperimentSettings) -> str:
    """Return shares as the form has them."""
    return ", ".join(f"{one:g}" for one in settings.fractions)


def _key(view: Lens) -> str:
    """Return the key of the scores: with another score in view, another one is proposed."""
    return f"experiment.scores {view.run.name} {view.score}"


def _scores(view: Lens) -> tuple[str, ...]:
    """Draw the scores that decide, at first the one in view; none chosen means all of the run."""
    entries = specs_of(view.manifest)
    chosen: list[str] = st.multiselect(
        "Scores",
        list(entries),
        default=[view.score],
        format_func=lambda key: entries[key].label,
        placeholder=f"all {len(entries)} scores of the run",
        help=f"{ExperimentSettings.model_fields['scores'].description}\n\n"
        f"{glosses(entries.values())}",
        key=_key(view),
        persist_state="session",
    )
    return tuple(chosen)


def _other(name: str, manifest: Manifest) -> Any:
    """Draw one of the settings that are folded away; a score is one of the run's."""
    if name != "clip_by":
        return forms.field(ExperimentSettings, name, "experiment")
    info, entries = ExperimentSettings.model_fields[name], specs_of(manifest)
    names = list(entries)
    return st.selectbox(
        forms.label(name),
        names,
        index=names.index(info.default) if info.default in names else 0,
        format_func=lambda key: entries[key].label,
        help=info.description,
        key=f"experiment.clip_by {manifest.name}",
        persist_state="session",
    )


def _say_how_much(run: Run, settings: ExperimentSettings) -> None:
    """Say how many models that is, and how long they take if this machine's speed is known."""
    models = counted(len(cells(settings)), "model")
    judged = forecast(run, settings, lambda one: queries.ask(one, seconds_a_step))
    if judged is not None:
        st.caption(
            f":material/timer: {models}, about {duration(judged.seconds)} of training, judged by "
            f"the experiment {plain(judged.judged_by)}."
        )
        return
    seconds = guess(run, settings)
    if seconds is not None:
        st.caption(
            f":material/timer: {models}, about {_roughly(seconds)} of training, guessed from how "
            "long the run itself took; what was trained before a cancel is kept."
        )
        return
    st.caption(
        f":material/timer: {models}. How long one takes here is known after the first experiment "
        f"with {settings.mode} on this run; what was trained before a cancel is kept."
    )


def _roughly(seconds: float) -> str:
    """Word a guess: to ten seconds, to a minute, or to the next hour and minute.

    >>> _roughly(3), _roughly(41), _roughly(80)
    ('10 s', '50 s', '2 min')
    """
    if seconds <= 50:
        return f"{max(10, 10 * ceil(seconds / 10))} s"
    return f"{ceil(seconds / 60)} min" if seconds < 3600 else duration(seconds)


def _start(run: Run, settings: ExperimentSettings, present: int) -> None:
    """Draw the name and the button that plans the experiment and starts it."""
    name, act = st.columns([3, 1], vertical_alignment="bottom")
    typed = name.text_input(
        "Name of the experiment",
        placeholder="pruning, with a number if need be",
        key=f"experiment.name {run.name} {present}",
        help="Letters, digits, '.', '_' and '-'. Its folder in that of the run is called so.",
    )
    if not act.button("Start", type="primary", icon=":material/play_arrow:", width="stretch"):
        return
    # Trainers load torch, which reading a page must not wait for.
    from influence_core.pruning.measure import plan_pruning

    with st.spinner("Drawing the subsets"):
        planned = plan_pruning(run, settings, name=typed.strip() or None)
    jobs.resume(planned, queued=True)
    st.switch_page(
        shell.PAGES / "pruning.py",
        query_params=state.link(run=run.name, experiment=planned.name),
    )
