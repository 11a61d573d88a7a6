"""Requests that find no domain: of domains that a stack has never seen, and of those it knows.

Each domain is held out in turn: a classifier that has never seen it is asked about its test rows,
which are then out of scope. A request is turned away where no domain is more probable than a
threshold, and the assistant has nothing to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.errors import ConfigError, DataError, rule
from influence_core.nlu.figures import WHOLE, Point, StackFindings

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

THRESHOLD = 0.5
"""Probability that a domain must exceed to be asked."""

SCOPE_COUNTS = ("rows", "outside", "inside")
"""What is counted of each row: 1, and whether it is turned away out of scope, and in scope."""

SCOPE_RATES = ("unrecoverable", "rejected")
"""What `scope_rates` tells: shares of rows that find no domain, out of scope and in scope."""


def held_out(findings: StackFindings) -> bool:
    """Say whether the stacks were asked about domains that they had never seen."""
    outcomes = (one for point in findings.points for one in findings.outcomes(point))
    return any(one.outside is not None for one in outcomes)


def scope_counts(findings: StackFindings, point: Point, threshold: float = THRESHOLD) -> Integers:
    """Count which test rows find no domain by the stacks of a point (S, rows, `SCOPE_COUNTS`).

    Raises:
        DataError: the experiment held no domain out.
        ConfigError: the threshold is no probability below 1.
    """
    check_threshold(threshold)
    told = []
    for one in findings.outcomes(point):
        if one.outside is None:
            raise DataError(
                f"{findings.experiment.title} held no domain out; begin one with --out-of-scope."
            )
        away = (np.ones(len(one.outside)), one.outside <= threshold, one.confidence <= threshold)
        told.append(np.stack(away, axis=1))
    return np.stack(told).astype(np.int64)


def too_low(findings: StackFindings, threshold: float) -> str:
    """Say that a threshold turns nothing away out of scope, if it is so low that it cannot."""
    left = len(findings.material.domain_names) - 1
    if threshold * left > 1:
        return ""
    return (
        f"Of the {left} domains that are left one is always as probable as {1 / left:.0%}: "
        "a higher threshold is needed for any request out of scope to be turned away."
    )


def check_threshold(threshold: float) -> None:
    """Refuse what is no threshold.

    Raises:
        ConfigError: it is no probability below 1.
    """
    if not 0 <= threshold < 1:
        raise ConfigError(rule("threshold", "be at least 0 and below 1", threshold))


def scope_rates(sums: npt.ArrayLike) -> dict[str, Floats]:
    """Return the rates of sums of counts (…, `SCOPE_COUNTS`), each of `SCOPE_RATES` (…).

    - unrecoverable = out-of-scope rows that find no domain / rows. No domain serves them, so that
      the others, which are taken for a request of some domain, are answered wrongly: more is
      better.
    - rejected = in-scope rows that find no domain / rows. Fewer is better. The paper's rate of
      unrecoverable errors is of live traffic, most of it in scope: it compares with this one.
    """
    rows, outside, inside = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    return {"unrecoverable": outside / rows, "rejected": inside / rows}


def scope(findings: StackFindings, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Return the rates of every point, overall (no domain) and by domain.

    Columns: technique, fraction, domain, rows (of the test), unrecoverable and rejected, means over
    seeds, and `<rate>_change`, the difference to the stacks of all rows and equal seeds. A point
    without a stack of such a seed has no lines.

    Raises:
        DataError: the experiment held no domain out.
        ConfigError: the threshold is no probability below 1.
    """
    import pandas as pd

    true = np.array(findings.domains)
    whole = scope_counts(findings, WHOLE, threshold)
    lines = []
    for point in findings.points:
        mine, base = findings.paired(point)
        if not mine:
            continue
        counts, before = scope_counts(findings, point, threshold)[mine], whole[base]
        for domain in (None, *findings.material.domain_names):
            inside = slice(None) if domain is None else true == domain
            if counts[0, inside].size:
                told, was = (scope_rates(one[:, inside].sum(axis=1)) for one in (counts, before))
                lines.append(
                    {
                        "technique": point[0],
                        "fraction": point[1],
                        "domain": domain,
                        "rows": counts[0, inside].shape[0],
                        **{name: float(told[name].mean()) for name in SCOPE_RATES},
                        **{
                            f"{name}_change": float((told[name] - was[name]).mean())
                            for name in SCOPE_RATES
                        },
                    }
                )
    return pd.DataFrame(lines)


def by_threshold(findings: StackFindings, point: Point = WHOLE) -> pd.DataFrame:
    """Return the rates of a point at every threshold from 0 to 0.99, means over seeds.

    Raises:
        DataError: the experiment held no domain out.
    """
    import pandas as pd

    lines = []
    for threshold in np.arange(100) / 100:
        told = scope_rates(scope_counts(findings, point, float(threshold)).sum(axis=1))
        lines.append({"threshold": threshold, **{name: told[name].mean() for name in SCOPE_RATES}})
    return pd.DataFrame(lines)
