"""What an experiment with stacks found, by the source that rows come from.

Every table tells `MOST` sources apart, those with the most rows; the rest is gathered and stands
last. Where the data have no sources a table has no lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from influence_core.nlu.figures import StackFindings
from influence_core.nlu.sources import MOST
from influence_core.store.columns import NORMS, catalogue
from influence_core.store.grouping import Groups, groups_of
from influence_core.store.lookup import numbers_at

if TYPE_CHECKING:
    import pandas as pd

FIGURES = ("median", "mean", "std")
"""What is told of VoG under each normalisation; `std` is that of a population."""


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

    Returns:
        Columns source, rows (those that have VoG), and `<figure>_<normalisation>` for `FIGURES` and
        `NORMS`. The first line, without a source, is of all training rows.
    """
    import pandas as pd

    found, run, rows = _groups(findings), findings.experiment.run, findings.material.train_rows
    known = catalogue(run)
    columns = ["source", "rows", *(f"{one}_{norm}" for norm in NORMS for one in FIGURES)]
    if found is None or "vog" not in known.scores:
        return pd.DataFrame(columns=columns)
    vog = np.stack([numbers_at(run, known.score("vog", norm), rows) for norm in NORMS], axis=1)
    scored = np.isfinite(vog).all(axis=1)
    vog, members = vog[scored], found.members[rows][scored]
    parts = [(None, vog), *((name, vog[members == at]) for at, name in enumerate(found.names))]
    lines = [(name, len(part), *_figures(part)) for name, part in parts if len(part)]
    return pd.DataFrame(lines, columns=columns)


def whole(findings: StackFindings) -> pd.DataFrame:
    """Return rows and rates of the stacks of all rows, overall (no source) and by source.

    These are the sources of test rows; columns as those of `StackFindings.whole`.
    """
    import pandas as pd

    found = _groups(findings)
    if found is None:
        return pd.DataFrame(columns=["source", "rows"])
    members = found.members[findings.material.test_rows]
    return findings.whole_by("source", [found.names[member] for member in members])


def changes(findings: StackFindings) -> pd.DataFrame:
    """Return how the error rates change with pruning by the source of test rows.

    Returns:
        Columns technique, fraction, source, rows (those of the test) and error rates, as
        `StackFindings.changes_by_domain` has them.
    """
    import pandas as pd

    found = _groups(findings)
    if found is None:
        return pd.DataFrame()
    members = found.members[findings.material.test_rows]
    lines = []
    for point in findings.pruned:
        for place in np.unique(members):
            inside = members == place
            line = findings.change(point, inside)
            lines.append({**line, "source": found.names[place], "rows": int(inside.sum())})
    return pd.DataFrame(lines)


def _groups(findings: StackFindings) -> Groups | None:
    """Return the source of every example."""
    material = findings.material
    if material.source_column is None:
        return None
    rows = np.arange(len(material.splits))
    return groups_of(findings.experiment.run, material.source_column, rows, MOST)


def _figures(vog: np.ndarray) -> list[float]:
    """Return `FIGURES` of each column of VoG (rows, `NORMS`)."""
    told = np.median(vog, axis=0), vog.mean(axis=0), vog.std(axis=0)
    return [float(figure) for figure in np.stack(told, axis=1).ravel()]
