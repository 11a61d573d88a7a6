"""One noisy copy of the data: its labels, its scores, what pruning by them does and finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from influence_core import pipeline
from influence_core.config import ComputeSettings, RunSettings
from influence_core.errors import RunError
from influence_core.noise.flipping import FLIPPED, flip, manifest_beside
from influence_core.noise.known import detections, known_wrong
from influence_core.noise.measure import Detection
from influence_core.noisy.experiment import NoisyCopy
from influence_core.progress import Listener, Progress, relayed
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.material import Material
from influence_core.pruning.measure import resume_pruning
from influence_core.stages.lending import lend, share
from influence_core.store.copying import copied_data
from influence_core.store.files import discard, write_parquet
from influence_core.store.run import create_run
from influence_core.store.state import dataset_of
from influence_core.training.outlook import read_examples

TOLD = ("training", "trace", "models")
"""Stages of runs and pruning experiments that take long enough to be told."""


@dataclass(frozen=True)
class CopyWork:
    """The work on one share of wrong labels.

    Every step passes over what is there already, so that a stop costs at most the models at work.
    `lent` holds what depends on the texts alone: features and token ids.
    """

    copy: NoisyCopy
    lent: Material
    compute: ComputeSettings
    progress: Progress

    def do(self) -> None:
        """Compute whatever is not there."""
        if not self.copy.finished:
            self._flip()
            self._score()
            self._detect()
            self._prune()
        # A classifier of wrong labels is the largest file, and of no use to anybody.
        discard(self.copy.run.model_folder)

    @property
    def _tokens(self) -> Path | None:
        """The token ids, where they are needed besides the features."""
        return None if self.lent.training.mode == "probe" else self.lent.tokens_folder

    @property
    def _relay(self) -> Listener:
        return relayed(self.progress, self.copy.title, TOLD)

    def _flip(self) -> None:
        copy = self.copy
        self.progress.begin(f"{copy.title} labels", 1, "draws")
        if not manifest_beside(copy.data_file).exists():
            discard(copy.data_file)
            copy.data_file.parent.mkdir(exist_ok=True)
            flip(copy.experiment.run, copy.data_file, copy.settings)
        self.progress.advance(1)
        self.progress.end()

    def _score(self) -> None:
        run = self.copy.run
        root = run.path.parent
        if not run.manifest_file.exists():
            create_run(run.name, self._run_settings(), root)
        if "tokens" not in run.manifest().stages:
            lend(run, self.lent.features_file, self._tokens)
        pipeline.resume(run.name, compute=self.compute, listeners=[self._relay], root=root)
        self._check_rows()

    def _run_settings(self) -> RunSettings:
        """Return the settings of the clean run, but for its data and what the experiment asks."""
        run = self.copy.experiment.run
        asked = self.copy.experiment.manifest().settings
        own = run.manifest().settings
        training = {
            "mode": asked.mode,
            "epochs": asked.epochs or own.training.epochs,
            "keep_activations": "none",
            "keep_checkpoints": False,
        }
        return RunSettings(
            data=copied_data(run, self.copy.data_file),
            model=self.lent.model,
            training=own.training.model_copy(update=training),
            scoring=own.scoring.model_copy(update={"scores": asked.scores}),
            compute=self.compute,
        )

    def _check_rows(self) -> None:
        """Refuse to go on where the copy was read as other rows than it was lent for."""
        run, clean = self.copy.run, self.lent.run
        ids = read_examples(run, dataset_of(run).label_names).ids
        if ids.tolist() != self.lent.examples.ids.tolist():
            raise RunError(
                f"{run.title} does not hold the rows of run {clean.name!r} in their order: its "
                "files changed meanwhile. Delete the experiment and start it again."
            )

    def _detect(self) -> None:
        """Write what scores, detectors and their consensus find of the wrong labels."""
        import pyarrow as pa

        if self.copy.detections_file.exists():
            return
        scores = self.copy.run.manifest().scores
        self.progress.begin(f"{self.copy.title} overlap", len(scores), "scores")
        wrong = known_wrong(self.copy.run, FLIPPED)
        rows = []
        for name, found in detections(self.copy.run, wrong):
            rows.append({"name": name, **_flat(found)})
            self.progress.advance(name in scores)
        write_parquet(self.copy.detections_file, pa.Table.from_pylist(rows))
        self.progress.end()

    def _prune(self) -> None:
        pruning, tokens = self.copy.pruning, self._tokens
        if not pruning.manifest_file.exists():
            Experiment.create(self.copy.run, pruning.name, self.lent.settings, self.compute)
        own = pruning.private_folder / "tokens"
        if tokens is not None and not own.exists():
            share(tokens, own)
        resume_pruning(pruning, compute=self.compute, listeners=[self._relay])


def _flat(found: Detection) -> dict[str, float]:
    """Return the figures of a detection, those of chance beside them."""
    figures = asdict(found)
    by_chance = figures.pop("by_chance")
    chance = {f"chance_{name}": value for name, value in by_chance.items()}
    return {**figures, **chance, "above_chance": found.above_chance}
