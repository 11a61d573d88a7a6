"""How well wrong labels are found: the consensus against cleanlab on the same frozen features.

Targets, for CLINC150 intents: 1 − average precision at most half of that of cleanlab's
self-confidence where labels were drawn uniformly, and three quarters where they went to classes
that are easily confused.

Labels of CLINC150 intents and of SNLI's development set are flipped where `../shared/data` has the
files, and those of the built-in set anywhere else. `INFLUENCE_BENCH_DATA` names another file to
flip instead. cleanlab judges the 5-fold probabilities of a logistic regression on the features of
the run whose labels were flipped, by each of its three rankings. Rows of one group share a fold, as
they do for the consensus.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cleanlab.rank import get_label_quality_scores
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict

from influence_core import pipeline
from influence_core.config import BUILTIN_SOURCE, DataSettings, RunSettings, ScoringSettings
from influence_core.noise.evidence import Evidence
from influence_core.noise.flipping import flip
from influence_core.noise.known import detections, known_wrong
from influence_core.noise.measure import detection
from influence_core.noise.settings import FlipSettings
from influence_core.noise.table import find_noise
from influence_core.stages.lending import lend
from influence_core.store.copying import copied_data
from influence_core.store.run import Run, create_run
from influence_core.store.state import dataset_of

SHARED = Path(__file__).parents[2] / "shared" / "data"
SCORES = ("vog", "tracin", "aum", "margin")
SEEDS = (12, 13)
RANKINGS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")


@dataclass(frozen=True)
class Task:
    """Data whose labels are flipped, and which shares of them."""

    name: str
    data: DataSettings
    shares: tuple[float, ...] = (0.1,)


@dataclass(frozen=True)
class Outcome:
    """Average precision of everything on one flipped copy, and what was estimated."""

    name: str
    wrong: float
    precisions: dict[str, float]
    estimate: str

    @property
    def ratio(self) -> float:
        """What the consensus misses, over what cleanlab's self-confidence misses."""
        return (1 - self.precisions["consensus"]) / (1 - self.precisions["self_confidence"])

    def __str__(self) -> str:
        listed = ", ".join(f"{key} {value:.4f}" for key, value in self.precisions.items())
        return (
            f"{self.name}, {self.wrong:.2%} wrong, estimated {self.estimate}: 1 − average "
            f"precision {self.ratio:.2f} times that of cleanlab's self-confidence ({listed})"
        )


def tasks() -> list[Task]:
    """List what is measured here."""
    named = os.environ.get("INFLUENCE_BENCH_DATA")
    if named:
        return [Task(Path(named).stem, DataSettings(source=named))]
    if not SHARED.is_dir():
        return [Task("voice-assistant", DataSettings(source=BUILTIN_SOURCE, label="intent"))]
    clinc = DataSettings(source=str(SHARED / "clinc150_train.csv"), label="intent")
    snli = DataSettings(source=str(SHARED / "snli_dev.csv"), group="premise")
    return [Task("clinc", clinc, (0.05, 0.1, 0.2)), Task("snli", snli)]


def settings(data: DataSettings) -> RunSettings:
    return RunSettings(data=data, scoring=ScoringSettings(scores=SCORES))


def cleanlab_alone(evidence: Evidence, seed: int) -> dict[str, np.ndarray]:
    """Rank rows by cleanlab, on 5-fold probabilities of a logistic regression."""
    grouped = dataset_of(evidence.run).group is not None
    division = StratifiedGroupKFold if grouped else StratifiedKFold
    folds = division(5, shuffle=True, random_state=seed)
    model = LogisticRegression(max_iter=300, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probabilities = cross_val_predict(
            model,
            evidence.features,
            evidence.labels,
            groups=evidence.units if grouped else None,
            cv=folds,
            method="predict_proba",
        )
    return {
        ranking: get_label_quality_scores(evidence.labels, probabilities, method=ranking)
        for ranking in RANKINGS
    }


def outcome(clean: Run, flips: FlipSettings) -> Outcome:
    """Flip labels of a clean run's data, make a run of them, and look for them."""
    name = f"{clean.name}-{flips.kind}-{flips.share:g}-seed{flips.seed}"
    root = clean.path.parent
    flipped = flip(clean, root / f"{name}.parquet", flips)
    noisy = create_run(name, settings(copied_data(clean, flipped.path)), root)
    lend(noisy, clean.embeddings_file)
    pipeline.resume(name, root=root)
    wrong = known_wrong(noisy)
    found = {key: one.average_precision for key, one in detections(noisy, wrong)}
    evidence = Evidence(noisy)
    for ranking, quality in cleanlab_alone(evidence, flips.seed).items():
        by_id = evidence.by_id
        found[ranking] = detection(quality, wrong, by_id, suspicious="low").average_precision
    share = find_noise(noisy).facts.wrong
    estimate = f"{share.share:.2%} ({share.low:.2%} to {share.high:.2%})"
    return Outcome(name, float(wrong.mean()), found, estimate)


def results() -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks():
            clean = pipeline.run(name=task.name, settings=settings(task.data), root=Path(folder))
            for share in task.shares:
                for kind in ("uniform", "confused"):
                    for seed in SEEDS:
                        yield outcome(clean, FlipSettings(kind=kind, share=share, seed=seed))
