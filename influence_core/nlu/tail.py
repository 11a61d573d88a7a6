"""The tail of the traffic: the test rows whose texts are said least often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from influence_core.errors import ConfigError, rule
from influence_core.nlu.figures import StackFindings
from influence_core.store.run import Run

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

TAIL = 0.4
"""Share of the traffic that its least frequent texts make up."""

TAIL_NAME = "tail"
"""What the part of the test rows is called."""

FREQUENCY = "frequency"
"""Column that says how often a text is said, where data have it."""


@dataclass(frozen=True)
class Traffic:
    """How often the texts of the test rows are said.

    `tail` (T,) says which rows are of its tail. Where it has none, `remark` says why.
    """

    tail: Flags
    remark: str = ""


def traffic(findings: StackFindings, column: str | None = None) -> Traffic:
    """Find the tail of the traffic among the test rows.

    With a column of frequencies, by default 'frequency' where it holds numbers, a row stands for as
    much traffic as that says. Without one every row is a request, and as frequent as its text is in
    the data.

    Raises:
        ConfigError: the data have no such column of numbers, or it holds what is no frequency.
    """
    run, rows = findings.experiment.run, findings.material.test_rows
    column = column or frequency_column(run)
    if column is not None:
        said = frequencies(run, column)[rows]
        rare = tail(said, said)
    else:
        texts = np.array([one.text.lower() for one in findings.material.truth])
        _, place, times = np.unique(texts, return_inverse=True, return_counts=True)
        said = times[place][rows].astype(np.float64)
        rare = tail(said)
    return Traffic(rare, "" if rare.any() else _without(said, column))


def tail(
    frequencies: npt.ArrayLike, weights: npt.ArrayLike | None = None, share: float = TAIL
) -> Flags:
    """Return the rows (n,) whose texts, the least frequent first, make up a share of the traffic.

    A row stands for as much traffic as its weight says, each for the same by default. Rows of one
    frequency are in it together, as far as the share is not exceeded with them.

    >>> tail([50, 20, 10, 10, 10], weights=[50, 20, 10, 10, 10]).tolist()
    [False, False, True, True, True]
    >>> tail([3, 3, 3, 1, 1]).tolist()
    [False, False, False, True, True]
    """
    counted = np.asarray(frequencies, dtype=np.float64)
    weighed = np.ones(len(counted)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(counted) or weighed.sum() <= 0:
        return np.zeros(len(counted), np.bool_)
    place = np.unique(counted, return_inverse=True)[1]
    mass = np.cumsum(np.bincount(place, weights=weighed))
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


def frequencies(run: Run, column: str) -> Floats:
    """Return how often the text of every example is said, by a column; 0 where it holds nothing.

    Raises:
        ConfigError: the data have no such column of numbers, or it holds what is no frequency.
    """
    import pyarrow.parquet as pq

    known = pq.read_schema(run.examples_file).names
    if column not in known:
        raise ConfigError(
            rule("frequency", f"be a column of the data ({', '.join(known)})", column)
        )
    told = pq.read_table(run.examples_file, columns=[column])[column].to_pylist()
    try:
        values = np.array([0 if one is None else float(one) for one in told], dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(rule("frequency", "be a column of numbers", column)) from None
    values = np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if not ((values >= 0) & np.isfinite(values)).all():
        must = "be a column of finite numbers, at least 0"
        raise ConfigError(rule("frequency", must, column))
    return values


def _without(said: Floats, column: str | None) -> str:
    """Say why there is no tail."""
    if column is not None and not said.any():
        return f"There is no tail: column {column!r} says that no test row is ever said."
    least = float(said.min()) if len(said) else 0.0
    mass = said if column is not None else np.ones(len(said))
    share = float(mass[said == least].sum() / mass.sum())
    times = "once" if least == 1 else f"{least:g} times"
    return (
        f"There is no tail: the least frequent texts, said {times} each, already make up "
        f"{share:.0%} of the traffic, more than {TAIL:.0%}."
    )
