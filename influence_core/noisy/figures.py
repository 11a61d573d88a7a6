"""What an experiment on noisy data found, as tables: of its shares, its curves, its overlaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from influence_core.noise.flipping import FLIPPED
from influence_core.noise.known import known_wrong
from influence_core.noisy.experiment import NoisyCopy, NoisyExperiment
from influence_core.noisy.settings import JUDGED
from influence_core.pruning.figures import RANDOM, Findings, Point
from influence_core.store.files import atomic

if TYPE_CHECKING:
    import pandas as pd

CONSENSUS = "consensus"

OVERLAPS = (*JUDGED, CONSENSUS)
"""Whose top is compared with the wrong labels: scores, and the consensus of all detectors."""


def shares(experiment: NoisyExperiment) -> pd.DataFrame:
    """Return a row for each share of noise whose scores are there.

    Columns: share, drawn and wrong (rows), wrong_share (of the training rows), and pvi_below_zero
    and pvi_below_zero_right: the share of the wrong and of the right labels whose PVI is below 0.
    """
    return _of_copies(experiment, _share, lambda copy: copy.run.scores_file.exists())


def curves(experiment: NoisyExperiment) -> pd.DataFrame:
    """Return a row for each share of noise, way of pruning and fraction, its models averaged.

    Columns: share, wrong_share, those of `Findings.curves`, and against_random with `_low` and
    `_high`: the difference in accuracy to random pruning of as many rows, models paired by seed,
    with its 95% interval.
    """
    return _of_copies(experiment, _curves, lambda copy: copy.pruning.manifest_file.exists())


def overlaps(experiment: NoisyExperiment) -> pd.DataFrame:
    """Return a row for each share of noise and score, detector or consensus.

    Columns: share, wrong_share, name, and the figures of a `Detection`: overlap is the Jaccard
    index of the top `k` and the wrong labels, chance_mean that of random sets, between chance_low
    and chance_high in 95% of all draws.
    """
    return _of_copies(experiment, _overlaps, lambda copy: copy.detections_file.exists())


def write_tables(experiment: NoisyExperiment) -> None:
    """Write the tables beside the manifest: `shares.csv`, `curves.csv` and `overlaps.csv`."""
    for question in (shares, curves, overlaps):
        with atomic(experiment.path / f"{question.__name__}.csv") as partial:
            question(experiment).to_csv(partial, index=False)


def _of_copies(
    experiment: NoisyExperiment,
    question: Callable[[NoisyCopy], pd.DataFrame],
    ready: Callable[[NoisyCopy], bool],
) -> pd.DataFrame:
    import pandas as pd

    tables = [question(copy) for copy in experiment.copies() if ready(copy)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _share(copy: NoisyCopy) -> pd.DataFrame:
    import pandas as pd

    facts, wrong = copy.flips(), known_wrong(copy.run, FLIPPED)
    below = copy.run.scores(["pvi"])["pvi"].to_numpy() < 0
    row = {
        "share": copy.share,
        "drawn": facts.drawn,
        "wrong": facts.wrong,
        "wrong_share": facts.wrong_share,
        "pvi_below_zero": below[wrong].mean(),
        "pvi_below_zero_right": below[~wrong].mean(),
    }
    return pd.DataFrame([row])


def _curves(copy: NoisyCopy) -> pd.DataFrame:
    import pandas as pd

    findings = Findings(copy.pruning)
    against = pd.DataFrame([_against_random(findings, point) for point in findings.points])
    return _named(copy, pd.concat([findings.curves(), against], axis=1))


def _against_random(findings: Findings, point: Point) -> dict[str, float]:
    comparable = point.curve not in (None, RANDOM)
    found = findings.against_random(point) if comparable else None
    mean, low, high = (found.mean, found.low, found.high) if found else (np.nan,) * 3
    return {"against_random": mean, "against_random_low": low, "against_random_high": high}


def _overlaps(copy: NoisyCopy) -> pd.DataFrame:
    import pandas as pd

    return _named(copy, pd.read_parquet(copy.detections_file))


def _named(copy: NoisyCopy, table: pd.DataFrame) -> pd.DataFrame:
    """Put the share of noise, and of really wrong labels, before a table."""
    named = table.assign(share=copy.share, wrong_share=copy.flips().wrong_share)
    return named[["share", "wrong_share", *table.columns]]
