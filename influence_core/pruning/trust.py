"""Whether a probe can stand for fine-tuning: it cannot where frozen features do not suffice."""

from __future__ import annotations

from dataclasses import dataclass

from influence_core.pruning.experiment import Experiment
from influence_core.pruning.figures import Findings

MOST = 0.05
"""Accuracy by which probes may fall short of the fine-tuned classifier of the run."""


@dataclass(frozen=True)
class Shortfall:
    """Accuracy on the test rows of probes on the unpruned data, and of the run's classifier."""

    probe: float
    classifier: float

    @property
    def words(self) -> str:
        """What that means for the figures of the experiment."""
        return (
            f"Frozen features do not hold what the labels need: probes on all rows reach "
            f"{self.probe:.1%}, the run's fine-tuned classifier {self.classifier:.1%}. What they "
            "say of pruning may not hold for fine-tuning; measure it with mode 'finetune'."
        )


def shortfall(experiment: Experiment, findings: Findings) -> Shortfall | None:
    """Return how far probes fall short of the run's own classifier, where that is too far.

    None too where there is nothing to compare: the models are fine-tuned or of another encoder, the
    run's classifier is a probe itself, or no model of the unpruned data is there yet.
    """
    settings, run = experiment.manifest().settings, experiment.run.manifest()
    tested = run.metrics.get("test")
    comparable = run.settings.training.mode == "finetune" and settings.train_encoder is None
    if settings.mode != "probe" or not comparable or tested is None:
        return None
    correct = findings.correct(findings.whole)
    if not len(correct):
        return None
    found = Shortfall(float(correct.mean()), tested["accuracy"])
    return found if found.classifier - found.probe > MOST else None
