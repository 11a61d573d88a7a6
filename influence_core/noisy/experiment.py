"""The folder of an experiment on noisy data, and in it a run for each share of wrong labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from influence_core.config import ComputeSettings
from influence_core.errors import RunExists, RunNotFound
from influence_core.noise.flipping import FlipManifest, manifest_beside
from influence_core.noise.settings import FlipSettings
from influence_core.noisy.settings import NoisySettings
from influence_core.pruning.experiment import Experiment
from influence_core.store.run import Run, validate_name
from influence_core.store.workplace import WorkManifest, Workplace, new_version, now


class NoisyManifest(WorkManifest):
    """The contents of `noisy.json`.

    `encoder`, `epochs` and the counts of rows are those that models are trained and judged with,
    known once the work has begun.
    """

    settings: NoisySettings
    compute: ComputeSettings = ComputeSettings()
    encoder: str = ""
    epochs: int = 0
    train_rows: int = 0
    test_rows: int = 0


@dataclass(frozen=True)
class NoisyExperiment(Workplace[NoisyManifest]):
    """A handle on the folder of one experiment, `noisy/<name>/` in that of its run."""

    @property
    def run(self) -> Run:
        """The run whose labels are flipped."""
        return Run(self.path.parent.parent)

    @property
    def manifest_file(self) -> Path:
        """`noisy.json`."""
        return self.path / "noisy.json"

    @property
    def manifest_type(self) -> type[NoisyManifest]:
        """What `noisy.json` holds."""
        return NoisyManifest

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"Noisy experiment {self.name!r} of run {self.run.name!r}"

    @property
    def address(self) -> tuple[str, ...]:
        """Arguments by which a worker finds it."""
        return (self.run.name, "--noisy", self.name, "--root", str(self.run.path.parent))

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
        return Experiment(self.run.curves_folder / "pruning")

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


def noisy_folder(run: Run) -> Path:
    """Return where the noisy experiments of a run lie: `noisy/`, a folder each."""
    return run.path / "noisy"


def create_noisy(
    run: Run, name: str, settings: NoisySettings, compute: ComputeSettings | None = None
) -> NoisyExperiment:
    """Make the folder of a new experiment.

    Raises:
        RunExists: the run has one of that name.
        RunError: the name is not allowed.
    """
    experiment = NoisyExperiment(noisy_folder(run) / validate_name(name))
    experiment.path.mkdir(parents=True, exist_ok=True)
    with experiment.lock():
        if experiment.manifest_file.exists():
            raise RunExists(
                f"Run {run.name!r} has a noisy experiment {name!r} already; choose another name, "
                "or resume it."
            )
        experiment.empty()
        experiment.write(
            NoisyManifest(
                name=name,
                created=now(),
                settings=settings,
                compute=compute or ComputeSettings(),
                content_version=new_version(),
            )
        )
    return experiment


def open_noisy(run: Run, name: str) -> NoisyExperiment:
    """Open a noisy experiment of a run by name.

    Raises:
        RunNotFound: the run has none of that name.
    """
    experiment = NoisyExperiment(noisy_folder(run) / validate_name(name))
    if not experiment.manifest_file.exists():
        has = ", ".join(repr(one.name) for one in noisy_experiments(run)) or "none"
        raise RunNotFound(f"Run {run.name!r} has no noisy experiment {name!r}; it has {has}.")
    return experiment


def noisy_experiments(run: Run) -> list[NoisyExperiment]:
    """Return the noisy experiments of a run, newest first."""
    found = [NoisyExperiment(path.parent) for path in noisy_folder(run).glob("*/noisy.json")]
    return sorted(found, key=lambda one: (-one.manifest_file.stat().st_mtime, one.name))
