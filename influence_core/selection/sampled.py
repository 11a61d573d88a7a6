"""How a score is spread before rows are dropped, and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.selection.select import Positions, SelectionSettings, select, select_each
from influence_core.store.columns import NORMS
from influence_core.store.database import frame
from influence_core.store.finding import numbers
from influence_core.store.query import ExampleQuery, Scan
from influence_core.store.run import Run
from influence_core.store.statistics import MISSING

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

    found = run.scores(["row", column])
    if query.filtered:
        found = found[np.isin(found["row"], numbers(run, query))]
    found = found[np.isfinite(found[column])]
    values = found[column].to_numpy(np.float64)
    stays = np.isin(found["row"], select(run, wanted).kept)
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
    rows, groups = _grouped(run, by, query)
    codes, names = pd.factorize(groups)
    sizes = np.bincount(codes, minlength=len(names))
    table = pd.DataFrame({"group": names, "rows": sizes})
    norms = [wanted.model_copy(update={"normalise": norm}) for norm in told]
    for chosen in select_each(run, norms):
        kept = np.bincount(codes[np.isin(rows, chosen.kept)], minlength=len(names))
        table[chosen.settings.normalise] = kept / sizes
    # Normalising by the dataset changes no rank, so that a cut-off keeps the same.
    table["raw"] = table.get("raw", table["dataset"])
    return table.sort_values(["rows", "group"], ascending=[False, True], ignore_index=True)


def _grouped(run: Run, by: str, query: ExampleQuery) -> tuple[Positions, npt.NDArray[np.object_]]:
    """Return the numbers and the groups of the training rows that a query finds."""
    scan = Scan(run, query.model_copy(update={"scored_only": True, "order": "row"}))
    group = f"coalesce(CAST({scan.use(by)} AS VARCHAR), {scan.parameters.bind(MISSING)})"
    found = frame(
        f'SELECT {scan.row} AS "row", {group} AS "group" FROM {scan.source()} WHERE {scan.where}',
        scan.parameters,
    )
    return found["row"].to_numpy(np.int64), found["group"].to_numpy(object)
