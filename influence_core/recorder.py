"""`InfluenceRecorder`: influence scores out of anybody's transformers Trainer."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from influence_core import pipeline, ranks
from influence_core.config import (
    CheckpointSettings,
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
    validated,
)
from influence_core.errors import ConfigError, ModelError, RunExists, rule
from influence_core.progress import Listener
from influence_core.stages.replay import check_replay
from influence_core.store.names import run_names
from influence_core.store.run import Run, runs_root, validate_name
from influence_core.store.state import recorded_elsewhere, still_recording
from influence_core.store.workplace import busy

if TYPE_CHECKING:
    from transformers import Trainer

_OF_CHECKPOINTS = {"vog": 2, "tracin": 1, "grand": 1}
"""Fewest checkpoints of the scores that need any."""


class InfluenceRecorder:
    """Records a training by anybody's transformers Trainer, and scores its rows.

        recorder = InfluenceRecorder(name="mine", text="sentence", label="label")
        recorder.attach(trainer)
        trainer.train()

    The result is a run folder like that of `influence run`. The training itself is the same, bit by
    bit, with and without the recorder.

    The dynamics come from the batches of the training: they cost no pass of their own, and are what
    the model said in training mode, with dropout, before each step. With `snapshots` they come from
    all rows in evaluation mode at the end of every epoch, a forward pass over the data each.
    Evaluations are not recorded. VoG, TracIn and GraNd, which need checkpoints, are traced when
    the training has ended, and on the way what `explain` answers from is kept. A training that is
    cancelled leaves what it gave so far; `recorder.finish()` scores it.

    Each process of a distributed training writes its own records; the first one merges them. There
    the scores are left to `recorder.finish()`, or to `influence run --resume --name NAME`, so that
    no process waits for them. Resumed trainings go on where their state was saved. Sharded models
    (FSDP, DeepSpeed), adapters and streamed datasets are refused.

    Args:
        name: name of the run; the Trainer's output folder names it by default.
        examples: texts and labels of the training rows, in their order: a data frame, a dataset or
            a dictionary of columns; the Trainer's dataset itself by default.
        text, text_pair, label, id: columns of the examples; guessed where they are left out. Labels
            are numbers of the model's outputs, or names of its id2label. Ids default to positions.
        checkpoints: how many weights-only checkpoints are kept at even steps until the scores are
            there; 0 for none, and then no VoG, TracIn or GraNd.
        snapshots: whether the dynamics, and forgetting with them, come from full passes at the ends
            of epochs instead of the minibatches.
        scores: scores to compute; all common ones that the checkpoints allow by default.
        keep_checkpoints: whether the checkpoints stay, for `explain` of texts that are no rows.
        finish: whether scores are computed right after a training in a single process.
        root: folder of runs; `INFLUENCE_RUNS` or `./runs` by default.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        examples: Any = None,
        text: str | None = None,
        text_pair: str | None = None,
        label: str | None = None,
        id: str | None = None,
        checkpoints: int = 10,
        snapshots: bool = False,
        scores: Iterable[str] | None = None,
        keep_checkpoints: bool = False,
        finish: bool = True,
        root: Path | None = None,
    ) -> None:
        if not 0 <= checkpoints <= 100:
            raise ConfigError(rule("checkpoints", "be in [0, 100]", checkpoints))
        self._name = None if name is None else validate_name(name)
        self._examples = examples
        self._columns = {"text": text, "text_pair": text_pair, "label": label, "id": id}
        self._checkpoints = checkpoints
        self._snapshots = snapshots
        self._scores = _scores(scores, checkpoints)
        self._keep_checkpoints = keep_checkpoints
        self._finish = finish
        self._root = root or runs_root()
        self._run: Run | None = None

    def attach(self, trainer: Trainer) -> None:
        """Record the coming `trainer.train()`; called once, when the Trainer is complete.

        Raises:
            DataError: texts or labels are not found, or do not fit the model.
            ModelError: the model or the Trainer is of a kind that cannot be recorded.
            RunExists: there is a finished run of that name.
            RunBusy: another process records a run of that name.
        """
        from influence_core.training.given import SOURCE, GivenExamples
        from influence_core.training.recorder import Plan, RecordingCallback

        _require_plain(trainer)
        outputs = [trainer.model.config.id2label[n] for n in range(trainer.model.config.num_labels)]
        columns = DataSettings(
            source=SOURCE, validation_fraction=0, test_fraction=0, **self._columns
        )
        handed = trainer.train_dataset if self._examples is None else self._examples
        examples = GivenExamples(handed, columns, outputs)
        if len(examples.codes) != len(trainer.train_dataset):
            raise ConfigError(
                rule(
                    "examples",
                    f"have a row for each of the {len(trainer.train_dataset)} training rows",
                    len(examples.codes),
                )
            )
        settings = self._settings(trainer, columns)
        check_replay(settings)
        self._free_name(trainer)
        plan = Plan(
            free_name=lambda: self._free_name(trainer),
            root=self._root,
            settings=settings,
            checkpoints=self._checkpoints,
            snapshots=self._snapshots,
        )
        trainer.add_callback(RecordingCallback(trainer, plan, examples, self._handed_over))

    @property
    def run(self) -> Run | None:
        """The run, once the training has ended; None before, and in processes but the first."""
        return self._run

    def finish(self, listeners: Iterable[Listener] = ()) -> Run | None:
        """Trace the checkpoints and compute the scores, where that was not done yet.

        Every process of a distributed training may call it; the first one works, and the others
        return None at once.

        Raises:
            InfluenceError: the training has not ended, or a score cannot be computed.
        """
        if not ranks.leads():
            return None
        if self._run is None:
            raise ConfigError("There is nothing to finish: the training has not ended yet.")
        with ranks.alone():
            return pipeline.resume(self._run.name, listeners=listeners, root=self._root)

    def _handed_over(self, run: Run) -> None:
        self._run = run
        cancelled = run.manifest().status == "cancelled"
        if self._finish and not cancelled and ranks.world_size() == 1:
            self.finish()

    def _settings(self, trainer: Trainer, columns: DataSettings) -> RunSettings:
        args = trainer.args
        rate = args.learning_rate or TrainingSettings().encoder_lr
        batch = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
        training = {
            "mode": "finetune",
            "epochs": max(1, ceil(args.num_train_epochs)),
            "batch_size": batch,
            "encoder_lr": rate,
            "head_lr": rate,
            "checkpoints": max(2, self._checkpoints),
            "seed": args.seed,
            "keep_checkpoints": self._keep_checkpoints,
        }
        return RunSettings(
            data=columns,
            model=ModelSettings(encoder=trainer.model.name_or_path or "recorded"),
            training=validated(TrainingSettings, training),
            scoring=ScoringSettings(
                scores=self._scores,
                forgetting_from="snapshots" if self._snapshots else "minibatches",
            ),
            checkpoints=CheckpointSettings(recorded=True),
        )

    def _free_name(self, trainer: Trainer) -> str:
        """Return the name of the run: a new one, or that of a recording that was cut short."""
        folder = Path(trainer.args.output_dir or "").name
        names = run_names(folder) if self._name is None else (self._name,)
        for name in names:
            run = Run(self._root / name)
            if not run.manifest_file.exists():
                return name
            if recorded_elsewhere(run):
                if self._name is not None:
                    raise busy(run)
            elif still_recording(run):
                return name
        raise RunExists(
            f"There is a run named {self._name!r} already; give the recorder another name."
        )


def _scores(asked: Iterable[str] | None, checkpoints: int) -> tuple[str, ...]:
    """Return the scores to compute, refusing those that need more checkpoints."""
    beyond = [key for key, fewest in _OF_CHECKPOINTS.items() if checkpoints < fewest]
    wanted = tuple(ScoringSettings().scores if asked is None else asked)
    if asked is not None:
        for key in (key for key in beyond if key in wanted):
            least = _OF_CHECKPOINTS[key]
            raise ConfigError(rule("checkpoints", f"be {least} or more for {key}", checkpoints))
    return tuple(key for key in wanted if key not in beyond)


def _require_plain(trainer: Trainer) -> None:
    """Refuse what a recorder cannot follow."""
    from transformers import PreTrainedModel

    refusals: dict[str, bool] = {
        "its model is no transformers model": not isinstance(trainer.model, PreTrainedModel),
        "it has no training dataset with a length": not hasattr(trainer.train_dataset, "__len__"),
        "it shards the model": trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled,
        "one process drives several devices; launch it with torchrun": trainer.args.n_gpu > 1,
    }
    for reason, found in refusals.items():
        if found:
            raise ModelError(f"This Trainer cannot be recorded: {reason}.")
