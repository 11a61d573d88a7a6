"""Two groups of stacks on the same test rows: what differs, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from influence_core.errors import ConfigError, rule
from influence_core.nlu.figures import ERRORS, WHOLE, Point, StackFindings
from influence_core.nlu.metrics import rates, resampled
from influence_core.nlu.scope import THRESHOLD, held_out, scope_counts, scope_rates
from influence_core.nlu.settings import TECHNIQUES
from influence_core.pruning.evidence import DRAWS, Interval, Verdict, over_samples
from influence_core.store.run import Run

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TAIL = 0.4
"""Share of the traffic that its least frequent texts make up."""

FULL = "full"
"""What the stacks of all rows are called."""

FREQUENCY = "frequency"
"""Column that says how often a text is said, where data have it."""

ALL, TAIL_NAME = "all", "tail"

FEWER_IS_BETTER = (*ERRORS, "rejected")
"""Rates that are better the lower they are."""

_DIGITS = 12
"""Decimals of an interval: what is beyond comes of adding rates in another order."""


@dataclass(frozen=True)
class StackGap:
    """A rate of two groups of stacks, and first minus second with its 95% interval.

    `part` is a domain, or 'all' or 'tail'; `rows` are its test rows. What is not defined, as slot
    F1 of data without slots, is NaN.
    """

    metric: str
    part: str
    rows: int
    first: float
    second: float
    difference: Interval

    @property
    def verdict(self) -> Verdict:
        """What is certain of the first group: of errors fewer are better, of F1 more."""
        if not self.difference.excludes_zero:
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

    Test rows are drawn with replacement, the same for all stacks, and every rate is computed on
    each sample, as the mean over the stacks of a group; the interval runs from the 2.5% to the
    97.5% quantile of the differences. Groups of as many stacks, paired by their seeds, also have a
    t-interval over the pairs, and of both the wider end on each side counts.

    Args:
        frequency: column that says how often a text is said; without one equal texts are counted.
        domains: those to compare besides, all by default: every one takes its time.
        threshold: probability that a domain must exceed to be asked, where the experiment held
            domains out and the rates of `influence_core.nlu.scope` are compared as well.

    Raises:
        ConfigError: there is no such point.
    """
    for name, point in (("first", first), ("second", second)):
        if point not in findings.points:
            has = ", ".join(map(str, findings.points))
            raise ConfigError(rule(name, f"be a technique and a fraction of it ({has})", point))
    told = [(rates, [findings.counts(point) for point in (first, second)])]
    if held_out(findings):
        away = [scope_counts(findings, point, threshold) for point in (first, second)]
        told.append((scope_rates, away))
    generator = np.random.default_rng(seed)
    parts = _parts(findings, frequency, domains)
    return [
        gap
        for part, inside in parts
        for tell, groups in told
        for gap in _gaps(part, tell, groups, inside, generator, draws)
    ]


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


def tail(frequencies: npt.ArrayLike, share: float = TAIL) -> Flags:
    """Return the rows (n,) whose texts, the least frequent first, make up a share of the traffic.

    A row stands for as much traffic as its frequency says. Rows of one frequency are in it
    together, as far as the share is reached with them.

    >>> tail([50, 20, 10, 10, 10]).tolist()
    [False, False, True, True, True]
    """
    counted = np.asarray(frequencies, dtype=np.float64)
    if not len(counted) or counted.sum() <= 0:
        return np.zeros(len(counted), np.bool_)
    place = np.unique(counted, return_inverse=True)[1]
    mass = np.cumsum(np.bincount(place, weights=counted))
    reached: Flags = (mass <= share * mass[-1] + 1e-9)[place]
    return reached


def frequency_column(run: Run) -> str | None:
    """Return the column that says how often a text is said: 'frequency', if it holds numbers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(run.examples_file)
    if FREQUENCY not in schema.names:
        return None
    kind = schema.field(FREQUENCY).type
    return FREQUENCY if pa.types.is_integer(kind) or pa.types.is_floating(kind) else None


def frequencies(findings: StackFindings, column: str | None = None) -> Floats:
    """Return how often each test row's text is said: by a column, or how often it is in the data.

    Raises:
        ConfigError: the data have no such column of numbers.
    """
    import pyarrow.parquet as pq

    material = findings.material
    if column is None:
        texts = [one.text.lower() for one in material.truth]
        _, place, times = np.unique(np.array(texts), return_inverse=True, return_counts=True)
        return times[place][material.test_rows].astype(np.float64)
    known = pq.read_schema(material.run.examples_file).names
    if column not in known:
        raise ConfigError(
            rule("frequency", f"be a column of the data ({', '.join(known)})", column)
        )
    told = pq.read_table(material.run.examples_file, columns=[column])[column].to_pylist()
    try:
        values = np.array([0 if one is None else float(one) for one in told])
    except (TypeError, ValueError):
        raise ConfigError(rule("frequency", "be a column of numbers", column)) from None
    return values[material.test_rows]


def _parts(
    findings: StackFindings, frequency: str | None, wanted: Collection[str] | None
) -> Iterator[tuple[str, Flags]]:
    domains = np.array(findings.domains)
    yield ALL, np.ones(len(domains), np.bool_)
    rare = tail(frequencies(findings, frequency))
    if 0 < rare.sum() < len(rare):
        yield TAIL_NAME, rare
    for domain in findings.material.domain_names:
        if (wanted is None or domain in wanted) and (domains == domain).any():
            yield domain, domains == domain


def _gaps(
    part: str,
    tell: Callable[[Integers], dict[str, Floats]],
    groups: Sequence[Integers],
    inside: Flags,
    generator: np.random.Generator,
    draws: int,
) -> Iterator[StackGap]:
    counts = [group[:, inside] for group in groups]
    drawn = resampled(np.concatenate(counts), generator, draws)
    split = np.split(drawn, [len(counts[0])])
    each = [tell(group.sum(axis=1)) for group in counts]
    samples = [{name: rate.mean(axis=0) for name, rate in tell(one).items()} for one in split]
    for name in each[0]:
        first, second = (float(np.mean(one[name])) for one in each)
        spread = samples[0][name] - samples[1][name]
        pairs = each[0][name] - each[1][name] if len(counts[0]) == len(counts[1]) > 1 else None
        interval = _interval(first - second, spread, pairs)
        yield StackGap(name, part, int(inside.sum()), first, second, interval)


def _interval(mean: float, spread: Floats, pairs: Floats | None) -> Interval:
    told = over_samples(mean, spread, pairs)
    return Interval(mean, round(told.low, _DIGITS), round(told.high, _DIGITS))
