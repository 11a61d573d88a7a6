"""The trace: one pass over rows and checkpoints that VoG and TracIn are read from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from influence_core.config import Precision, ScoringSettings
from influence_core.errors import ModelError, RunError, rule
from influence_core.model.classifier import (
    cast,
    head_linear,
    last_encoder_layer,
    load_classifier,
)
from influence_core.model.precision import pick_device, pick_dtype
from influence_core.model.tokens import TokenStore, length_batches
from influence_core.progress import Progress
from influence_core.scores.activations import HeadInputs
from influence_core.scores.ghost import GradientTap
from influence_core.scores.moments import Moments
from influence_core.store.files import write_parquet

BATCH_TOKENS = 2048
"""Padded tokens of a batch: small enough for the gradients to stay in the caches."""


@dataclass(frozen=True)
class Plan:
    """What the trace computes: VoG, TracIn or both, and the learning rate TracIn multiplies by.

    With `head_inputs` a fine-tuning's trace leaves, beside every shard, what the head's last layer
    was given, for `activations/`.
    """

    vog: bool
    tracin: bool
    learning_rate: float
    head_inputs: bool = False


def trace(
    checkpoints: list[Path],
    tokens: TokenStore,
    rows: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    folder: Path,
    plan: Plan,
    settings: ScoringSettings,
    precision: Precision,
    progress: Progress,
) -> None:
    """Write `shard-00000.parquet` … into `folder`; shards that are there already are kept.

    Rows are sorted by length and cut into shards of `settings.shard_tokens` tokens. A shard goes
    through all checkpoints, one model in memory, and every batch forward and backward once. Its
    file holds, for each row: `row`, and as planned `vog`, `token_vog` (one value a token) and
    `tracin`. `labels` (examples,) are indices of the classes.
    """
    device = pick_device()
    model = load_classifier(checkpoints[0]).to(device).requires_grad_(False)
    cast(model, pick_dtype(precision, device))
    tracer = _Tracer(model, tokens, labels, plan, settings, device)
    shards = list(_shards(tokens.lengths, rows, settings.shard_tokens))
    progress.begin("trace", len(rows) * len(checkpoints), "rows × checkpoints")
    for index, shard in enumerate(shards):
        path = folder / f"shard-{index:05d}.parquet"
        if path.exists():
            progress.advance(len(shard) * len(checkpoints))
            continue
        table = tracer.shard(shard, checkpoints, progress)
        if tracer.head_inputs is not None:
            tracer.head_inputs.write(path.with_suffix(".npy"), len(checkpoints))
        write_parquet(path, table)
    progress.end()


def check_traceable(model: PreTrainedModel, plan: Plan, settings: ScoringSettings) -> None:
    """Find out before a long training whether its checkpoints can be traced.

    Raises:
        ModelError: the model has no such embedding module, or layers TracIn has no rule for.
    """
    tap = _influence_tap(model, settings) if plan.tracin else None
    if settings.embedding_module is not None:
        _try_embedding(model, settings.embedding_module, tap)


def _try_embedding(model: PreTrainedModel, name: str, tap: GradientTap | None) -> None:
    """Send two texts of three tokens through the model, cut at the module of that name."""
    leaf = _Leaf(_embedding_module(model, name))
    ids = torch.zeros(2, 3, dtype=torch.int64, device=model.device)
    model.requires_grad_(False)
    try:
        with leaf, tap or nullcontext():
            model(input_ids=ids, attention_mask=torch.ones_like(ids))
    finally:
        model.requires_grad_(True)
    if leaf.output.ndim != 3 or leaf.output.shape[:2] != ids.shape:
        raise ModelError(rule("embedding_module", "give one vector a token", name))
    if tap is not None and not tap.differentiable:
        raise ModelError(
            rule("embedding_module", "lie before the layer that TracIn looks at", name)
        )


def _shards(
    lengths: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], tokens: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Cut rows, sorted by length, into runs of about `tokens` real tokens."""
    order = rows[np.argsort(lengths[rows], kind="stable")]
    number = (np.cumsum(lengths[order]) - 1) // tokens
    yield from np.split(order, np.flatnonzero(np.diff(number)) + 1)


class _Tracer:
    """Runs batches of one shard through one checkpoint after the other."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokens: TokenStore,
        labels: npt.NDArray[np.int64],
        plan: Plan,
        settings: ScoringSettings,
        device: torch.device,
    ) -> None:
        self._model = model
        self._tokens = tokens
        self._labels = labels
        self._plan = plan
        self._settings = settings
        self._device = device
        self._leaf = _Leaf(_embedding_module(model, settings.embedding_module))
        self._tap = _influence_tap(model, settings) if plan.tracin else None
        self.head_inputs = HeadInputs(head_linear(model)) if plan.head_inputs else None

    def shard(
        self, rows: npt.NDArray[np.int64], checkpoints: list[Path], progress: Progress
    ) -> Any:
        """Trace one shard and return its table."""
        if self.head_inputs is not None:
            self.head_inputs.start()
        lengths = self._tokens.lengths[rows]
        batches = list(length_batches(self._tokens.lengths, rows, BATCH_TOKENS))
        moments: Moments | None = None
        influence = torch.zeros(len(rows), device=self._device)
        for checkpoint in checkpoints:
            self._model.load_state_dict(load_file(checkpoint / "model.safetensors"), strict=True)
            done = spent = 0
            for batch in batches:
                gradients, norms = self._batch(batch)
                if moments is None and self._plan.vog:
                    moments = Moments(int(lengths.sum()), gradients.shape[1], self._device)
                if moments is not None:
                    moments.add(gradients, spent)
                influence[done : done + len(batch)] += norms
                done, spent = done + len(batch), spent + len(gradients)
                progress.advance(len(batch))
        return self._table(rows, lengths, moments, influence)

    def _batch(self, rows: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return gradients of the true-label logit (real tokens, width) and lr·‖g‖² (B,)."""
        inputs = {name: part.to(self._device) for name, part in self._tokens.batch(rows).items()}
        labels = torch.from_numpy(self._labels[rows]).to(self._device)
        with self.head_inputs or nullcontext(), self._leaf:
            if self._tap is None:
                logits = self._model(**inputs).logits.float()
                norms = torch.zeros(len(rows), device=self._device)
            else:
                with self._tap:
                    logits = self._model(**inputs).logits.float()
                loss = nn.functional.cross_entropy(logits, labels, reduction="sum")
                norms = self._tap.squared_norms(loss, retain_graph=self._plan.vog)
        if not self._plan.vog:
            return torch.empty(0), norms * self._plan.learning_rate
        chosen = logits.gather(1, labels.unsqueeze(1)).sum()
        (gradient,) = torch.autograd.grad(chosen, self._leaf.output)
        return gradient[inputs["attention_mask"].bool()], norms * self._plan.learning_rate

    def _table(
        self,
        rows: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.int64],
        moments: Moments | None,
        influence: Tensor,
    ) -> Any:
        import pyarrow as pa

        columns: dict[str, Any] = {"row": rows}
        if moments is not None:
            by_token = moments.spread(self._settings.vog_statistic).cpu().numpy()
            offsets = np.concatenate([[0], np.cumsum(lengths)])
            columns["vog"] = np.add.reduceat(by_token.astype(np.float64), offsets[:-1]) / lengths
            columns["token_vog"] = pa.ListArray.from_arrays(
                pa.array(offsets, pa.int32()), pa.array(by_token)
            )
        if self._plan.tracin:
            columns["tracin"] = influence.cpu().numpy().astype(np.float64)
        return pa.table(columns)


class _Leaf:
    """Cut the graph at a module's output and keep that output as the leaf to differentiate by."""

    output: Tensor

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self.output = torch.empty(0)

    def __enter__(self) -> None:
        self._handle = self._module.register_forward_hook(self._cut)

    def __exit__(self, *_: object) -> None:
        self._handle.remove()

    def _cut(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> Any:
        if isinstance(output, Tensor):
            self.output = output = output.detach().requires_grad_()
        return output


def _influence_tap(model: PreTrainedModel, settings: ScoringSettings) -> GradientTap:
    layer = head_linear if settings.tracin_layer == "head" else last_encoder_layer
    return GradientTap(layer(model))


def _embedding_module(model: PreTrainedModel, name: str | None) -> nn.Module:
    if name is None:
        module: nn.Module = model.get_input_embeddings()
        return module
    found: dict[str, nn.Module] = dict(model.named_modules())
    if not name or name not in found:
        raise ModelError(
            f"The model has no module {name!r}; its embedding modules are "
            f"{', '.join(key for key in found if 'embed' in key) or 'none'}."
        )
    return found[name]


def read_trace(folder: Path, rows: npt.NDArray[np.int64], column: str) -> npt.NDArray[np.float64]:
    """Collect one column of all shards in the order of `rows`.

    Raises:
        RunError: a shard is missing.
    """
    import pyarrow.parquet as pq

    place = np.full(int(rows.max()) + 1, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    values = np.full(len(rows), np.nan)
    found = np.zeros(len(rows), dtype=bool)
    for path in sorted(folder.glob("shard-*.parquet")):
        table = pq.read_table(path, columns=["row", column])
        places = place[table.column("row").to_numpy()]
        values[places] = table.column(column).to_numpy()
        found[places] = True
    if not found.all():
        raise RunError(
            f"The trace in {str(folder)!r} lacks {int((~found).sum()):,} of {len(rows):,} rows; "
            "run again under another name."
        )
    return values
