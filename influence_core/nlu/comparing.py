"""Two groups of stacks on the same test rows: what differs, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from influence_core.comparing.bootstrap import FEWEST_TOLD_APART
from influence_core.errors import ConfigError, rule
from influence_core.nlu.figures import WHOLE, Point, StackFindings
from influence_core.nlu.metrics import ERRORS, rates, resampled
from influence_core.nlu.scope import THRESHOLD, held_out, scope_counts, scope_rates
from influence_core.nlu.settings import TECHNIQUES
from influence_core.nlu.tail import TAIL_NAME, traffic
from influence_core.pruning.evidence import DRAWS, Interval, Verdict, over_samples
from influence_core.store.state import dataset_of
from influence_core.store.units import read_units

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Tell = Callable[[npt.ArrayLike], dict[str, Floats]]

FULL = "full"
"""What the stacks of all rows are called."""

ALL = "all"
"""The part that all test rows are."""

FEWER_IS_BETTER = (*ERRORS, "rejected")
"""Rates that are better the lower they are."""

_DIGITS = 12
"""Decimals of an interval: what is beyond comes of adding rates in another order."""


@dataclass(frozen=True)
class StackGap:
    """A rate of two groups of stacks, and first minus second with its 95% interval.

    `part` is a domain, or 'all' or 'tail'; `rows` are its test rows, and of `told_apart` of them
    one group has another rate than the other. What is not defined, as slot F1 of data without
    slots, is NaN.
    """

    metric: str
    part: str
    rows: int
    told_apart: int
    first: float
    second: float
    difference: Interval

    @property
    def verdict(self) -> Verdict:
        """What is certain of the first group: of errors fewer are better, of F1 more.

        Of a part of the rows nothing is, where too few of them tell the groups apart.
        """
        few = self.part != ALL and self.told_apart < FEWEST_TOLD_APART
        if few or not self.difference.excludes_zero:
            return "undecided"
        fewer = self.difference.high < 0
        return "better" if fewer == (self.metric in FEWER_IS_BETTER) else "worse"


def compare_stacks(
    findings: StackFindings,
    first: Point,
    second: Point,
    *,
    frequency: str | None = None,
    domains: Collection[str] | None = None,
    threshold: float = THRESHOLD,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[StackGap]:
    """Compare the stacks of two points of an experiment, overall, on the tail, and by domain.

    Stacks of equal seeds are compared. Test rows are drawn with replacement, the same for all
    stacks, and rows that belong together as a whole (those of a group, or of equal texts); every
    rate is computed on each sample, as the mean over the stacks of a point; the interval runs from
    the 2.5% to the 97.5% quantile of the differences. Several seeds also have a t-interval over
    their pairs, and of both the wider end on each side counts.

    Args:
        frequency: column that says how often a text is said; `tail.traffic` says what is taken
            without one. Where there is no tail, it is left out.
        domains: those to compare besides, all by default: every one takes its time.
        threshold: probability that a domain must exceed to be asked, where the experiment held
            domains out and the rates of `influence_core.nlu.scope` are compared as well.

    Raises:
        ConfigError: there is no such point, no seed has stacks of both, or `frequency` is no column
            of numbers.
    """
    check_points((first, second), findings.points)
    places = findings.paired(first, second)
    if not places[0]:
        raise ConfigError(rule("second", "have a stack of a seed that the first has", second))
    told: list[tuple[Tell, Callable[[Point], Integers]]] = [(rates, findings.counts)]
    if held_out(findings):
        told.append((scope_rates, lambda point: scope_counts(findings, point, threshold)))
    groups = [
        (tell, [counted(point)[own] for point, own in zip((first, second), places, strict=True)])
        for tell, counted in told
    ]
    run = findings.experiment.run
    units = read_units(run, dataset_of(run).group, "test")
    generator = np.random.default_rng(seed)
    return [
        gap
        for part, inside in _parts(findings, frequency, domains)
        for tell, counts in groups
        for gap in _gaps(part, tell, counts, inside, units, generator, draws)
    ]


def check_points(pair: Sequence[Point], known: Sequence[Point]) -> None:
    """Refuse to compare what is not there.

    Raises:
        ConfigError: one of the pair is none of the known points.
    """
    for name, point in zip(("first", "second"), pair, strict=True):
        if point not in known:
            has = ", ".join(map(written, known))
            raise ConfigError(
                rule(name, f"be a technique and a fraction of it ({has})", written(point))
            )


def written(point: Point) -> str:
    """Return a point as `parse_points` reads it.

    >>> written(("vog-dataset", 0.52)), written((None, 0.0))
    ('vog-dataset@0.52', 'full')
    """
    return FULL if point == WHOLE else f"{point[0]}@{point[1]:g}"


def parse_points(text: str) -> tuple[Point, Point]:
    """Return the two points that `TECHNIQUE@FRACTION,TECHNIQUE@FRACTION` names.

    >>> parse_points("vog-dataset@0.52,full")
    (('vog-dataset', 0.52), (None, 0.0))

    Raises:
        ConfigError: it is not written like that.
    """
    points = [point for one in text.split(",") if (point := _parsed(one.strip())) is not None]
    if len(points) == 2 == len(text.split(",")):
        return points[0], points[1]
    must = f"name two of {FULL!r} and TECHNIQUE@FRACTION, as 'vog-dataset@0.52,{FULL}'"
    raise ConfigError(rule("compare", must, text))


def _parsed(text: str) -> Point | None:
    if text == FULL:
        return WHOLE
    technique, _, share = text.partition("@")
    try:
        fraction = float(share)
    except ValueError:
        return None
    return next(((one, fraction) for one in TECHNIQUES if one == technique), None)


def _parts(
    findings: StackFindings, frequency: str | None, wanted: Collection[str] | None
) -> Iterator[tuple[str, Flags]]:
    domains = np.array(findings.domains)
    yield ALL, np.ones(len(domains), np.bool_)
    rare = traffic(findings, frequency).tail
    if rare.any():
        yield TAIL_NAME, rare
    for domain in findings.material.domain_names:
        if (wanted is None or domain in wanted) and (domains == domain).any():
            yield domain, domains == domain


def _gaps(
    part: str,
    tell: Tell,
    groups: Sequence[Integers],
    inside: Flags,
    units: Integers,
    generator: np.random.Generator,
    draws: int,
) -> Iterator[StackGap]:
    counts = [group[:, inside] for group in groups]
    drawn = resampled(_by_unit(np.concatenate(counts), units[inside]), generator, draws)
    split = np.split(drawn, [len(counts[0])])
    each = [tell(group.sum(axis=1)) for group in counts]
    samples = [{name: rate.mean(axis=0) for name, rate in tell(one).items()} for one in split]
    by_row = [tell(group.mean(axis=0)) for group in counts]
    for name in each[0]:
        first, second = (float(np.mean(one[name])) for one in each)
        spread = samples[0][name] - samples[1][name]
        pairs = each[0][name] - each[1][name] if len(counts[0]) > 1 else None
        yield StackGap(
            metric=name,
            part=part,
            rows=int(inside.sum()),
            told_apart=int((~_same(*(one[name] for one in by_row))).sum()),
            first=first,
            second=second,
            difference=_interval(first - second, spread, pairs),
        )


def _by_unit(counts: Integers, units: Integers) -> Integers:
    """Add up the counts (models, rows, width) of rows that belong together."""
    order = np.argsort(units, kind="stable")
    starts = np.unique(units[order], return_index=True)[1]
    sums: Integers = np.add.reduceat(counts[:, order], starts, axis=1)
    return sums


def _same(first: Floats, second: Floats) -> Flags:
    return np.isclose(first, second, rtol=0, atol=1e-9, equal_nan=True)


def _interval(mean: float, spread: Floats, pairs: Floats | None) -> Interval:
    told = over_samples(mean, spread, pairs)
    return Interval(mean, round(told.low, _DIGITS), round(told.high, _DIGITS))
