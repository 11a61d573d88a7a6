"""The trace of a probe: gradients through the head, with respect to the pooled feature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import nn

from influence_core.config import ScoringSettings
from influence_core.progress import Progress
from influence_core.scores.moments import Moments
from influence_core.scores.trace import Plan
from influence_core.store.files import write_parquet
from influence_core.training.dynamics import observe

SHARD_ROWS = 65_536
"""Rows of a shard: two float32 arrays of this many features are in memory."""


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
) -> None:
    """Write shards as `trace` does, without `token_vog`: there are no tokens below the feature.

    VoG is the variance over heads of ∂ true-label logit / ∂ feature, averaged over the feature's
    dimensions. TracIn is Σ lr · EL2N² · (1 + ‖h‖²), the exact norm for the last linear layer with
    its bias, where h is that layer's input.
    """
    weights = [load_file(path) for path in heads]
    progress.begin("trace", len(rows) * len(heads), "rows × checkpoints")
    for index, start in enumerate(range(0, len(rows), SHARD_ROWS)):
        path = folder / f"shard-{index:05d}.parquet"
        shard = rows[start : start + SHARD_ROWS]
        if not path.exists():
            taken = torch.from_numpy(features[shard].astype(np.float32))
            truth = torch.from_numpy(labels[shard])
            columns = _shard(head.eval(), weights, taken, truth, plan, settings)
            _write(path, shard, columns)
        progress.advance(len(shard) * len(heads))
    progress.end()


def _shard(
    head: nn.Sequential,
    weights: list[dict[str, torch.Tensor]],
    features: torch.Tensor,
    labels: torch.Tensor,
    plan: Plan,
    settings: ScoringSettings,
) -> dict[str, npt.NDArray[np.float64]]:
    moments = Moments(len(features), features.shape[1], features.device)
    influence = torch.zeros(len(features), dtype=torch.float64)
    given = features.requires_grad_(plan.vog)
    for state in weights:
        head.load_state_dict(state)
        head.requires_grad_(False)
        hidden = head[:-1](given)
        logits = head[-1](hidden)
        if plan.tracin:
            error = observe(logits.detach(), labels)["el2n"].double()
            size = 1 + hidden.detach().double().square().sum(dim=1)
            influence += plan.learning_rate * error.square() * size
        if plan.vog:
            chosen = logits.gather(1, labels.unsqueeze(1)).sum()
            moments.add(torch.autograd.grad(chosen, given)[0], 0)
    columns = {}
    if plan.vog:
        columns["vog"] = moments.spread(settings.vog_statistic).double().numpy()
    if plan.tracin:
        columns["tracin"] = influence.numpy()
    return columns


def _write(
    path: Path, rows: npt.NDArray[np.int64], columns: dict[str, npt.NDArray[np.float64]]
) -> None:
    import pyarrow as pa

    write_parquet(path, pa.table({"row": rows, **columns}))
