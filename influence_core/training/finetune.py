"""Fine-tuning of encoder and head by the transformers Trainer, recording on the way."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from influence_core import ranks
from influence_core.config import TrainingSettings
from influence_core.model.classifier import TextClassifier, save_classifier
from influence_core.model.encoder import quietly
from influence_core.model.precision import pick_device, pick_dtype
from influence_core.model.tokens import TokenStore
from influence_core.progress import Progress
from influence_core.store.run import Run
from influence_core.training.chance import chance_kept
from influence_core.training.dynamics import collect, write_snapshot
from influence_core.training.minibatches import MinibatchRecorder
from influence_core.training.numbered import ROW
from influence_core.training.outlook import Examples
from influence_core.training.passes import Observer
from influence_core.training.probe import save_head
from influence_core.training.schedule import Schedule

SLICES = 2
"""Parts of like length into which a training batch is cut: less padding, the same gradient."""


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
    with chance_kept(), quietly(), _buffers_unsent():
        trainer = _Trainer(
            model=model,
            args=_arguments(state, settings, seed),
            train_dataset=_Rows(examples.train_rows),
            data_collator=_Collator(tokens, examples),
            callbacks=callbacks,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.learning_rates = (settings.encoder_lr, settings.head_lr)
        if minibatches:
            trainer.watch_minibatches(run, schedule)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    if trainer.minibatches is not None and ranks.leads():
        trainer.minibatches.merge(len(examples.train_rows))
    progress.end()
    model.cpu().eval()


class _Rows(Dataset[int]):
    """The training rows: an item is its position in the examples."""

    def __init__(self, rows: npt.NDArray[np.int64]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> int:
        return int(self._rows[index])


class _Collator:
    """Turn positions into a padded batch, ordered by length so that it can be cut.

    A row's number, its place among the training rows, goes with it.
    """

    def __init__(self, tokens: TokenStore, examples: Examples) -> None:
        self._tokens = tokens
        self._lengths = tokens.lengths
        self._labels = examples.labels
        self._train = examples.train_rows

    def __call__(self, rows: list[int]) -> dict[str, Tensor]:
        order = np.array(rows)[np.argsort(self._lengths[rows], kind="stable")]
        return {
            **self._tokens.batch(order),
            "labels": torch.from_numpy(self._labels[order]),
            ROW: torch.from_numpy(np.searchsorted(self._train, order)),
        }


class _Trainer(Trainer):
    """A Trainer with one learning rate for the encoder and one for the head."""

    learning_rates: tuple[float, float]
    minibatches: MinibatchRecorder | None = None
    optimizer: torch.optim.Optimizer | None

    def watch_minibatches(self, run: Run, schedule: Schedule) -> None:
        """Record what the model says of every training batch."""
        self.minibatches = MinibatchRecorder(run, schedule, self.args.process_index)
        self.add_callback(_Flusher(self.minibatches, self.accelerator, schedule))

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            encoder_lr, head_lr = self.learning_rates
            groups = [
                {"params": list(self.model.encoder.parameters()), "lr": encoder_lr},
                {"params": list(self.model.head.parameters()), "lr": head_lr},
            ]
            self.optimizer = torch.optim.Adam(groups, fused=True)
        return self.optimizer

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Tensor], *_: Any, **__: Any
    ) -> Tensor:
        """Return the mean cross-entropy of the batch, computed slice by slice."""
        labels, rows = inputs.pop("labels"), inputs.pop(ROW)
        loss = torch.zeros((), device=labels.device)
        parts = torch.arange(len(labels)).chunk(SLICES)
        # One context for all slices, so that the weights are cast to bfloat16 once.
        with self.accelerator.autocast():
            for part in parts:
                slice_inputs = _trim({name: value[part] for name, value in inputs.items()})
                logits = model(**slice_inputs).logits
                loss = loss + nn.functional.cross_entropy(logits, labels[part], reduction="sum")
                if self.minibatches is not None:
                    step = self.state.global_step + 1
                    self.minibatches.see(rows[part], logits, labels[part], step)
        return loss / len(labels)


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


@contextmanager
def _buffers_unsent() -> Iterator[None]:
    """Silence torch about `broadcast_buffers`, whose successor transformers cannot set."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*broadcast_buffers", FutureWarning)
        yield


def _arguments(folder: Path, settings: TrainingSettings, seed: int) -> TrainingArguments:
    device = pick_device()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size // ranks.world_size(),
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        bf16=pick_dtype(settings.precision, device) == torch.bfloat16,
        use_cpu=device.type == "cpu",
        seed=seed,
        data_seed=seed,
        save_strategy="no",
        save_total_limit=1,
        logging_steps=10,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=device.type == "cuda",
        ddp_find_unused_parameters=False,
        # Slices of a batch go forward one by one: buffers sent in between would spoil the first.
        ddp_broadcast_buffers=False,
    )


def _trim(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Cut columns in which no row of the slice has a token, on either side."""
    used = inputs["attention_mask"].any(dim=0).nonzero()
    first, last = int(used[0]), int(used[-1]) + 1
    return {name: value[:, first:last] for name, value in inputs.items()}


def _last_state(folder: Path) -> Path | None:
    """Return the newest complete state of the Trainer: `trainer_state.json` is written last."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").exists()]
    return max(whole, key=_step_of, default=None)


def _step_of(state: Path) -> int:
    return int(json.loads((state / "trainer_state.json").read_text())["global_step"])
