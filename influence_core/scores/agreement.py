"""How far scores agree with one another, and with themselves when the training is repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from influence_core.scores.normalise import id_order
from influence_core.scores.registry import SCORES, spec
from influence_core.store.columns import NEVER_LEARNT
from influence_core.store.files import write_json
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Likeness(BaseModel):
    """How alike two orders of the same rows are.

    spearman: the rank correlation of hardness, −1 … 1, ties at their mean rank; None where one of
        them does not tell rows apart.
    similarity: the Jaccard index |A ∩ B| / |A ∪ B| of the hardest rows of each, 0 … 1, ties by id.
    """

    model_config = ConfigDict(frozen=True)

    spearman: float | None
    similarity: float


class Pair(Likeness):
    """How alike two scores are."""

    first: str
    second: str


class Agreement(BaseModel):
    """The contents of `agreement.json`.

    `rows` are the training rows that have all the scores, of which `hardest_rows` are compared as
    the hardest. `pairs` holds every two scores; `stability`, where a run trained several models,
    the mean over every two of the `replicates` of a score.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    hardest_fraction: float
    hardest_rows: int
    pairs: tuple[Pair, ...]
    replicates: int
    stability: dict[str, Likeness]


@dataclass(frozen=True)
class Order:
    """Rows by hardness: their centred ranks at length 1 (0 without spread), and the hardest."""

    ranks: Floats
    hardest: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, hardness: Floats, by_id: Integers, count: int) -> Order:
        """Order rows, the larger the harder; `by_id` are the positions that put ids in order."""
        import pandas as pd

        ranks = pd.Series(hardness).rank().to_numpy(np.float64)
        ranks = ranks - ranks.mean()
        return cls(ranks / (np.sqrt(ranks @ ranks) or 1.0), _hardest(hardness, by_id, count))

    def likeness(self, other: Order) -> Likeness:
        """Compare with another order of the same rows."""
        told = self.ranks.any() and other.ranks.any()
        common = int((self.hardest & other.hardest).sum())
        either = int((self.hardest | other.hardest).sum())
        return Likeness(
            spearman=float(np.clip(self.ranks @ other.ranks, -1, 1)) if told else None,
            similarity=common / either,
        )


def _hardest(hardness: Floats, by_id: Integers, count: int) -> npt.NDArray[np.bool_]:
    """Return which rows are the hardest, so many of them; of equally hard ones the first by id."""
    least = np.sort(hardness)[len(hardness) - count]
    found: npt.NDArray[np.bool_] = hardness > least
    equal = by_id[hardness[by_id] == least]
    found[equal[: count - int(found.sum())]] = True
    return found


def write_agreement(run: Run, hardest_fraction: float) -> Agreement | None:
    """Compare the scores of a run, and its replicates; write `agreement.json`.

    None, and no file, where there is neither a second score nor a second model.

    Cost: two sorts of the rows for every score and replicate.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(run.scores_file)
    keys = [key for key in SCORES if key in table.column_names]
    replicates = sorted(run.replicates_folder.glob("*/scores.parquet"))
    if len(keys) < 2 and not replicates:
        return None
    hardness = {key: _hardness(table, key) for key in keys}
    known = ~np.any([np.isnan(values) for values in hardness.values()], axis=0)
    by_id = id_order(table.column("id").filter(known))
    count = max(1, round(hardest_fraction * len(by_id)))
    orders = {key: Order.of(values[known], by_id, count) for key, values in hardness.items()}
    found = Agreement(
        rows=len(by_id),
        hardest_fraction=hardest_fraction,
        hardest_rows=count,
        pairs=tuple(_pairs(orders)),
        replicates=max(1, len(replicates)),
        stability=_stability(replicates, keys, known, by_id, count),
    )
    write_json(agreement_file(run), found.model_dump(mode="json"))
    return found


def read_agreement(run: Run) -> Agreement | None:
    """Read how far the scores of a run agree; None where it has nothing to compare."""
    path = agreement_file(run)
    return Agreement.model_validate_json(path.read_bytes()) if path.exists() else None


def agreement_file(run: Run) -> Path:
    """Return where the agreement of a run lies: `agreement.json`."""
    return run.path / "agreement.json"


def _hardness(table: pa.Table, key: str) -> Floats:
    """Turn a score so that larger is harder; what was never learnt is harder than all else."""
    values: Floats = table.column(key).to_numpy().astype(np.float64)
    if key == "forgetting" and NEVER_LEARNT in table.column_names:
        return np.where(table.column(NEVER_LEARNT).to_numpy(), np.inf, values)
    return -values if spec(key).hard == "low" else values


def _pairs(orders: dict[str, Order]) -> Iterator[Pair]:
    for first, second in combinations(orders, 2):
        likeness = orders[first].likeness(orders[second])
        yield Pair(first=first, second=second, **likeness.model_dump())


def _stability(
    replicates: Sequence[Path],
    keys: Sequence[str],
    known: npt.NDArray[np.bool_],
    by_id: Integers,
    count: int,
) -> dict[str, Likeness]:
    """Compare the replicates of a score, one score after the other."""
    import pyarrow.parquet as pq

    stable = {}
    for key in keys if len(replicates) > 1 else ():
        columns = [key, NEVER_LEARNT] if key == "forgetting" else [key]
        tables = (pq.read_table(path, columns=columns) for path in replicates)
        orders = [Order.of(_hardness(table, key)[known], by_id, count) for table in tables]
        stable[key] = _mean([one.likeness(other) for one, other in combinations(orders, 2)])
    return stable


def _mean(found: Sequence[Likeness]) -> Likeness:
    told = [one.spearman for one in found if one.spearman is not None]
    return Likeness(
        spearman=float(np.mean(told)) if told else None,
        similarity=float(np.mean([one.similarity for one in found])),
    )
