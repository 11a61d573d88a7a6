"""Rows of which everything that is told of their domains can be worked out by hand."""

from __future__ import annotations

from itertools import chain, repeat

import numpy as np
import pyarrow as pa

from influence_core.nlu.settings import StackSettings
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read

ALONE = StackSettings(techniques=(), seeds=1, min_rows=5)
"""Stacks of all rows, of which domains of fewer than five get no models."""

INTENTS = ("a", "a", "a", "a", "b", "b", "b", "b"), tuple("ccccccdd"), "eeeee", "fffff", "ghij"
"""Intents of the training rows of each domain; the sixth has none of them."""

SOURCES = ("human",) * 6 + ("synthetic",) * 2
"""Those of the rows of the first domain; the others are all `human`."""


def compose(run: Run) -> Run:
    """Write the examples and VoG of a run of six labels anew; all other rows are for the test.

    The first domain has slots in intent `a`, a different one in each row, the third the same one
    in every row. VoG within the dataset counts from 0 in every domain, and is 1 lower within the
    class; the last row of the fourth domain and all of the fifth have none.
    """
    table = read(run.examples_file)
    names = run.manifest().dataset.label_names
    sizes = [len(one) for one in INTENTS]
    rows, rest = sum(sizes), table.num_rows - sum(sizes)
    first = list(chain(*(repeat(name, size) for name, size in zip(names, sizes, strict=False))))
    slots = [_slot(number, name == names[2]) for number, name in enumerate(first)]
    shown = [name == names[2] or number < 4 for number, name in enumerate(first)]
    columns = {
        "id": table["id"],
        "text": [f"{number:03d} said" for number in range(table.num_rows)],
        "text_pair": table["text_pair"],
        "label": first + [names[row % len(names)] for row in range(rest)],
        "split": ["train"] * rows + ["test"] * rest,
        "intent": [*chain(*INTENTS), *("a" for _ in range(rest))],
        "slots": [one if has else [] for one, has in zip(slots, shown, strict=True)] + [[]] * rest,
        "source": [*SOURCES, *repeat("human", table.num_rows - len(SOURCES))],
    }
    write_parquet(run.examples_file, pa.table(columns))
    within = np.concatenate([np.arange(size, dtype=float) for size in sizes])
    within[sizes[0] + sizes[1] + sizes[2] + sizes[3] - 1 :] = np.nan
    scores = {
        "row": np.arange(rows),
        "id": table["id"].slice(0, rows),
        "vog": within,
        "vog_class_norm": within - 1,
        "vog_dataset_norm": within,
        "vog_rank": np.arange(rows) + 1,
    }
    write_parquet(run.scores_file, pa.table(scores))
    run.update(scores=("vog",))
    return run


def _slot(row: int, all_of_it: bool) -> list[dict[str, object]]:
    """Return the number of a row as its slot, or the word that all rows share."""
    start, end = (4, 8) if all_of_it else (0, 3)
    return [{"start": start, "end": end, "slot": "thing"}]
