"""The trace of a probe: gradients through the head, with respect to the pooled feature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from influence_core.config import ONE_PROCESS, ComputeSettings, ScoringSettings
from influence_core.parallel import spread
from influence_core.progress import Progress
from influence_core.scores.gradients.ghost import GradientTap
from influence_core.scores.gradients.moments import Moments
from influence_core.scores.gradients.shards import Shard, missing_shards
from influence_core.scores.gradients.trace import Plan
from influence_core.store.files import write_parquet
from influence_core.training.dynamics import observe

SHARD_ROWS = 65_536
"""Rows of a shard: two float32 arrays of this many features are in memory."""

Columns = dict[str, npt.NDArray[np.float64]]


def trace_probe(
    head: nn.Sequential,
    heads: list[Path],
    features: npt.NDArray[np.float16],
    rows: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    folder: Path,
    plan: Plan,
    settings: ScoringSettings,
    progress: Progress,
    compute: ComputeSettings = ONE_PROCESS,
) -> None:
    """Write shards as `trace` does, without `token_vog`: there are no tokens below the feature.

    VoG is the variance over heads of ∂ true-label logit / ∂ feature, averaged over the feature's
    dimensions. TracIn is Σ lr · EL2N² · (1 + ‖h‖²), the exact norm for the last linear layer with
    its bias, where h is that layer's input; with `tracin_layer` "full" it is that of all layers of
    the head, and so is GraNd: the encoder is not trained.
    """
    progress.begin("trace", len(rows) * len(heads), "rows × checkpoints")
    cut = (rows[start : start + SHARD_ROWS] for start in range(0, len(rows), SHARD_ROWS))
    shards = missing_shards(cut, folder, len(heads), progress)
    pieces = (_Piece(shard, features[shard.rows], labels[shard.rows]) for shard in shards)
    weights = [load_file(path) for path in heads]
    prepare = partial(_tracing, head.eval(), weights, plan, settings)
    spread(pieces, prepare, _keep, compute, progress, name=_Piece.name)
    progress.end()


@dataclass(frozen=True)
class _Piece:
    """A shard with the features and labels of its rows: all that a worker needs."""

    shard: Shard
    features: npt.NDArray[np.float16]
    labels: npt.NDArray[np.int64]

    def name(self) -> str:
        return self.shard.name()


def _tracing(
    head: nn.Sequential, weights: list[dict[str, Tensor]], plan: Plan, settings: ScoringSettings
) -> Callable[[_Piece, Progress], Columns]:
    """Return what a process does with a shard."""

    def work(piece: _Piece, progress: Progress) -> Columns:
        features = torch.from_numpy(piece.features.astype(np.float32))
        labels = torch.from_numpy(piece.labels)
        columns = _shard(head, weights, features, labels, plan, settings)
        progress.advance(len(labels) * len(weights))
        return columns

    return work


def _shard(
    head: nn.Sequential,
    weights: list[dict[str, Tensor]],
    features: Tensor,
    labels: Tensor,
    plan: Plan,
    settings: ScoringSettings,
) -> Columns:
    columns: Columns = {}
    moments = Moments(len(features), features.shape[1], features.device)
    influence = torch.zeros(len(features), dtype=torch.float64)
    given = features.requires_grad_(plan.vog)
    full = plan.tracin and settings.tracin_layer == "full"
    for number, state in enumerate(weights):
        if not plan.looks_at(number):
            continue
        head.load_state_dict(state)
        head.requires_grad_(False)
        hidden = head[:-1](given)
        logits = head[-1](hidden)
        if full or number == plan.grand:
            norms = _squared_norms(head, features, labels)
        if number == plan.grand:
            columns["grand"] = norms.sqrt().numpy()
        if plan.tracin:
            at_layer = norms if full else _last_layer(hidden.detach(), logits.detach(), labels)
            influence += plan.learning_rate * at_layer
        if plan.vog:
            chosen = logits.gather(1, labels.unsqueeze(1)).sum()
            moments.add(torch.autograd.grad(chosen, given)[0], 0)
    if plan.vog:
        columns["vog"] = moments.spread(settings.vog_statistic).double().numpy()
    if plan.tracin:
        columns["tracin"] = influence.numpy()
    return columns


def _last_layer(hidden: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    """Return ‖g‖² (B,) of the last layer, float64."""
    error = observe(logits, labels)["el2n"].double()
    return error.square() * (1 + hidden.double().square().sum(dim=1))


def _squared_norms(head: nn.Sequential, features: Tensor, labels: Tensor) -> Tensor:
    """Return ‖g‖² (B,) of all layers, float64."""
    tap = GradientTap(head, [head])
    with tap.watching(len(labels)):
        logits = head(features.detach())
    loss = nn.functional.cross_entropy(logits, labels, reduction="sum")
    return tap.squared_norms(loss)[0].double()


def _keep(piece: _Piece, columns: Columns) -> None:
    import pyarrow as pa

    write_parquet(piece.shard.path, pa.table({"row": piece.shard.rows, **columns}))
