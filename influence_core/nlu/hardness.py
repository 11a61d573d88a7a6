"""How hard groups of training rows are for the classifier of domains, by VoG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.nlu.figures import StackFindings
from influence_core.store.columns import NORMS, catalogue
from influence_core.store.lookup import numbers_at

if TYPE_CHECKING:
    import pandas as pd

Integers = npt.NDArray[np.integer]

FIGURES = ("median", "mean", "std")
"""What is told of VoG under each normalisation; `std` is that of a population."""


def hardness(
    findings: StackFindings, name: str, members: Integers, names: Sequence[str]
) -> pd.DataFrame:
    """Return VoG of all training rows and of groups of them, in the order of their names.

    Args:
        name: what the column of the groups is called.
        members: group of each training row (R,), a place in `names`.
        names: those of the groups.

    Returns:
        Columns `name`, rows (those that have VoG), and `<figure>_<normalisation>` for `FIGURES` and
        `NORMS`. The first line, without a group, is of all training rows; groups without VoG have
        none, and there are no lines in a run without.
    """
    import pandas as pd

    run, rows = findings.experiment.run, findings.material.train_rows
    known = catalogue(run)
    columns = [name, "rows", *(f"{one}_{norm}" for norm in NORMS for one in FIGURES)]
    if "vog" not in known.scores:
        return pd.DataFrame(columns=columns)
    vog = np.stack([numbers_at(run, known.score("vog", norm), rows) for norm in NORMS], axis=1)
    scored = np.isfinite(vog).all(axis=1)
    vog, members = vog[scored], members[scored]
    parts = [(None, vog), *((group, vog[members == at]) for at, group in enumerate(names))]
    lines = [(group, len(part), *_figures(part)) for group, part in parts if len(part)]
    return pd.DataFrame(lines, columns=columns)


def _figures(vog: npt.NDArray[np.float64]) -> list[float]:
    """Return `FIGURES` of each column of VoG (rows, `NORMS`)."""
    told = np.median(vog, axis=0), vog.mean(axis=0), vog.std(axis=0)
    return [float(figure) for figure in np.stack(told, axis=1).ravel()]
