"""Watching somebody's Trainer: which rows a batch holds, and which logits the model gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from influence_core.errors import DataError, ModelError
from influence_core.training.chance import chance_kept
from influence_core.training.dynamics import observe
from influence_core.training.numbered import ROW, NumberedCollator, NumberedRows

Seen = Callable[[Tensor, dict[str, Tensor]], None]


class Watch:
    """Puts numbers on the training rows of a Trainer and looks at the logits of its batches.

    `labels` (rows,) are the outputs that the labels stand for.
    """

    def __init__(self, trainer: Any, labels: npt.NDArray[np.int64]) -> None:
        self._trainer = trainer
        self._labels = torch.from_numpy(labels)
        self._logits: list[Tensor] | None = None
        self._before = (trainer.train_dataset, trainer.data_collator)
        trainer.train_dataset = NumberedRows(_without_unused(trainer))
        trainer.data_collator = NumberedCollator(trainer.data_collator)
        # The Trainer keeps only columns that the model's forward takes: it must keep the number.
        trainer._set_signature_columns_if_needed()
        trainer._signature_columns.append(ROW)

    @contextmanager
    def logits_of(self, model: nn.Module) -> Iterator[None]:
        """Listen to a model within the block, and keep row numbers from it."""
        handles = (
            model.register_forward_hook(self._hear),
            model.register_forward_pre_hook(_without_number, with_kwargs=True),
        )
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def intercept(self, seen: Seen | None) -> None:
        """Take the numbers out of every training batch; tell `seen` rows and observations."""
        step = self._trainer.training_step

        def training_step(model: nn.Module, inputs: Any, *more: Any, **named: Any) -> Tensor:
            rows = inputs.pop(ROW, None)
            if rows is None:
                raise DataError(
                    "A batch carries no row numbers: the Trainer makes its batches of something "
                    "else than its 'train_dataset' and 'data_collator'."
                )
            self._logits = None if seen is None else []
            loss: Tensor = step(model, inputs, *more, **named)
            if seen is not None:
                seen(rows, self._observed(rows))
            return loss

        self._trainer.training_step = training_step

    def release(self) -> None:
        """Give the Trainer back what it had."""
        self._trainer.__dict__.pop("training_step", None)
        self._trainer.train_dataset, self._trainer.data_collator = self._before

    @torch.no_grad()
    def look(self, model: nn.Module, rows: npt.NDArray[np.int64], size: int, seen: Seen) -> None:
        """Show rows to the model in evaluation mode; its mode and all chance stay as they were."""
        taken = set(self._trainer._signature_columns)
        modes = [(module, module.training) for module in model.modules()]
        with chance_kept(), self._trainer.accelerator.autocast():
            model.eval()
            for batch in self.batches(rows, size):
                numbers = batch.pop(ROW)
                inputs = {name: value for name, value in batch.items() if name in taken}
                said = model(**self._trainer._prepare_inputs(inputs))
                self._logits = [_logits(said).detach()]
                seen(numbers.to(self._trainer.args.device), self._observed(numbers))
        for module, training in modes:
            module.training = training

    def batches(self, rows: npt.NDArray[np.int64], size: int) -> Iterator[dict[str, Any]]:
        """Yield rows as the Trainer would give them to the model, with their numbers."""
        dataset = self._trainer.train_dataset
        collate = self._trainer._get_collator_with_removed_columns(self._trainer.data_collator)
        for start in range(0, len(rows), size):
            yield dict(collate(dataset.__getitems__(rows[start : start + size].tolist())))

    def _hear(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if self._logits is not None:
            self._logits.append(_logits(output).detach())

    def _observed(self, rows: Tensor) -> dict[str, Tensor]:
        """Observe the logits of one batch, which may have come in several pieces."""
        heard, self._logits = self._logits or [], None
        pieces = [heard[0]] if heard and len(heard[0]) == len(rows) else heard
        logits = torch.cat(pieces) if pieces else torch.empty(0, 0)
        if logits.ndim != 2 or len(logits) != len(rows):
            raise ModelError(
                f"A batch of {len(rows)} rows got logits of shape {tuple(logits.shape)}: a "
                "recorder is for classifiers that give each row one value a class."
            )
        labels = self._labels.to(logits.device)[rows.to(logits.device)]
        return observe(logits.float(), labels)


def _without_unused(trainer: Any) -> Any:
    """Return the training dataset with the columns that the Trainer would keep."""
    import datasets

    dataset = trainer.train_dataset
    if isinstance(dataset, datasets.Dataset):
        return trainer._remove_unused_columns(dataset, description="training")
    return dataset


def _without_number(
    module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Drop the row numbers of a batch that is not trained on, as of an evaluation in between."""
    return inputs, {name: value for name, value in named.items() if name != ROW}


def _logits(output: Any) -> Tensor:
    """Find the logits in what a model returns."""
    if isinstance(output, Mapping):
        found = output.get("logits")
    elif isinstance(output, tuple):
        found = next((one for one in output if isinstance(one, Tensor) and one.ndim == 2), None)
    else:
        found = getattr(output, "logits", output)
    if not isinstance(found, Tensor):
        raise ModelError("The model returns no logits that a recorder could look at.")
    return found
