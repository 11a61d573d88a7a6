"""Recording in somebody else's Trainer: what it trains on becomes a run folder."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from transformers import PreTrainedModel, TrainerCallback

from influence_core.config import RunSettings
from influence_core.errors import Cancelled, InfluenceError, RunError, RunNotFound
from influence_core.model.classifier import save_classifier
from influence_core.model.tokens import keep_tokens
from influence_core.progress import Progress, silent
from influence_core.store.journal import Journal, clear_stop
from influence_core.store.run import Run, Stage, create_run, open_run
from influence_core.store.state import RECORDED, still_recording
from influence_core.store.workplace import now
from influence_core.training import records
from influence_core.training.chance import chance_kept
from influence_core.training.given import GivenExamples
from influence_core.training.schedule import checkpoint_steps
from influence_core.training.watch import Watch

_TOKEN_BATCH = 64

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is recorded; `snapshots` looks at all rows at the ends of epochs.

    `free_name` is asked as the training begins: another one may have taken a name since.
    """

    free_name: Callable[[], str]
    root: Path | None
    settings: RunSettings
    checkpoints: int
    snapshots: bool


class RecordingCallback(TrainerCallback):
    """Writes the run folder of a training: each process its records, the first one all the rest.

    `ended` is called in the first process when the folder holds all that the training gives.
    """

    def __init__(
        self, trainer: Any, plan: Plan, examples: GivenExamples, ended: Callable[[Run], None]
    ) -> None:
        self._trainer = trainer
        self._plan = plan
        self._examples = examples
        self._ended = ended
        self._watch = Watch(trainer, examples.codes)
        self._first = trainer.args.process_index == 0
        self._hooks = ExitStack()
        self._progress = silent()
        self._cancelled = False
        self._epoch = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Open the run, and forget what a resumed training is about to repeat."""
        self._run = self._opened(state.global_step)
        self._records = records.RecordWriter(self._folder, args.process_index)
        steps = (
            checkpoint_steps(state.max_steps, self._plan.checkpoints)
            if self._plan.checkpoints
            else []
        )
        self._checkpoints = frozenset(steps)
        if self._first:
            records.rewind(self._folder, state.global_step)
            self._tell(control, lambda: self._progress.begin(RECORDED, state.max_steps, "steps"))
            self._tell(control, lambda: self._progress.advance(state.global_step))
        self._trainer.accelerator.wait_for_everyone()
        self._hooks.enter_context(self._watch.logits_of(given["model"]))
        self._watch.intercept(None if self._plan.snapshots else self._see)
        epoch = state.epoch or 0.0
        if state.global_step and epoch == round(epoch):
            # A state saved by the last step of an epoch knows nothing of what its end brought.
            self._end_epoch(args, state, given["model"], round(epoch) - 1)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count the epochs from 0."""
        self._epoch = floor((state.epoch or 0.0) + 1e-9)

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Keep a checkpoint where one is due; bring records to the disk before a state is saved."""
        if control.should_save or state.global_step % records.FLUSH_STEPS == 0:
            self._records.flush()
        if self._first and state.global_step in self._checkpoints:
            self._keep(
                given["model"], self._run.checkpoints_folder / f"step-{state.global_step:06d}"
            )
        self._tell(control, lambda: self._progress.advance(1))

    def on_log(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Pass the loss on to who watches the run."""
        loss = (given.get("logs") or {}).get("loss")
        if loss is not None:
            self._tell(control, lambda: self._progress.advance(0, loss=float(loss)))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Bring records to the disk with every state that the training can be resumed from."""
        self._records.flush()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Take the snapshot, if asked for, and note that the epoch has ended."""
        self._end_epoch(args, state, given["model"], self._epoch)

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Merge the records of all processes, and hand the run over.

        Nothing is raised: an error here must not cost the user the trained model.
        """
        self._hooks.close()
        self._records.flush()
        self._trainer.accelerator.wait_for_everyone()
        if self._first:
            self._tell(control, self._progress.end)
            try:
                with chance_kept():
                    self._complete(given["model"])
                    self._ended(self._run)
            except InfluenceError as error:
                cancelled = self._cancelled or isinstance(error, Cancelled)
                self._run.update(
                    status="cancelled" if cancelled else "failed",
                    error="" if cancelled else str(error),
                )
                level = logging.INFO if cancelled else logging.ERROR
                log.log(level, "Run %r of the recorder: %s", self._run.name, error)
            except Exception:
                log.exception(
                    "Run %r of the recorder stopped; the training is safe.", self._run.name
                )
        self._watch.release()

    @property
    def _folder(self) -> Path:
        return self._run.private_folder / "records"

    def _tell(self, control: Any, told: Callable[[], None]) -> None:
        """Tell who watches the run, and end the training if it was asked to stop."""
        try:
            told()
        except Cancelled:
            self._cancelled, self._progress = True, silent()
            clear_stop(self._run)
            control.should_training_stop = True

    def _end_epoch(self, args: Any, state: Any, model: Any, number: int) -> None:
        self._epoch = number
        if self._plan.snapshots:
            own = np.arange(args.process_index, len(self._examples.codes), args.world_size)
            self._watch.look(model, own, args.eval_batch_size, self._see_after)
        self._records.flush()
        if self._first:
            records.note_epoch(self._folder, number, state.epoch, state.global_step)

    def _see(self, rows: Tensor, seen: dict[str, Tensor]) -> None:
        """Record a batch; its optimisation step is the one that comes next."""
        self._records.add(rows, seen, self._trainer.state.global_step + 1, self._epoch)

    def _see_after(self, rows: Tensor, seen: dict[str, Tensor]) -> None:
        self._records.add(rows, seen, self._trainer.state.global_step, self._epoch)

    def _opened(self, step: int) -> Run:
        """Return the run in every process; the first one makes or finds it."""
        from accelerate.utils import broadcast_object_list

        found = [str(self._made(step).path) if self._first else ""]
        return Run(Path(broadcast_object_list(found)[0]))

    def _made(self, step: int) -> Run:
        plan, name = self._plan, self._plan.free_name()
        if step:
            run = _resumed(name, plan.root)
        else:
            _make_way(name, plan.root)
            run = create_run(name, plan.settings, plan.root)
        # The journal says that this process lives: from here on no other takes the name.
        self._progress = Progress(Journal(run))
        if not step:
            run.update(status="running", dataset=self._examples.write(run))
        return run

    def _complete(self, model: Any) -> None:
        """Leave everything in the run folder that the training can give."""
        run, rows = self._run, len(self._examples.codes)
        missing = records.merge(self._folder, rows, run.dynamics_folder)
        batches = self._watch.batches(np.arange(rows), _TOKEN_BATCH)
        padding = getattr(self._trainer.processing_class, "pad_token_id", None)
        keep_tokens(batches, run.private_folder / "tokens", int(padding or 0))
        self._keep(model, run.model_folder)
        notes = () if not missing else (_missing(missing),)
        stage = Stage(seconds=0.0, finished=now())
        run.update(
            status="cancelled" if self._cancelled else "running",
            stages={**run.manifest().stages, RECORDED: stage},
            notes=notes,
        )

    def _keep(self, model: PreTrainedModel, folder: Path) -> None:
        save_classifier(model, folder, self._trainer.processing_class)


def _make_way(name: str, root: Path | None) -> None:
    """Give up a recording of that name that was cut short and now begins anew."""
    try:
        run = open_run(name, root)
    except RunNotFound:
        return
    if still_recording(run):
        run.update(status="failed", stages={})


def _resumed(name: str, root: Path | None) -> Run:
    run = open_run(name, root)
    if not still_recording(run):
        raise RunError(
            f"Run {run.name!r} is no recording that could go on. Start the training anew, or give "
            "the recorder the name of the run that was begun with it."
        )
    run.update(status="running", error="")
    return run


def _missing(count: int) -> str:
    return (
        f"{count:,} times a row was in no batch of an epoch (incomplete batches are dropped, or "
        "the training stopped within one): what was seen of it before, or first, stands in."
    )
