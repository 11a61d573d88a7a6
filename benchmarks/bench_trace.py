"""What the trace costs. Targets for VoG alone, over the same rows and checkpoints:

- against forward passes alone: at most 2.1 in fp32 and 2.8 in bf16; 2 is the floor;
- against the plain form (batches as they come, padded to the longest row of all, a whole backward
  pass, gradients kept until the end): at most 1/3.3 in fp32 and 1/5.5 in bf16.

The built-in utterances are short and much alike in length, so the plain form wastes little on
padding. `INFLUENCE_BENCH_DATA` names a file of other texts that are measured as well.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from benchmarks.pairing import Pair, compare_all
from influence_core.config import DataSettings, ModelSettings, Precision, ScoringSettings
from influence_core.data import load
from influence_core.model.classifier import build_classifier, cast, load_classifier
from influence_core.model.encoder import encoder_source, load_tokenizer, quietly
from influence_core.model.precision import pick_dtype
from influence_core.model.tokens import TokenStore, length_batches, open_tokens, tokenize
from influence_core.progress import silent
from influence_core.scores.gradients.trace import BATCH_TOKENS, Plan, trace
from influence_core.store.run import Run

TOKENS = 5_000
"""Tokens of the rows that are traced: some 550 built-in utterances."""

CHECKPOINTS = 3
TURNS = 5
PLAIN_BATCH = 64


class Workload:
    """A few checkpoints of the bundled encoder, and texts to trace: built-in ones by default."""

    def __init__(self, folder: Path, data: DataSettings | None = None) -> None:
        run = Run(folder / "run")
        run.path.mkdir(parents=True)
        names = load(data or DataSettings(), run, silent()).label_names
        tokenizer = load_tokenizer(encoder_source("minilm"))
        tokenize(run.examples_file, tokenizer, 128, folder / "tokens", silent())
        self.folder = folder
        self.tokens: TokenStore = open_tokens(folder / "tokens")
        generator = np.random.default_rng(0)
        shuffled = generator.permutation(len(self.tokens))
        count = np.searchsorted(np.cumsum(self.tokens.lengths[shuffled]), TOKENS)
        self.rows = np.sort(shuffled[:count])
        self.labels = generator.integers(0, len(names), len(self.tokens))
        self.checkpoints = [folder / f"step-{number}" for number in range(CHECKPOINTS)]
        for seed, path in enumerate(self.checkpoints):
            with quietly():
                build_classifier(ModelSettings(), names, seed).save_pretrained(path)

    def trace(self, precision: Precision) -> None:
        """Trace VoG alone."""
        traces = self.folder / "traces"
        shutil.rmtree(traces, ignore_errors=True)
        plan = Plan(vog=True, tracin=False, learning_rate=0.0)
        settings = ScoringSettings()
        common = (self.checkpoints, self.tokens, self.rows, self.labels, traces, plan, settings)
        trace(*common, precision, silent())

    @torch.inference_mode()
    def forward(self, precision: Precision) -> None:
        """Run forward passes over the same rows, checkpoints and batches."""
        model = self._model(precision)
        for checkpoint in self.checkpoints:
            model.load_state_dict(load_file(checkpoint / "model.safetensors"))
            for batch in length_batches(self.tokens.lengths, self.rows, BATCH_TOKENS):
                model(**self.tokens.batch(batch))

    def plain(self, precision: Precision) -> None:
        """Do it as the paper's pseudo-code reads."""
        width = int(self.tokens.lengths.max())
        kept = []
        for checkpoint in self.checkpoints:
            model = cast(load_classifier(checkpoint), pick_dtype(precision, torch.device("cpu")))
            gradients = []
            for start in range(0, len(self.rows), PLAIN_BATCH):
                batch = self.rows[start : start + PLAIN_BATCH]
                gradients.append(self._plain_batch(model, batch, width))
            kept.append(torch.cat(gradients))
        torch.stack(kept).var(0, unbiased=False).mean(dim=(1, 2))

    def _plain_batch(self, model: torch.nn.Module, batch: np.ndarray, width: int) -> torch.Tensor:
        found = []
        embeddings = model.get_input_embeddings()  # type: ignore[operator]
        hook = embeddings.register_forward_hook(
            lambda _module, _inputs, output: (output.retain_grad(), found.append(output))[0]
        )
        inputs = {
            name: torch.nn.functional.pad(part, (0, width - part.shape[1]))
            for name, part in self.tokens.batch(batch).items()
        }
        logits = model(**inputs).logits
        hook.remove()
        labels = torch.from_numpy(self.labels[batch]).unsqueeze(1)
        logits.gather(1, labels).sum().backward()
        return found[0].grad.float()

    def _model(self, precision: Precision) -> torch.nn.Module:
        model = load_classifier(self.checkpoints[0])
        return cast(model, pick_dtype(precision, torch.device("cpu")))


def workloads(folder: Path) -> Iterator[tuple[str, Workload]]:
    """Yield the built-in utterances and, where a file is named, its texts; each with a name."""
    yield "built-in utterances", Workload(folder / "built-in")
    source = os.environ.get("INFLUENCE_BENCH_DATA")
    if source:
        yield f"texts of {Path(source).stem}", Workload(folder / "own", DataSettings(source=source))


def results() -> Iterator[Pair]:
    with tempfile.TemporaryDirectory() as folder:
        for texts, work in workloads(Path(folder)):
            lengths = work.tokens.lengths
            mean, longest = lengths[work.rows].mean(), lengths.max()
            size = f"{len(work.rows)} {texts} of {mean:.1f} tokens, the longest of all {longest}"
            for precision in ("fp32", "bf16"):
                references = {
                    "forward alone": partial(work.forward, precision),
                    "the plain form": partial(work.plain, precision),
                }
                traced = f"VoG in {precision} at {CHECKPOINTS} checkpoints, {size}"
                yield from compare_all(traced, partial(work.trace, precision), references, TURNS)
