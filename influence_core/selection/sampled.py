"""How a score is spread before rows are dropped, and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from influence_core.selection.select import SelectionSettings, select, select_each
from influence_core.store.columns import NORMS, catalogue
from influence_core.store.finding import numbers
from influence_core.store.grouping import groups_of
from influence_core.store.lookup import numbers_at
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd


def before_and_after(
    run: Run,
    column: str,
    wanted: SelectionSettings,
    query: ExampleQuery,
    bins: int = 60,
    clip: tuple[float, float] = (0.0, 1.0),
) -> pd.DataFrame:
    """Count the values of a score's column in bins of equal width, of all rows and of those kept.

    The settings decide about all training rows; of these the query chooses the rows to count. The
    bins span the `clip` quantiles of the rows counted; values beyond them are left out.

    Returns:
        A row a bin: left, right, rows, kept.

    Raises:
        SelectionError: the run lacks the score that the settings name.
    """
    import pandas as pd

    rows = numbers(run, query.model_copy(update={"scored_only": True}))
    values = numbers_at(run, catalogue(run).get(column), rows).astype(np.float64)
    known = np.isfinite(values)
    rows, values = rows[known], values[known]
    stays = np.isin(rows, select(run, wanted).kept)
    low, high = np.quantile(values, clip) if len(values) else (0.0, 1.0)
    edges = np.histogram_bin_edges(values, bins, (low, high))
    rows, kept = (np.histogram(part, edges)[0] for part in (values, values[stays]))
    return pd.DataFrame({"left": edges[:-1], "right": edges[1:], "rows": rows, "kept": kept})


def kept_by_normalisation(
    run: Run, wanted: SelectionSettings, by: str, query: ExampleQuery
) -> pd.DataFrame:
    """Compare what every group keeps under each normalisation, settings being equal otherwise.

    The settings decide about all training rows; of these the query chooses the rows to count.

    Returns:
        A row a group, the largest first: group, rows, and the share of them that is kept: raw,
        class and dataset.

    Raises:
        SelectionError: the run lacks the score that the settings name.
    """
    import pandas as pd

    told = NORMS if wanted.strategy == "cutoff" else ("raw", *NORMS)
    rows = numbers(run, query.model_copy(update={"scored_only": True}))
    groups = groups_of(run, catalogue(run).get(by), rows, len(rows))
    sizes = np.bincount(groups.members, minlength=len(groups.names))
    table = pd.DataFrame({"group": np.array(groups.names, object), "rows": sizes})
    norms = [wanted.model_copy(update={"normalise": norm}) for norm in told]
    for chosen in select_each(run, norms):
        stays = np.isin(rows, chosen.kept)
        kept = np.bincount(groups.members[stays], minlength=len(groups.names))
        table[chosen.settings.normalise] = kept / np.maximum(sizes, 1)
    # Normalising by the dataset changes no rank, so that a cut-off keeps the same.
    table["raw"] = table.get("raw", table["dataset"])
    table = table[table["rows"] > 0]
    return table.sort_values(["rows", "group"], ascending=[False, True], ignore_index=True)
