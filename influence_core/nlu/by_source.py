"""What an experiment with stacks found, by the source that rows come from.

Every table tells `MOST` sources apart, those with the most rows; the rest is gathered and stands
last. Where the data have no sources a table has no lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.nlu import hardness as by_vog
from influence_core.nlu.figures import Point, StackFindings
from influence_core.nlu.sources import MOST
from influence_core.store.grouping import Groups, groups_of

if TYPE_CHECKING:
    import pandas as pd


def composition(findings: StackFindings) -> pd.DataFrame:
    """Return how many training rows of every domain each source brings, and which share.

    Returns:
        Columns domain, source, rows, share. The first lines, without a domain, are of all training
        rows; the largest domains follow. Sources have a line in every domain, in one order.
    """
    import pandas as pd

    found, material = _groups(findings), findings.material
    columns = ["domain", "source", "rows", "share"]
    if found is None:
        return pd.DataFrame(columns=columns)
    rows, names = material.train_rows, material.domain_names
    counts = np.zeros((len(names), len(found.names)), np.int64)
    np.add.at(counts, (material.domains[rows], found.members[rows]), 1)
    sizes, brought = counts.sum(axis=1), counts.sum(axis=0)
    domains = [(names[at], counts[at]) for at in np.argsort(-sizes, kind="stable") if sizes[at]]
    lines = [
        (name, found.names[at], int(line[at]), line[at] / line.sum())
        for name, line in [(None, brought), *domains]
        for at in np.flatnonzero(brought)
    ]
    return pd.DataFrame(lines, columns=columns)


def hardness(findings: StackFindings) -> pd.DataFrame:
    """Return how hard the training rows of each source are, by VoG.

    Columns are those of `influence_core.nlu.hardness`, the first line of all training rows.
    """
    import pandas as pd

    found = _groups(findings)
    if found is None:
        return pd.DataFrame(columns=["source", "rows"])
    members = found.members[findings.material.train_rows]
    return by_vog.hardness(findings, "source", members, found.names)


def whole(findings: StackFindings) -> pd.DataFrame:
    """Return rows and rates of the stacks of all rows, overall (no source) and by source.

    These are the sources of test rows; columns as those of `StackFindings.whole`.
    """
    import pandas as pd

    found = _groups(findings)
    if found is None:
        return pd.DataFrame(columns=["source", "rows"])
    members = found.members[findings.material.test_rows]
    return findings.whole_by("source", _named(found, members))


def changes(findings: StackFindings, points: Iterable[Point] | None = None) -> pd.DataFrame:
    """Return how the error rates change with pruning by the source of test rows.

    Args:
        points: those that are told; all that are pruned by default.

    Returns:
        Columns technique, fraction, seeds, source, rows (those of the test), and error rates with
        `<rate>_std`, as `StackFindings.changes` has them. There is no σ: a source loses another
        share of its rows than is pruned of all.
    """
    import pandas as pd

    found = _groups(findings)
    if found is None:
        return pd.DataFrame()
    members = found.members[findings.material.test_rows]
    present = [found.names[place] for place in np.unique(members)]
    return findings.changes_by("source", _named(found, members), present, points)


def _named(found: Groups, members: npt.NDArray[np.integer]) -> list[str]:
    return [found.names[member] for member in members]


def _groups(findings: StackFindings) -> Groups | None:
    """Return the source of every example."""
    material = findings.material
    if material.source_column is None:
        return None
    rows = np.arange(len(material.splits))
    return groups_of(findings.experiment.run, material.source_column, rows, MOST)
