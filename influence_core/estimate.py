"""How long a run will take, from what earlier runs on this machine took."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from influence_core.config import BUNDLED_ENCODER, RunSettings
from influence_core.errors import RunError
from influence_core.store.run import Manifest, list_runs

_SETTLED_ROWS = 1_000
"""Runs of fewer rows mostly measure how long things take to start."""

_REFERENCE = {
    "probe": {"features": 1_500.0, "training": 60_000.0, "trace": 200_000.0},
    "finetune": {"training": 120.0, "trace": 400.0},
}
"""Units a second with the bundled encoder on two cores, for utterances of about ten tokens."""

_START_SECONDS = 6.0


@dataclass(frozen=True)
class Estimate:
    """Seconds a run will take, and the run they are judged by ('' for a typical machine)."""

    seconds: float
    judged_by: str


def estimate(settings: RunSettings, rows: int, root: Path | None = None) -> Estimate | None:
    """Estimate the seconds that a run over `rows` examples takes.

    Judged by the newest finished run with the same encoder and mode; without one, by figures of
    two cores for the bundled encoder, and not at all (None) for another.
    """
    data = settings.data
    train_rows = round(rows * (1 - data.validation_fraction - data.test_fraction))
    work = _units(settings, rows, train_rows)
    for manifest in _finished(root):
        rates = _rates(manifest, settings)
        if rates is not None:
            return Estimate(_START_SECONDS + _seconds(work, rates), manifest.name)
    if settings.model.encoder != BUNDLED_ENCODER:
        return None
    return Estimate(_START_SECONDS + _seconds(work, _REFERENCE[settings.training.mode]), "")


def _units(settings: RunSettings, rows: int, train_rows: int) -> dict[str, float]:
    """Count what each stage goes through: rows, rows × epochs, rows × checkpoints."""
    training = settings.training
    work = {
        "training": float(train_rows * training.epochs * training.seeds),
        "trace": float(train_rows * training.checkpoints * training.seeds),
    }
    if training.mode == "probe":
        work["features"] = float(rows)
    return work


def _seconds(work: dict[str, float], rates: dict[str, float]) -> float:
    return sum(units / rates[stage] for stage, units in work.items())


def _finished(root: Path | None) -> list[Manifest]:
    found = []
    for run in list_runs(root):
        try:
            manifest = run.manifest()
        except RunError:
            continue
        if manifest.status == "complete":
            found.append(manifest)
    return found


def _rates(manifest: Manifest, settings: RunSettings) -> dict[str, float] | None:
    """Return units a second of a run that can be compared with `settings`."""
    past, dataset = manifest.settings, manifest.dataset
    alike = past.training.mode == settings.training.mode and past.model == settings.model
    if not alike or dataset is None or dataset.splits.get("train", 0) < _SETTLED_ROWS:
        return None
    units = _units(past, dataset.rows, dataset.splits["train"])
    spent = {
        stage: sum(
            took.seconds for name, took in manifest.stages.items() if name.split(" ")[0] == stage
        )
        for stage in units
    }
    if not all(spent.values()):
        return None
    return {stage: units[stage] / spent[stage] for stage in units}
