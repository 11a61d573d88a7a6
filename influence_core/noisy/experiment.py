"""The folder of an experiment on noisy data, and in it a run for each share of wrong labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from influence_core.noise.flipping import FlipManifest, manifest_beside
from influence_core.noise.settings import FlipSettings
from influence_core.noisy.settings import NoisySettings
from influence_core.pruning.experiment import Experiment
from influence_core.store.experiments import RunExperiment, TrainingManifest
from influence_core.store.run import Run


class NoisyManifest(TrainingManifest):
    """The contents of `noisy.json`."""

    settings: NoisySettings


@dataclass(frozen=True)
class NoisyExperiment(RunExperiment[NoisyManifest]):
    """An experiment on noisy data, `noisy/<name>/` in the folder of its run."""

    KIND = "a noisy experiment"
    FOLDER = "noisy"
    MANIFEST = "noisy.json"
    OPTION = "--noisy"
    WORD = "noisy"

    @property
    def manifest_type(self) -> type[NoisyManifest]:
        """What `noisy.json` holds."""
        return NoisyManifest

    def copies(self) -> list[NoisyCopy]:
        """List the noisy copies of the data, the least noisy first."""
        shares = sorted(set(self.manifest().settings.shares))
        return [NoisyCopy(self, share) for share in shares]


@dataclass(frozen=True)
class NoisyCopy:
    """The data with a share of its labels drawn anew, and what is computed on it."""

    experiment: NoisyExperiment
    share: float

    @property
    def name(self) -> str:
        """Its name, which is that of its run."""
        return f"noisy-{self.share:g}"

    @property
    def title(self) -> str:
        """What progress calls it."""
        return f"{100 * self.share:g}%"

    @property
    def settings(self) -> FlipSettings:
        """How its labels are drawn."""
        return self.experiment.manifest().settings.flips(self.share)

    @property
    def data_file(self) -> Path:
        """The examples with their new labels, and beside them what was done to these."""
        return self.experiment.path / "data" / f"{self.name}.parquet"

    @property
    def run(self) -> Run:
        """The run on it: its scores are those of noisy data."""
        return Run(self.experiment.path / "runs" / self.name)

    @property
    def pruning(self) -> Experiment:
        """What pruning by those scores does."""
        return Experiment(Experiment.folder(self.run) / Experiment.WORD)

    @property
    def detections_file(self) -> Path:
        """What scores and detectors find of the wrong labels."""
        return self.experiment.path / "detections" / f"{self.name}.parquet"

    @property
    def finished(self) -> bool:
        """Whether everything is computed."""
        if not (self.detections_file.exists() and self.pruning.manifest_file.exists()):
            return False
        return self.pruning.manifest().status == "complete"

    def flips(self) -> FlipManifest:
        """Read how many labels were drawn, and how many are wrong."""
        return FlipManifest.model_validate_json(manifest_beside(self.data_file).read_bytes())
