"""The trace: one pass over rows and checkpoints that VoG, TracIn and GraNd are read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from influence_core.config import ONE_PROCESS, ComputeSettings, Precision, ScoringSettings
from influence_core.errors import RunError
from influence_core.model.attention import quick_attention
from influence_core.model.checkpoints import WEIGHTS
from influence_core.model.classifier import (
    cast,
    head_linear,
    last_encoder_layer,
    load_classifier,
    padding_id,
)
from influence_core.model.precision import pick_device, pick_dtype
from influence_core.model.tokens import MOST_ROWS, TokenStore, length_batches
from influence_core.parallel import spread
from influence_core.progress import Progress
from influence_core.scores.gradients.influence import Influence, without_rule
from influence_core.scores.gradients.leaf import Leaf, check_embedding, embedding_module
from influence_core.scores.gradients.shards import Shard, missing_shards
from influence_core.scores.gradients.tally import Tally
from influence_core.scores.gradients.trial import shares_batches
from influence_core.scores.pairwise.activations import Halves
from influence_core.scores.pairwise.head_inputs import HeadInputs, write_seen
from influence_core.store.files import write_parquet

BATCH_TOKENS = 2048
"""Padded tokens of a batch: small enough for the gradients to stay in the caches."""


@dataclass(frozen=True)
class Plan:
    """What the trace computes: VoG, TracIn, and GraNd at the checkpoint `grand` of the list.

    TracIn multiplies by `learning_rate`, the rate of the parameters it looks at. Where it looks at
    all of them, that is the encoder's, and the head's gradient counts with `head_learning_rate`:
    a step of gradient descent moves each by its own rate.

    With `head_inputs` a fine-tuning's trace leaves, beside every shard, what the head's last layer
    was given, for `activations/`.
    """

    vog: bool
    tracin: bool
    learning_rate: float
    head_learning_rate: float = 0.0
    grand: int | None = None
    head_inputs: bool = False

    def looks_at(self, checkpoint: int) -> bool:
        """Say whether anything is computed at that checkpoint of the list."""
        return self.vog or self.tracin or self.head_inputs or checkpoint == self.grand


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
    compute: ComputeSettings = ONE_PROCESS,
) -> None:
    """Write `shard-00000.parquet` … into `folder`; shards that are there already are kept.

    Rows are sorted by length and cut into shards of `settings.shard_tokens` tokens. A shard goes
    through all checkpoints, one model in memory, and every batch forward and backward once. Its
    file holds, for each row: `row`, and as planned `vog`, `token_vog` (one value a token),
    `tracin` and `grand`. `labels` (examples,) are indices of the classes.

    However many workers divide the shards, each is computed alone and by the same steps, so that
    its file has the same bytes wherever as many threads work on it. A worker has a share of the
    cores, and the sums of the libraries follow the number of threads: with the bundled encoder,
    VoG changed by up to 4e-6 of its value between one thread and two, TracIn and GraNd by 3e-7.
    Machines of different kinds may differ by 1e-6. Workers elsewhere read checkpoints and tokens
    from a folder that they share with this machine, under the same path; only this process writes.
    """
    progress.begin("trace", len(rows) * len(checkpoints), "rows × checkpoints")
    cut = _shards(tokens.lengths, rows, settings.shard_tokens)
    shards = missing_shards(cut, folder, len(checkpoints), progress)
    prepare = partial(_tracing, checkpoints, tokens, labels, plan, settings, precision)
    spread(shards, prepare, _keep, compute, progress, name=Shard.name)
    progress.end()


def _tracing(
    checkpoints: list[Path],
    tokens: TokenStore,
    labels: npt.NDArray[np.int64],
    plan: Plan,
    settings: ScoringSettings,
    precision: Precision,
) -> Callable[[Shard, Progress], tuple[Any, Halves | None]]:
    """Load the model, and return what a process does with a shard."""
    model = load_classifier(checkpoints[0]).to(pick_device()).requires_grad_(False)
    tracer = _Tracer(model, tokens, labels, plan, settings, precision)

    def work(shard: Shard, progress: Progress) -> tuple[Any, Halves | None]:
        if tracer.note:
            progress.message(tracer.note)
            tracer.note = ""
        table = tracer.shard(shard.rows, checkpoints, progress)
        if tracer.head_inputs is None:
            return table, None
        return table, tracer.head_inputs.seen(len(checkpoints))

    return work


def _keep(shard: Shard, traced: tuple[Any, Halves | None]) -> None:
    table, seen = traced
    if seen is not None:
        write_seen(shard.path.with_suffix(".npy"), seen)
    write_parquet(shard.path, table)


def check_traceable(model: PreTrainedModel, plan: Plan, settings: ScoringSettings) -> str:
    """Find out before a long training whether and how its checkpoints can be traced.

    Returns:
        What slows the trace down, in words; "" where nothing does.

    Raises:
        ModelError: the model cannot be differentiated, or has no such embedding module or layer.
    """
    shared = shares_batches(model)
    if plan.vog and settings.embedding_module is not None:
        check_embedding(model, settings.embedding_module, shared)
    parts = [part for part, _ in _parts(model, plan, settings, every=True)]
    slow = without_rule(model, parts, shared) if parts else {}
    return _slowly(slow, shared)


def _slowly(parameters: Iterable[str], shared: bool) -> str:
    notes = []
    if not shared:
        notes.append("Padding changes what this model answers, so texts are traced one by one.")
    named = sorted(parameters)
    if named:
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        notes.append(
            f"The gradients of {', '.join(named[:3])}{more} are computed text by text: they are "
            "not used in a way that lets one pass over a batch tell examples apart."
        )
    return " ".join([*notes, "The trace takes longer."]) if notes else ""


def _parts(
    model: PreTrainedModel, plan: Plan, settings: ScoringSettings, every: bool
) -> list[tuple[nn.Module, float]]:
    """List the parts of the model whose gradients are asked for, each with its learning rate.

    A parameter counts for the first part that holds it; with `every`, GraNd asks for all.
    """
    parts: list[tuple[nn.Module, float]] = []
    if plan.tracin and settings.tracin_layer == "full":
        parts = [(model.base_model, plan.learning_rate), (model, plan.head_learning_rate)]
    elif plan.tracin:
        layer = head_linear if settings.tracin_layer == "head" else last_encoder_layer
        parts = [(layer(model), plan.learning_rate)]
    if every and plan.grand is not None:
        parts.append((model, 0.0))
    return parts


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
        precision: Precision,
    ) -> None:
        self._model = model
        padding = padding_id(model)
        self._tokens = tokens if padding is None else replace(tokens, pad_id=padding)
        self._labels = labels
        self._plan = plan
        self._settings = settings
        self._device = model.device
        self._leaf = Leaf(embedding_module(model, settings.embedding_module))
        shared = shares_batches(model)
        self._most_rows = MOST_ROWS if shared else 1
        every = [part for part, _ in _parts(model, plan, settings, every=True)]
        alone = without_rule(model, every, shared) if every else {}
        self.note = _slowly(alone, shared)
        self._passes = {
            at_grand: self._pass(_parts(model, plan, settings, at_grand), list(alone.values()))
            for at_grand in (False, True)
        }
        self._dtype = pick_dtype(precision, model.device)
        cast(model, self._dtype)
        self.head_inputs = HeadInputs(model) if plan.head_inputs else None

    def _pass(
        self, parts: list[tuple[nn.Module, float]], alone: list[nn.Parameter]
    ) -> tuple[Influence | None, Tensor]:
        """Prepare the gradients of `parts`, and their learning rates (parts, 1)."""
        rates = torch.tensor([rate for _, rate in parts], device=self._device).unsqueeze(1)
        modules = [part for part, _ in parts]
        return Influence(self._model, modules, alone) if modules else None, rates

    def shard(
        self, rows: npt.NDArray[np.int64], checkpoints: list[Path], progress: Progress
    ) -> Any:
        """Trace one shard and return its table."""
        if self.head_inputs is not None:
            self.head_inputs.start()
        lengths = self._tokens.lengths
        batches = list(length_batches(lengths, rows, BATCH_TOKENS, self._most_rows))
        tally = Tally(lengths[rows], self._device)
        for number, checkpoint in enumerate(checkpoints):
            if not self._plan.looks_at(number):
                progress.advance(len(rows))
                continue
            self._model.load_state_dict(load_file(checkpoint / WEIGHTS), strict=True)
            start = 0
            for batch in batches:
                self._batch(batch, start, number == self._plan.grand, tally)
                start += len(batch)
                progress.advance(len(batch))
        return tally.table(rows, self._settings.vog_statistic)

    def _batch(self, rows: npt.NDArray[np.int64], start: int, at_grand: bool, tally: Tally) -> None:
        """Add what one checkpoint says of the shard's rows from `start` on."""
        inputs = {name: part.to(self._device) for name, part in self._tokens.batch(rows).items()}
        labels = torch.from_numpy(self._labels[rows]).to(self._device)
        influence, rates = self._passes[at_grand]
        with ExitStack() as hooks:
            hooks.enter_context(quick_attention(self._device, self._dtype))
            if self.head_inputs is not None:
                hooks.enter_context(self.head_inputs)
            if self._plan.vog:
                hooks.enter_context(self._leaf)
            if influence is not None:
                hooks.enter_context(influence.watching(len(rows)))
            logits = self._model(**inputs).logits.float()
        if influence is not None:
            norms = influence.squared_norms(logits, labels, inputs, retain_graph=self._plan.vog)
            if self._plan.tracin:
                tally.add_influence((rates * norms).sum(dim=0), start)
            if at_grand:
                tally.set_norms(norms.sum(dim=0).sqrt(), start)
        if self._plan.vog:
            chosen = logits.gather(1, labels.unsqueeze(1)).sum()
            (gradient,) = torch.autograd.grad(chosen, self._leaf.output)
            tally.add_gradients(gradient[inputs["attention_mask"].bool()], start)


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
