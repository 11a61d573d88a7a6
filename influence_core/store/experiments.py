"""Experiments on a run: folders inside its own, each worked on as a run is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from influence_core.access import must_be_writable
from influence_core.config import ComputeSettings, Settings
from influence_core.errors import RunExists, RunNotFound
from influence_core.store.names import free_name
from influence_core.store.run import Run, validate_name
from influence_core.store.workplace import WorkManifest, Workplace, new_version, now


class TrainingManifest(WorkManifest):
    """What every experiment's manifest says, beside its `settings`.

    `encoder`, `epochs` and the counts of rows are those that models are trained and judged with,
    known once the work has begun.
    """

    compute: ComputeSettings = ComputeSettings()
    encoder: str = ""
    epochs: int = 0
    train_rows: int = 0
    test_rows: int = 0


Told = TypeVar("Told", bound=TrainingManifest)


@dataclass(frozen=True)
class RunExperiment(Workplace[Told]):
    """A handle on the folder of one experiment.

    KIND is its kind in words, with an article; FOLDER that of its kind in a run's, MANIFEST the
    name of its manifest, OPTION how a worker is told of it, and WORD what it is called by default.
    """

    KIND: ClassVar[str]
    FOLDER: ClassVar[str]
    MANIFEST: ClassVar[str]
    OPTION: ClassVar[str]
    WORD: ClassVar[str]

    @property
    def run(self) -> Run:
        """The run that it is about."""
        return Run(self.path.parent.parent)

    @property
    def manifest_file(self) -> Path:
        """Its settings, and how the work stands."""
        return self.path / self.MANIFEST

    @property
    def title(self) -> str:
        """What messages call it."""
        words = self.KIND.partition(" ")[2].capitalize()
        return f"{words} {self.name!r} of run {self.run.name!r}"

    @property
    def root(self) -> Path:
        """The folder of runs that its run lies in."""
        return self.run.root

    @property
    def address(self) -> tuple[str, ...]:
        """Arguments by which a worker finds it."""
        return (self.run.name, self.OPTION, self.name, "--root", str(self.root))

    @classmethod
    def folder(cls, run: Run) -> Path:
        """Return where those of a run lie, a folder each."""
        return run.path / cls.FOLDER

    @classmethod
    def create(
        cls, run: Run, name: str | None, settings: Settings, compute: ComputeSettings | None = None
    ) -> Self:
        """Make the folder of a new one; without a name it gets one that is free.

        Raises:
            RunExists: the run has one of that name.
            RunError: the name is not allowed.
            ReadOnly: nothing may be written.
        """
        must_be_writable(f"start {cls.KIND} of run {run.name!r}")
        taken = {path.name for path in cls.folder(run).glob("*")}
        chosen = validate_name(name) if name is not None else free_name(taken, cls.WORD)
        experiment = cls(cls.folder(run) / chosen)
        experiment.path.mkdir(parents=True, exist_ok=True)
        with experiment.lock():
            if experiment.manifest_file.exists():
                raise RunExists(
                    f"Run {run.name!r} has {cls.KIND} {chosen!r} already; choose another name, or "
                    "resume it."
                )
            experiment.empty()
            facts: dict[str, Any] = {"settings": settings, "compute": compute or ComputeSettings()}
            version = new_version()
            experiment.write(
                experiment.manifest_type(
                    name=chosen, created=now(), content_version=version, **facts
                )
            )
        return experiment

    @classmethod
    def open(cls, run: Run, name: str) -> Self:
        """Open one of a run by name.

        Raises:
            RunNotFound: the run has none of that name.
        """
        experiment = cls(cls.folder(run) / validate_name(name))
        if not experiment.manifest_file.exists():
            has = ", ".join(repr(one.name) for one in cls.of(run)) or "none"
            kind = cls.KIND.partition(" ")[2]
            raise RunNotFound(f"Run {run.name!r} has no {kind} {name!r}; it has {has}.")
        return experiment

    @classmethod
    def of(cls, run: Run) -> list[Self]:
        """Return those of a run, newest first."""
        found = [cls(path.parent) for path in cls.folder(run).glob(f"*/{cls.MANIFEST}")]
        return sorted(found, key=lambda one: (-one.manifest_file.stat().st_mtime, one.name))
