"""What checkpoints of any classifier say of every row: snapshots without a training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from influence_core.config import Precision
from influence_core.errors import ModelError
from influence_core.model.checkpoints import WEIGHTS, GivenCheckpoint
from influence_core.model.classifier import TextClassifier, cast, load_classifier, pool
from influence_core.model.last_layer import HeadTap, head_weights
from influence_core.model.precision import pick_device, pick_dtype
from influence_core.model.tokens import MOST_ROWS, TokenStore, length_batches
from influence_core.progress import Progress
from influence_core.store.files import atomic, new_array
from influence_core.store.run import Run
from influence_core.training.dynamics import collect, write_snapshot
from influence_core.training.outlook import Examples
from influence_core.training.passes import BATCH_TOKENS

Batches = Iterator[tuple[npt.NDArray[np.int64], torch.Tensor]]


class Replayer:
    """A classifier in evaluation mode that takes the weights of one checkpoint after the other."""

    def __init__(self, folder: Path, tokens: TokenStore, precision: Precision) -> None:
        device = pick_device()
        self._model = cast(load_classifier(folder), pick_dtype(precision, device)).to(device)
        self._model.eval().requires_grad_(False)
        self.head_tap = HeadTap(self._model)
        self._tokens, self._most_rows = tokens, MOST_ROWS
        if not isinstance(self._model, TextClassifier):
            self._take_padding()

    def load(self, folder: Path) -> None:
        """Take the weights of a checkpoint.

        Raises:
            ModelError: they do not fit.
        """
        try:
            self._model.load_state_dict(load_file(folder / WEIGHTS), strict=True)
        except RuntimeError as error:
            raise ModelError(
                f"The weights of {str(folder)!r} do not fit its configuration; load the model "
                "with transformers and save it again."
            ) from error

    def _take_padding(self) -> None:
        """Pad as the model expects; without a padding token it cannot tell where texts end."""
        padding = self._model.config.get_text_config().pad_token_id
        if padding is None:
            self._most_rows = 1
        else:
            self._tokens = replace(self._tokens, pad_id=int(padding))

    def logits(self, rows: npt.NDArray[np.int64]) -> Batches:
        """Yield batches of rows with their logits (B, classes), float32, on the processor."""
        for batch, logits, _ in self._forward(rows, states=False):
            yield batch, logits

    def outlook(self, rows: npt.NDArray[np.int64], path: Path, progress: Progress) -> Batches:
        """Yield logits as `logits` does, and write pooled features, float16 (rows, width)."""
        stored: npt.NDArray[np.float16] | None = None
        with atomic(path) as partial:
            for batch, logits, features in self._forward(rows, states=True):
                if stored is None:
                    shape = (len(rows), features.shape[1])
                    stored = new_array(partial, np.float16, shape)
                stored[batch] = features.clamp(-65_504, 65_504).cpu().numpy()
                progress.advance(len(batch))
                yield batch, logits

    def head_inputs(self, rows: npt.NDArray[np.int64]) -> Batches:
        """Yield batches of rows with what the head's last layer is given (B, W), as `logits`."""
        with self.head_tap as tap:
            for batch, _, _ in self._forward(rows, states=False):
                yield batch, tap.h.float().cpu()

    def write_head(self, checkpoint: Path, path: Path) -> None:
        """Write the head of a checkpoint as safetensors, atomically."""
        with atomic(path) as partial:
            save_file(head_weights(self._model, checkpoint), partial)

    @torch.inference_mode()
    def _forward(
        self, rows: npt.NDArray[np.int64], states: bool
    ) -> Iterator[tuple[npt.NDArray[np.int64], torch.Tensor, torch.Tensor]]:
        device = self._model.device
        for batch in length_batches(self._tokens.lengths, rows, BATCH_TOKENS, self._most_rows):
            inputs = {name: part.to(device) for name, part in self._tokens.batch(batch).items()}
            if isinstance(self._model, TextClassifier):
                features = self._model.features(**inputs)
                yield batch, self._model.classify(features).cpu(), features
                continue
            said = self._model(**inputs, output_hidden_states=states)
            features = (
                pool(said.hidden_states[-1].float(), inputs["attention_mask"], "mean")
                if states
                else torch.empty(0)
            )
            yield batch, said.logits.float().cpu(), features


def replay(
    replayer: Replayer,
    checkpoints: Sequence[GivenCheckpoint],
    examples: Examples,
    run: Run,
    progress: Progress,
) -> None:
    """Write a snapshot of the training rows for every checkpoint; one that is there is kept."""
    rows = examples.train_rows
    progress.begin("snapshots", len(checkpoints), "checkpoints")
    for checkpoint in checkpoints:
        if not (run.dynamics_folder / f"step-{checkpoint.step:06d}.parquet").exists():
            replayer.load(checkpoint.folder)
            columns = collect(replayer.logits(rows), rows, examples.labels)
            write_snapshot(run.dynamics_folder, checkpoint.step, checkpoint.epoch, columns)
        progress.advance(1)
    progress.end()
