"""What influence between examples costs, from what the head was given at every checkpoint.

Targets: an answer about a row within a second, for 100,000 rows and 10 checkpoints; self-influence
at the head at least 10 times as fast as captum's TracInCPFast from stored activations, and at least
twice as fast where the texts go through the encoder again, in fp32.

captum is given the same texts, labels and checkpoints, in batches as they come, padded to the
longest of the batch, and its faster order: checkpoints outside, batches within.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from captum.influence import TracInCPFast
from safetensors.numpy import save_file
from safetensors.torch import load_file

from benchmarks.bench_trace import PLAIN_BATCH, TURNS, Workload, workloads
from benchmarks.pairing import Pair, compare, compare_all
from influence_core.config import RunSettings, ScoringSettings
from influence_core.model.classifier import head_linear, load_classifier
from influence_core.progress import silent
from influence_core.scores.gradients.trace import Plan, trace
from influence_core.scores.pairwise.activations import open_checkpoints
from influence_core.scores.pairwise.explain import explain
from influence_core.scores.pairwise.head import Head
from influence_core.scores.pairwise.kernel import self_influence
from influence_core.store.files import write_parquet
from influence_core.store.run import DatasetSummary, Run, create_run

EXPLAINED_ROWS = 100_000
EXPLAINED_CHECKPOINTS = 10
WIDTH = 64
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def random_run(folder: Path, rows: int, classes: int) -> Run:
    """Make a run of `rows` training rows whose head inputs are random, as a ReLU leaves them."""
    generator = np.random.default_rng(0)
    run = create_run(f"random-{classes}", RunSettings(), folder)
    names = tuple(f"label-{number:03d}" for number in range(classes))
    labels = generator.integers(classes, size=rows)
    numbers = [f"{number:07d}" for number in range(rows)]
    columns = {
        "id": numbers,
        "text": [f"an utterance of some length, number {number}" for number in numbers],
        "text_pair": pa.nulls(rows, pa.string()),
        "label": pa.array(names).take(pa.array(labels)),
        "split": ["train"] * rows,
    }
    write_parquet(run.examples_file, pa.table(columns))
    run.update(dataset=_summary(rows, names))
    run.heads_folder.mkdir()
    run.activations_folder.mkdir()
    for number in range(EXPLAINED_CHECKPOINTS):
        step = f"step-{number + 1:06d}"
        weight = generator.normal(scale=0.2, size=(classes, WIDTH)).astype(np.float32)
        head = {"6.weight": weight, "6.bias": np.zeros(classes, np.float32)}
        save_file(head, run.heads_folder / f"{step}.safetensors")
        inputs = np.maximum(generator.normal(size=(rows, WIDTH)), 0).astype(np.float16)
        np.save(run.activations_folder / f"{step}.npy", inputs)
    return run


def _summary(rows: int, names: tuple[str, ...]) -> DatasetSummary:
    return DatasetSummary(
        fingerprint="",
        source="",
        rows=rows,
        rejected=0,
        splits={"train": rows},
        label_names=names,
        class_counts={},
        columns={},
        pairs=False,
    )


def read_inputs(run: Run) -> None:
    """Read every stored byte once: what no answer can do without."""
    for path in sorted(run.activations_folder.glob("*.npy")):
        path.read_bytes()


class SelfInfluence:
    """Self-influence at the head of the same rows, three ways."""

    def __init__(self, work: Workload) -> None:
        self._work = work
        self.again(head_inputs=True)
        self._stored = [*self._from_shards()]

    def again(self, head_inputs: bool = False) -> None:
        """Send the texts through the encoder of every checkpoint, in fp32."""
        work = self._work
        traces = work.folder / "traces"
        shutil.rmtree(traces, ignore_errors=True)
        plan = Plan(vog=False, tracin=True, learning_rate=1.0, head_inputs=head_inputs)
        settings = ScoringSettings(tracin_layer="head")
        common = (work.checkpoints, work.tokens, work.rows, work.labels, traces, plan, settings)
        trace(*common, "fp32", silent())

    def stored(self) -> None:
        """Take what the head was given from before."""
        for head, inputs, labels in self._stored:
            self_influence(head, inputs, labels)

    def captum(self) -> None:
        """Let captum do it."""
        model = _Unpacked(load_classifier(self._work.checkpoints[0]))
        peer = TracInCPFast(
            model,
            head_linear(model.classifier),
            _batches(self._work),
            [str(path / "model.safetensors") for path in self._work.checkpoints],
            _load,
            loss_fn=torch.nn.CrossEntropyLoss(reduction="sum"),
        )
        peer.self_influence(outer_loop_by_checkpoints=True)

    def _from_shards(self) -> Iterator[tuple[Head, np.ndarray, np.ndarray]]:
        shards = sorted((self._work.folder / "traces").glob("*.npy"))
        tables = [pq.read_table(shard.with_suffix(".parquet")) for shard in shards]
        rows = np.concatenate([table.column("row").to_numpy() for table in tables])
        for number, checkpoint in enumerate(self._work.checkpoints):
            last = head_linear(load_classifier(checkpoint))
            head = Head((last.weight.detach().numpy(),), (last.bias.detach().numpy(),))
            inputs = np.concatenate([np.load(shard)[number] for shard in shards])
            yield head, inputs, self._work.labels[rows]


class _Unpacked(torch.nn.Module):
    """A classifier that takes its inputs by place and returns logits, as captum asks."""

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        named = dict(zip(INPUTS, inputs, strict=False))
        logits: torch.Tensor = self.classifier(**named).logits
        return logits


def _load(model: _Unpacked, path: str) -> float:
    model.classifier.load_state_dict(load_file(path))
    return 1.0


def _batches(work: Workload) -> torch.utils.data.DataLoader[Any]:
    """Return the texts in batches as they come, and their labels."""

    def collate(rows: list[int]) -> tuple[torch.Tensor, ...]:
        batch = work.tokens.batch(rows)
        given = [batch[name] for name in INPUTS if name in batch]
        return *given, torch.from_numpy(work.labels[rows])

    rows = work.rows.tolist()
    return torch.utils.data.DataLoader(rows, batch_size=PLAIN_BATCH, collate_fn=collate)


def results() -> Iterator[Pair]:
    with tempfile.TemporaryDirectory() as folder:
        for classes in (10, 150):
            run = random_run(Path(folder), EXPLAINED_ROWS, classes)
            size = f"{EXPLAINED_ROWS:,} rows, {len(open_checkpoints(run))} checkpoints"
            yield compare(
                f"explain a row of {size}, {classes} classes",
                partial(explain, run, row=7),
                "reading the stored bytes",
                partial(read_inputs, run),
                turns=TURNS,
            )
    with tempfile.TemporaryDirectory() as folder:
        for texts, work in workloads(Path(folder)):
            ways = SelfInfluence(work)
            yield from compare_all(
                f"captum TracInCPFast's self-influence at the head, {len(work.rows)} {texts}",
                ways.captum,
                {"ours in fp32": ways.again, "ours from stored activations": ways.stored},
                turns=TURNS,
            )
