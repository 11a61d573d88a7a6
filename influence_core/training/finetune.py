"""Fine-tuning of encoder and head by the transformers Trainer, recording on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from influence_core import ranks
from influence_core.config import TrainingSettings
from influence_core.model.classifier import TextClassifier, save_classifier
from influence_core.model.tokens import TokenStore
from influence_core.progress import Progress
from influence_core.store.run import Run
from influence_core.training.dynamics import collect, write_snapshot
from influence_core.training.minibatches import MinibatchRecorder
from influence_core.training.outlook import Examples
from influence_core.training.passes import Observer
from influence_core.training.probe import save_head
from influence_core.training.schedule import Schedule
from influence_core.training.trainer import ClassifierTrainer


def train_finetune(
    model: TextClassifier,
    tokens: TokenStore,
    examples: Examples,
    settings: TrainingSettings,
    seed: int,
    run: Run,
    progress: Progress,
    minibatches: bool = False,
) -> None:
    """Fine-tune `model`; keep weights-only checkpoints, heads and the training dynamics.

    Adam with constant learning rates, `encoder_lr` and `head_lr`; gradients clipped at norm 1.
    A killed training goes on from its last checkpoint. Several processes divide each batch among
    them, and the first of them keeps the dynamics. With `minibatches` each of them also records
    its batches, in the folder of the run, and the first one merges the records.
    """
    schedule = Schedule.of(len(examples.train_rows), settings)
    callbacks: list[TrainerCallback] = [_Saver(schedule)]
    if ranks.leads():
        observer = Observer(model, settings.precision)
        callbacks.append(_Recorder(model, observer, tokens, examples, schedule, run, progress))
    state = run.private_folder / "trainer"
    last = _last_state(state)
    progress.begin("training", schedule.total, "steps")
    progress.advance(_step_of(last) if last else 0)
    rows, labels = examples.train_rows, examples.labels
    trainer = ClassifierTrainer(model, tokens, rows, labels, settings, seed, state, callbacks)
    if minibatches:
        recorder = MinibatchRecorder(run, schedule, trainer.args.process_index)
        trainer.witness = recorder.see
        trainer.add_callback(_Flusher(recorder, trainer.accelerator, schedule))
    trainer.fit(last)
    if minibatches and ranks.leads():
        recorder.merge(len(rows))
    progress.end()


class _Saver(TrainerCallback):
    """Let the Trainer save its state at every checkpoint, which all processes do together."""

    def __init__(self, schedule: Schedule) -> None:
        self._steps = schedule.checkpoints

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_save = state.global_step in self._steps


class _Flusher(TrainerCallback):
    """Bring the records of all processes to the disk before a state is saved."""

    def __init__(
        self, minibatches: MinibatchRecorder, accelerator: Any, schedule: Schedule
    ) -> None:
        self._minibatches = minibatches
        self._accelerator = accelerator
        self._saved = schedule.checkpoints

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if args.process_index == 0:
            self._minibatches.rewind(state.global_step)
        self._accelerator.wait_for_everyone()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._minibatches.flush(state.global_step)
        if state.global_step in self._saved:
            self._accelerator.wait_for_everyone()


class _Recorder(TrainerCallback):
    """Keep checkpoints, heads and snapshots at their steps."""

    def __init__(
        self,
        model: TextClassifier,
        observer: Observer,
        tokens: TokenStore,
        examples: Examples,
        schedule: Schedule,
        run: Run,
        progress: Progress,
    ) -> None:
        self._model = model
        self._observer = observer
        self._tokens = tokens
        self._examples = examples
        self._run = run
        self._progress = progress
        self._schedule = schedule

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step in self._schedule.snapshots:
            self._snapshot(state.global_step)
        if state.global_step in self._schedule.checkpoints:
            self._keep(state.global_step)
        self._progress.advance(1)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any
    ) -> None:
        if logs and "loss" in logs:
            self._progress.advance(0, loss=float(logs["loss"]))

    def _keep(self, step: int) -> None:
        save_classifier(self._model, self._run.checkpoints_folder / f"step-{step:06d}")
        save_head(self._model.head, self._run.heads_folder / f"step-{step:06d}.safetensors")

    def _snapshot(self, step: int) -> None:
        self._observer.follow(self._model)
        rows = self._examples.train_rows
        seen = self._observer.logits(self._tokens, rows)
        columns = collect(seen, rows, self._examples.labels)
        write_snapshot(self._run.dynamics_folder, step, step / self._schedule.per_epoch, columns)


def _last_state(folder: Path) -> Path | None:
    """Return the newest complete state of the Trainer: `trainer_state.json` is written last."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").exists()]
    return max(whole, key=_step_of, default=None)


def _step_of(state: Path) -> int:
    return int(json.loads((state / "trainer_state.json").read_text())["global_step"])
