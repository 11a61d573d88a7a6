"""A walk through a run: at each stop one sentence of what it found, with the figures to prove it.

Every sentence is read from the run's files; nothing is computed that takes longer than a look.
"""

from __future__ import annotations

from influence_core.config import BUILTIN_SOURCE
from influence_core.noise.flipping import FLIPPED
from influence_core.noise.known import TRUTHS, Flags, found_by_rank, known_wrong
from influence_core.noise.share import WrongShare
from influence_core.noise.table import NoiseFacts, read_facts, read_noise
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.figures import Findings
from influence_core.pruning.recommend import Recommendation, recommend
from influence_core.report.about_scores import HARDEST
from influence_core.report.datasheet import COMPARED
from influence_core.report.wording import between, count, counted, percent, short
from influence_core.scores.registry import spec_of
from influence_core.selection.classes import by_hardness
from influence_core.selection.retention import retention_of
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.columns import catalogue, rank_column
from influence_core.store.query import Between, ExampleQuery, OneOf
from influence_core.store.rows import count as rows_found
from influence_core.store.run import Run
from influence_core.store.state import dataset_of

TOLD_WITHIN = 0.2
"""Widest interval of a share of wrong labels that is told at a glance, without its ends."""

LOOKED_AT = 100
"""Suspects of which the walk tells how many are really wrong."""

TOLERANCE = 0.01

DROPPED = 0.3

_ALL = ExampleQuery(scored_only=True)


def rare_and_hard(run: Run, score: str) -> str:
    """Tell which classes are rare and hard at once by a score."""
    spec = spec_of(run.manifest(), score)
    classes = by_hardness(run, score, spec.hard, "label", _ALL)
    found = classes[classes["corner"]].sort_values("hardness", ascending=False)
    total = counted(len(classes), "class", "classes")
    if found.empty:
        return f"Of {total} none is both rare and hard by {spec.label}."
    first = found.iloc[0]
    are = "is" if len(found) == 1 else "are"
    return (
        f"{count(len(found))} of {total} {are} rare and hard at once by {spec.label}, first of all "
        f"“{short(first['group'], 40)}” with {counted(first['rows'], 'row')}."
    )


def misjudged(run: Run, score: str) -> str:
    """Tell how often the final model contradicts the label of the hardest rows, and of the rest."""
    spec, scored = spec_of(run.manifest(), score), rows_found(run, _ALL)
    hardest = max(round(HARDEST * scored), 1)
    told = f"The hardest {percent(HARDEST, 0)} by {spec.label} are {counted(hardest, 'row')}"
    if "correct" not in catalogue(run):
        return f"{told}."
    wrong, known = (OneOf(column="correct", values=one) for one in ((False,), (False, True)))
    among = Between(column=rank_column(score), maximum=hardest)
    every, here, judged, judged_here = (
        rows_found(run, ExampleQuery(filters=filters, scored_only=True))
        for filters in ((wrong,), (wrong, among), (known,), (known, among))
    )
    if not judged_here:
        return f"{told}."
    rest = (every - here) / max(judged - judged_here, 1)
    return (
        f"{told}: the model contradicts the label of {percent(here / judged_here)} of them, and of "
        f"{percent(rest)} of the rest."
    )


def wrong_labels(run: Run) -> str:
    """Tell how many labels look wrong, and where it is known, how many of the first really are."""
    facts, known = read_facts(run), known_wrong(run)
    if facts is None:
        are = "Wrong labels were not looked for yet" if known is None else _told_wrong(run, known)
        return f"{are}: find them, and see who is right."
    told = _estimated(run, facts)
    if known is None or not known.any():
        return told
    looked = min(LOOKED_AT, len(known))
    right = found_by_rank(read_noise(run), known, looked)["precision"].iloc[-1]
    return (
        f"{told} Of the first {count(looked)} suspects {percent(right, 0)} really are wrong, by "
        f"column {_truths(run)}."
    )


def cost_measured(experiment: Experiment) -> str:
    """Tell how much may go by the best way that an experiment measured."""
    advice = recommend(Findings(experiment), TOLERANCE)
    safe = [one for one in advice if one.fraction is not None]
    allowed = f"{counted(100 * TOLERANCE, 'point')} of accuracy"
    if not safe:
        return f"No way of pruning that was measured certainly costs less than {allowed}."
    best = max(safe, key=_share)
    return f"By the best way that was measured, {best.words[0].lower()}{best.words[1:]}"


def cost_unknown(run: Run) -> str:
    """Tell what an experiment would find out, where none was measured."""
    dataset = dataset_of(run)
    left = round((1 - DROPPED) * dataset.splits.get("train", 0))
    return (
        f"Without {percent(DROPPED, 0)} of the training rows {count(left)} are left: train on "
        f"them, and {counted(dataset.splits.get('test', 0), 'test row')} tell what that costs."
    )


def kept(run: Run, score: str) -> str:
    """Tell what dropping the easiest rows by a score takes from the class that pays most."""
    settings = SelectionSettings(fraction=DROPPED, score=score)
    table = retention_of(run, select(run, settings).kept).sort_values("kept_share", kind="stable")
    first, left = table.iloc[0], int(table["kept"].sum())
    return (
        f"Dropping the easiest {percent(DROPPED, 0)} by {spec_of(run.manifest(), score).label}, "
        f"{COMPARED[settings.normalise]}, leaves {counted(left, 'training row')}; "
        f"“{short(first['value'], 40)}” pays most: it keeps "
        f"{percent(first['kept_share'], 0)} of its own."
    )


def finding(run: Run) -> str:
    """Tell the most telling thing that is known of a run at a glance; "" where there is none."""
    facts = read_facts(run)
    wrong = facts.wrong if facts else None
    if wrong is not None and wrong.high - wrong.low <= TOLD_WITHIN:
        return _suspected(run, wrong)
    if not run.scores_file.exists() or "never_learnt" not in catalogue(run):
        return ""
    never = OneOf(column="never_learnt", values=(True,))
    rows = rows_found(run, ExampleQuery(filters=(never,), scored_only=True))
    return f"{counted(rows, 'row')} never learnt"


def _told_wrong(run: Run, known: Flags) -> str:
    """Tell how many labels are wrong, and by what that is known."""
    wrong = counted(int(known.sum()), "label")
    made = run.manifest().settings.data.source == BUILTIN_SOURCE or FLIPPED in catalogue(run)
    if made:
        return f"{wrong} were made wrong on purpose, as column {_truths(run)} tells"
    return f"Column {_truths(run)} says that {wrong} are wrong"


def _truths(run: Run) -> str:
    """Name the columns that say which labels are wrong."""
    return " and ".join(f"'{name}'" for name in TRUTHS if name in catalogue(run))


def _estimated(run: Run, facts: NoiseFacts) -> str:
    if facts.wrong is None:
        return "The rows are ranked by how wrong their label looks."
    return f"{_suspected(run, facts.wrong)} ({between(facts.wrong.low, facts.wrong.high)})."


def _suspected(run: Run, wrong: WrongShare) -> str:
    rows = round(wrong.share * dataset_of(run).splits.get("train", 0))
    return f"About {counted(rows, 'label')} look wrong"


def _share(one: Recommendation) -> float:
    return one.fraction or 0.0
