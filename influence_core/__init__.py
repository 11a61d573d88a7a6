"""Influence Scope: which of your labelled texts matter, which labels are wrong, what can go."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from influence_core.config import RunSettings
    from influence_core.errors import InfluenceError
    from influence_core.exporting import export
    from influence_core.noise.flipping import flip
    from influence_core.noise.settings import FlipSettings
    from influence_core.noise.table import find_noise
    from influence_core.pipeline import import_scores, resume, run, score_checkpoints
    from influence_core.pruning.experiment import open_experiment
    from influence_core.pruning.figures import Findings
    from influence_core.pruning.measure import prune, resume_pruning
    from influence_core.pruning.recommend import recommend
    from influence_core.pruning.settings import ExperimentSettings
    from influence_core.recorder import InfluenceRecorder
    from influence_core.scores.pairwise.explain import explain
    from influence_core.scores.registry import SCORES
    from influence_core.selection.select import SelectionSettings, select
    from influence_core.store.review import Reviews
    from influence_core.store.run import Run, list_runs, open_run

__version__ = "0.1.0"

_HOMES = {
    "ExperimentSettings": "influence_core.pruning.settings",
    "Findings": "influence_core.pruning.figures",
    "FlipSettings": "influence_core.noise.settings",
    "InfluenceError": "influence_core.errors",
    "InfluenceRecorder": "influence_core.recorder",
    "Reviews": "influence_core.store.review",
    "Run": "influence_core.store.run",
    "RunSettings": "influence_core.config",
    "SCORES": "influence_core.scores.registry",
    "SelectionSettings": "influence_core.selection.select",
    "explain": "influence_core.scores.pairwise.explain",
    "export": "influence_core.exporting",
    "find_noise": "influence_core.noise.table",
    "flip": "influence_core.noise.flipping",
    "import_scores": "influence_core.pipeline",
    "list_runs": "influence_core.store.run",
    "open_experiment": "influence_core.pruning.experiment",
    "open_run": "influence_core.store.run",
    "prune": "influence_core.pruning.measure",
    "recommend": "influence_core.pruning.recommend",
    "resume": "influence_core.pipeline",
    "resume_pruning": "influence_core.pruning.measure",
    "run": "influence_core.pipeline",
    "score_checkpoints": "influence_core.pipeline",
    "select": "influence_core.selection.select",
}

__all__ = [
    "SCORES",
    "ExperimentSettings",
    "Findings",
    "FlipSettings",
    "InfluenceError",
    "InfluenceRecorder",
    "Reviews",
    "Run",
    "RunSettings",
    "SelectionSettings",
    "explain",
    "export",
    "find_noise",
    "flip",
    "import_scores",
    "list_runs",
    "open_experiment",
    "open_run",
    "prune",
    "recommend",
    "resume",
    "resume_pruning",
    "run",
    "score_checkpoints",
    "select",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
