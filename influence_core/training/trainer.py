"""The transformers Trainer for our classifier: two learning rates, batches cut by length."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from influence_core import ranks
from influence_core.config import TrainingSettings
from influence_core.model.encoder import quietly
from influence_core.model.precision import pick_device, pick_dtype
from influence_core.model.tokens import TokenStore
from influence_core.training.chance import chance_kept
from influence_core.training.numbered import ROW

SLICES = 2
"""Parts of like length into which a training batch is cut: less padding, the same gradient."""

MAX_NORM = 1.0
"""Norm at which gradients are clipped."""

Integers = npt.NDArray[np.int64]
Witness = Callable[[Tensor, Tensor, Tensor, int], None]
"""Is shown places of rows, their logits, their labels and the step that they make."""


class ClassifierTrainer(Trainer):
    """Fine-tunes encoder and head with Adam at constant learning rates.

    Gradients are clipped at norm 1. Several processes divide each batch among them.

    Args:
        model: with an `encoder` and a `head`, of a learning rate each.
        rows: positions of the rows to learn from, in tokens and labels, ascending.
        labels: class indices (examples,).
        folder: where the Trainer keeps its state.
        steps: optimisation steps, if not those of `settings.epochs`.
    """

    optimizer: torch.optim.Optimizer | None
    witness: Witness | None = None

    def __init__(
        self,
        model: nn.Module,
        tokens: TokenStore,
        rows: Integers,
        labels: Integers,
        settings: TrainingSettings,
        seed: int,
        folder: Path,
        callbacks: Iterable[TrainerCallback] = (),
        steps: int | None = None,
    ) -> None:
        self._learning_rates = settings.encoder_lr, settings.head_lr
        with chance_kept(), quietly():
            super().__init__(
                model=model,
                args=_arguments(folder, settings, seed, steps),
                train_dataset=_Rows(rows),
                data_collator=_Collator(tokens, rows, labels),
                callbacks=list(callbacks),
            )
        self.remove_callback(PrinterCallback)

    def fit(self, last_state: Path | None = None) -> None:
        """Train, from a state that was saved if one is given."""
        with chance_kept(), quietly(), _buffers_unsent():
            set_seed(self.args.seed)
            self.train(resume_from_checkpoint=str(last_state) if last_state else None)
        self.model.cpu().eval()

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Give the encoder and the head a learning rate each."""
        if self.optimizer is None:
            encoder_lr, head_lr = self._learning_rates
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
        labels, places = inputs.pop("labels"), inputs.pop(ROW)
        loss = torch.zeros((), device=labels.device)
        parts = torch.arange(len(labels)).chunk(SLICES)
        # One context for all slices, so that the weights are cast to bfloat16 once.
        with self.accelerator.autocast():
            for part in parts:
                slice_inputs = _trim({name: value[part] for name, value in inputs.items()})
                logits = model(**slice_inputs).logits
                loss = loss + nn.functional.cross_entropy(logits, labels[part], reduction="sum")
                if self.witness is not None:
                    self.witness(places[part], logits, labels[part], self.state.global_step + 1)
        return loss / len(labels)


class _Rows(Dataset[int]):
    """The rows to learn from: an item is its position in the examples."""

    def __init__(self, rows: Integers) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> int:
        return int(self._rows[index])


class _Collator:
    """Turn positions into a padded batch, ordered by length so that it can be cut.

    The place of each among the rows to learn from goes with it.
    """

    def __init__(self, tokens: TokenStore, rows: Integers, labels: Integers) -> None:
        self._tokens = tokens
        self._lengths = tokens.lengths
        self._labels = labels
        self._rows = rows

    def __call__(self, rows: list[int]) -> dict[str, Tensor]:
        order = np.array(rows)[np.argsort(self._lengths[rows], kind="stable")]
        return {
            **self._tokens.batch(order),
            "labels": torch.from_numpy(self._labels[order]),
            ROW: torch.from_numpy(np.searchsorted(self._rows, order)),
        }


@contextmanager
def _buffers_unsent() -> Iterator[None]:
    """Silence torch about `broadcast_buffers`, whose successor transformers cannot set."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*broadcast_buffers", FutureWarning)
        yield


def _arguments(
    folder: Path, settings: TrainingSettings, seed: int, steps: int | None
) -> TrainingArguments:
    device = pick_device()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        max_steps=-1 if steps is None else steps,
        per_device_train_batch_size=settings.batch_size // ranks.world_size(),
        lr_scheduler_type="constant",
        max_grad_norm=MAX_NORM,
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
