"""How a run was computed, as a report tells it: by what model, how sure, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from influence_core.config import RunSettings, Settings
from influence_core.noisy.settings import NoisySettings
from influence_core.progress import duration
from influence_core.pruning.settings import ExperimentSettings
from influence_core.report.settings import ReportSettings
from influence_core.report.wording import counted, percent
from influence_core.store.names import named
from influence_core.store.run import Manifest

WAYS = {
    "probe": "a probe: a small classifier on frozen features of the encoder. Its figures are "
    "estimates of what a fully trained model would say",
    "finetune": "a fully fine-tuned model",
    "checkpoints": "checkpoints of a model that was trained elsewhere",
    "recorder": "a model that was recorded while somebody else's code trained it",
    "import": "figures that were computed elsewhere; no model was trained here",
}

_RENAMED = {"data.seed": "data_seed"}
"""Settings whose option has another name: there are two seeds."""


@dataclass(frozen=True)
class RunFacts:
    """How the figures came about."""

    name: str
    created: str
    status: str
    estimate: bool
    way: str
    encoder: str
    accuracy: float | None
    test_rows: int
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    command: str | None

    @property
    def answer(self) -> str | None:
        """How good the model is, in one sentence; None where none was judged."""
        if self.accuracy is None:
            return None
        told = f"A model that learnt from all of them is right about {percent(self.accuracy)}"
        return f"{told} of {counted(self.test_rows, 'unseen text')}."


def about_run(manifest: Manifest) -> RunFacts:
    """Read how a run was computed."""
    settings, test = manifest.settings, manifest.metrics.get("test", {})
    return RunFacts(
        name=manifest.name,
        created=manifest.created,
        status=manifest.status,
        estimate=settings.origin == "probe",
        way=WAYS[settings.origin],
        encoder=settings.model.encoder,
        accuracy=test.get("accuracy"),
        test_rows=int(test.get("rows", 0)),
        facts=tuple(_facts(manifest)),
        notes=manifest.notes,
        command=run_command(manifest),
    )


def run_command(manifest: Manifest) -> str | None:
    """Return the command that repeats a run; None where no command made it."""
    settings = manifest.settings
    if settings.origin in ("checkpoints", "recorder"):
        return None
    source = _without_folders(settings.data.source)
    words = ["influence", "run", source, "--name", manifest.name]
    if settings.imported is not None:
        words = ["influence", "import", source, "--from", _without_folders(settings.imported.path)]
        words += ["--name", manifest.name, *_options(settings.imported, "imported", ("path",))]
        return shlex.join([*words, *_options(settings.data, "data", ("source",))])
    return shlex.join([*words, *_of_parts(settings)])


def pruning_command(run: str, name: str, settings: ExperimentSettings) -> str:
    """Return the command that repeats a pruning experiment."""
    words = ["influence", "prune", run, "--name", name]
    return shlex.join([*words, *_options(settings, "pruning")])


def _without_folders(source: str) -> str:
    """Return a source as a command names it, without folders of the machine that it lay on."""
    parts = [Path(part) for part in named(source)]
    return ",".join(part.name if part.is_absolute() else str(part) for part in parts)


def noisy_command(run: str, name: str, settings: NoisySettings) -> str:
    """Return the command that repeats an experiment on noisy data."""
    words = ["influence", "noisy", run, "--name", name]
    return shlex.join([*words, *_options(settings, "noisy")])


def report_command(run: str, settings: ReportSettings) -> str:
    """Return the command that makes a report anew."""
    return shlex.join(["influence", "report", run, *_options(settings, "report")])


def _of_parts(settings: RunSettings) -> Iterator[str]:
    yield from _options(settings.data, "data", ("source",))
    yield from _options(settings.model, "model")
    yield from _options(settings.training, "training")
    yield from _options(settings.scoring, "scoring")


def _options(settings: Settings, part: str, skip: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the options that differ from their defaults."""
    chosen = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    for name, value in chosen.items():
        if name not in skip:
            yield from _option(_RENAMED.get(f"{part}.{name}", name).replace("_", "-"), value)


def _option(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}"] if value else [f"--no-{name}"]
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return [f"--{name}", str(value)]


def _facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield what has to be known to repeat a run, each with its name."""
    settings, dataset = manifest.settings, manifest.dataset
    yield "Run", f"{manifest.name}, made {manifest.created[:16].replace('T', ' ')} UTC"
    yield "Scores from", WAYS[settings.origin]
    if settings.origin in ("probe", "finetune"):
        training = settings.training
        yield "Encoder", settings.model.encoder
        yield (
            "Training",
            (
                f"{counted(training.epochs, 'epoch')}, batches of {training.batch_size}, "
                f"{training.checkpoints} checkpoints, {counted(training.seeds, 'seed')} from "
                f"{training.seed}"
            ),
        )
    if dataset is not None:
        yield "Data fingerprint", dataset.fingerprint[:16]
    yield "Content version", manifest.content_version
    if manifest.stages:
        yield "Computing time", duration(sum(one.seconds for one in manifest.stages.values()))
    if manifest.versions:
        yield "Versions", ", ".join(f"{name} {one}" for name, one in manifest.versions.items())
