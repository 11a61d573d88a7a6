"""From settings to a subset: which training rows stay and which go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from influence_core.config import Settings
from influence_core.errors import SelectionError, rule
from influence_core.scores.registry import ScoreSpec, spec, spec_of
from influence_core.selection import samplers
from influence_core.selection.near_duplicates import near_duplicates_of, repeats_last
from influence_core.selection.quotas import prefix, prefixes, proportional
from influence_core.store.columns import NEVER_LEARNT, catalogue, score_column
from influence_core.store.lookup import at, training
from influence_core.store.query import Normalise
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

Strategy = Literal["cutoff", "softmax", "linear", "random", "stratified"]
Positions = npt.NDArray[np.int64]
Finder = Callable[[str], ScoreSpec]
"""Finds the entry of a score: in the registry, or among all scores of a run."""

PerClass = Annotated[
    bool, Field(description="Whether every class loses the same share of its rows.")
]
Floor = Annotated[int, Field(ge=0, description="Rows that every class keeps, if it has as many.")]
ClippedShare = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="Share of the training rows dropped first as likely wrong labels; "
        "it counts towards the fraction.",
    ),
]
ClippingScore = Annotated[str, Field(description="Score that tells likely wrong labels.")]

WITHOUT_SCORE: tuple[Strategy, ...] = ("random", "stratified")


class SelectionSettings(Settings):
    """Which training rows are dropped. Validation and test rows always stay."""

    fraction: float = Field(0.3, ge=0, lt=1, description="Share of the training rows to drop.")
    strategy: Strategy = Field(
        "cutoff",
        description="'cutoff' by rank; 'softmax' or 'linear' draw by score; 'random'; "
        "'stratified' is random within every class.",
    )
    prune: Literal["easy", "hard", "both"] = Field(
        "easy", description="End that is dropped: easy rows, hard rows, or both (cutoff only)."
    )
    score: str | None = Field("vog", description="Score that decides; unused by random draws.")
    normalise: Normalise = Field(
        "class",
        description="The score itself, or its z-score within the class or the dataset. "
        "The dataset's lets hard classes keep more.",
    )
    per_class: PerClass = False
    floor: Floor = 0
    clip_suspicious: ClippedShare = 0.0
    clip_by: ClippingScore = "aum"
    near_duplicates: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Cosine similarity, such as 0.95, from which rows of a label count as "
        "near-duplicates; none by default. All but one of each group are dropped before other "
        "rows: all but the hardest where easy rows go, but the easiest where hard ones go.",
    )
    seed: int = Field(0, ge=0, description="Seed of random draws.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.clip_suspicious > self.fraction:
            limit = f"be at most the fraction {self.fraction}"
            raise ValueError(rule("clip_suspicious", limit, self.clip_suspicious))
        if self.prune == "both" and self.strategy != "cutoff":
            raise ValueError(rule("strategy", "be 'cutoff' to prune both ends", self.strategy))
        if self.score is None and self.strategy not in WITHOUT_SCORE:
            raise ValueError(rule("score", f"be given for strategy {self.strategy!r}", self.score))
        return self

    @property
    def score_needed(self) -> str | None:
        """Score that the strategy reads, if any."""
        return None if self.strategy in WITHOUT_SCORE else self.score


_KEYS = ["row", "id", "label"]

DUPLICATES = "duplicates"
"""Column of numbers that near-duplicates share."""


@dataclass(frozen=True)
class Selection:
    """A subset of the training rows, as ascending row numbers.

    `clipped` of the dropped rows went as likely wrong labels; `repeated` rows were to go next, as
    near-duplicates of others; `unscored` rows had no score and were taken for median ones.
    """

    settings: SelectionSettings
    kept: Positions
    dropped: Positions
    clipped: int = 0
    repeated: int = 0
    unscored: int = 0


def select(
    source: Run | pd.DataFrame, settings: SelectionSettings, among: npt.ArrayLike | None = None
) -> Selection:
    """Choose the training rows to keep, exactly as many as the fraction leaves.

    A frame needs the columns row, id, label and those of the scores in use; for near-duplicates
    also `duplicates`, a number that they share. `among` are the numbers of the training rows to
    decide about, all by default: everything counts as if there were no others, but scores that are
    normalised compare a row with all of its class or dataset.

    Raises:
        SelectionError: the run lacks the score, or features that tell near-duplicates, or the
            floors ask for too many rows.
    """
    if isinstance(source, Run):
        return next(select_each(source, [settings], among))
    return _chosen(_part(source, among), settings, spec)


def select_each(
    run: Run, wanted: Iterable[SelectionSettings], among: npt.ArrayLike | None = None
) -> Iterator[Selection]:
    """Choose rows by each of several settings, equal ones once; the run is read once.

    Raises:
        SelectionError: as `select`.
    """
    columns = {settings: _columns(run, settings) for settings in wanted}
    table = _training_rows(run, list(dict.fromkeys(chain.from_iterable(columns.values()))))
    find = partial(spec_of, run.manifest())
    for settings, own in columns.items():
        told = table[[*_KEYS, *own]]
        if settings.near_duplicates is not None:
            groups = near_duplicates_of(run, settings.near_duplicates)
            told = told.assign(**{DUPLICATES: groups})
        yield _chosen(_part(told, among), settings, find)


def _part(table: pd.DataFrame, among: npt.ArrayLike | None) -> pd.DataFrame:
    return table if among is None else table[np.isin(table["row"], among)]


def _chosen(table: pd.DataFrame, settings: SelectionSettings, find: Finder) -> Selection:
    rows = table["row"].to_numpy(np.int64)
    clipped = _suspicious(table, settings, find)
    open_rows = np.setdiff1d(np.arange(len(rows)), clipped, assume_unique=True)
    keep = len(rows) - round(settings.fraction * len(rows))
    part = table.iloc[open_rows]
    kept = open_rows[_keep(part, keep, settings, find)]
    return Selection(
        settings=settings,
        kept=np.sort(rows[kept]),
        dropped=np.sort(np.delete(rows, kept)),
        clipped=len(clipped),
        repeated=_repeated(part, settings),
        unscored=_unscored(part, settings),
    )


def _keep(table: pd.DataFrame, keep: int, settings: SelectionSettings, find: Finder) -> Positions:
    """Return positions of the kept rows in the table."""
    groups = _class_numbers(table)
    if not (settings.per_class or settings.strategy == "stratified"):
        return prefix(_order(table, settings, find), keep, groups, settings.floor)
    quotas = proportional(np.bincount(groups), keep, settings.floor)
    return prefixes(_order_within(table, groups, settings, find), quotas, groups)


def _class_numbers(table: pd.DataFrame) -> Positions:
    """Number the classes in the order of their names; return that of every row."""
    import pandas as pd

    numbers, _ = pd.factorize(table["label"], sort=True)
    return np.asarray(numbers, np.int64)


def _order_within(
    table: pd.DataFrame, groups: Positions, settings: SelectionSettings, find: Finder
) -> Positions:
    """Order the rows class after class, each by itself: its own z-scores and its own clip."""
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    return np.concatenate(
        [rows[_order(table.iloc[rows], settings, find, turn)] for turn, rows in enumerate(members)]
    )


def _order(
    table: pd.DataFrame, settings: SelectionSettings, find: Finder, turn: int = 0
) -> Positions:
    """Order rows as the strategy keeps them; each turn has a stream of random numbers."""
    ids = table["id"]
    generator = np.random.default_rng([settings.seed, turn])
    hardness = None if settings.score_needed is None else _hardness(table, settings, find)
    order = _drawn(hardness, ids, settings, generator)
    if settings.near_duplicates is None:
        return order
    longest = order if hardness is None else samplers.cutoff(hardness, ids, settings.prune)
    return repeats_last(order, table[DUPLICATES].to_numpy(), longest)


def _drawn(
    hardness: samplers.Floats | None,
    ids: npt.ArrayLike,
    settings: SelectionSettings,
    generator: np.random.Generator,
) -> Positions:
    if hardness is None:
        return samplers.random(ids, generator)
    if settings.strategy == "cutoff":
        return samplers.cutoff(hardness, ids, settings.prune)
    draw = samplers.softmax if settings.strategy == "softmax" else samplers.linear
    return draw(hardness, ids, generator, settings.prune)


def _hardness(table: pd.DataFrame, settings: SelectionSettings, find: Finder) -> samplers.Floats:
    key = str(settings.score_needed)
    values = table[score_column(key, settings.normalise)]
    if NEVER_LEARNT in table:
        values = values.mask(table[NEVER_LEARNT], values.max() + 1)
    return samplers.hardness(values, find(key).hard)


def _suspicious(table: pd.DataFrame, settings: SelectionSettings, find: Finder) -> Positions:
    """Return positions of the rows that go first as likely wrong labels."""
    count = round(settings.clip_suspicious * len(table))
    if not count:
        return np.zeros(0, np.int64)
    end = find(settings.clip_by).suspicious
    if end is None:
        raise SelectionError(
            rule("clip_by", "be a score that tells wrong labels, such as 'aum'", settings.clip_by)
        )
    suspicion = samplers.hardness(table[settings.clip_by], end)
    return np.sort(samplers.cutoff(suspicion, table["id"])[:count])


def _repeated(table: pd.DataFrame, settings: SelectionSettings) -> int:
    """Count the rows that are near-duplicates of another, all but one of each group."""
    if settings.near_duplicates is None:
        return 0
    return len(table) - int(table[DUPLICATES].nunique())


def _unscored(table: pd.DataFrame, settings: SelectionSettings) -> int:
    key = settings.score_needed
    if key is None:
        return 0
    values = table[score_column(key, settings.normalise)].to_numpy(np.float64)
    return int((~np.isfinite(values)).sum())


def _training_rows(run: Run, columns: list[str]) -> pd.DataFrame:
    """Read what tells the training rows apart, and columns of their scores."""
    import pyarrow as pa

    known = catalogue(run)
    rows = np.flatnonzero(training(run))
    told = {name: at(run, known.get(name), rows) for name in ("id", "label")}
    read = {name: at(run, known.get(name), rows) for name in columns}
    table: pd.DataFrame = pa.table({"row": rows, **told, **read}).to_pandas()
    return table


def _columns(run: Run, settings: SelectionSettings) -> list[str]:
    """Return the columns of scores that decide.

    Raises:
        SelectionError: the run lacks a score.
    """
    keys: dict[str, str] = {}
    wanted: list[str] = []
    if settings.score_needed is not None:
        keys["score"] = settings.score_needed
        wanted.append(score_column(settings.score_needed, settings.normalise))
    if settings.score_needed == "forgetting" and NEVER_LEARNT in catalogue(run):
        wanted.append(NEVER_LEARNT)
    if settings.clip_suspicious > 0:
        keys["clip_by"] = settings.clip_by
        wanted.append(settings.clip_by)
    scored = run.manifest().scores
    for parameter, key in keys.items():
        if key not in scored:
            has = f"be one of {', '.join(scored)}" if scored else "wait: the run has no scores yet"
            raise SelectionError(rule(parameter, has, key))
    return list(dict.fromkeys(wanted))
