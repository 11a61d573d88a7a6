"""An independent oracle for every score of the registry, over one fine-tuned run.

`python -m tests.scores.oracles` prints how far the scores are from them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from captum.influence import TracInCP, TracInCPFast
from cleanlab.rank import get_self_confidence_for_each_label
from safetensors.torch import load_file
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from torch import nn

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.model.classifier import head_linear, last_encoder_layer, load_classifier
from influence_core.model.encoder import load_tokenizer
from influence_core.model.tokens import TokenStore, open_tokens, tokenize
from influence_core.progress import silent
from influence_core.scores.gradients.trace import Plan, read_trace, trace
from influence_core.scores.registry import SCORES, resolve
from influence_core.scores.table import write_scores
from influence_core.store.run import Run
from influence_core.training.outlook import read_examples
from tests.requests import TOPICS, requests, write_requests
from tests.tiny_encoder import save_tiny_encoder

RATE, EPOCHS, STEPS, EARLY = 1e-2, 4, 3, 2
"""Learning rate of the encoder, epochs, optimisation steps in each, and the early epoch."""

Floats = np.ndarray


class Double(nn.Module):
    """A classifier in float64, put together from its parts as a text alone goes through them."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.model = load_classifier(folder).double()

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.answer(self.model.get_input_embeddings()(ids), mask)

    def answer(self, embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states = self.model.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state
        if self.model.config.pooling == "cls":
            return self.model.head(states[:, 0])
        real = mask.unsqueeze(-1).double()
        return self.model.head((states * real).sum(1) / real.sum(1))


@dataclass(frozen=True)
class Evidence:
    """A run whose every step is a checkpoint and a snapshot, and what the definitions say of it."""

    run: Run

    @cached_property
    def rows(self) -> Floats:
        return self._examples.train_rows

    @cached_property
    def labels(self) -> Floats:
        return self._examples.labels[self.rows]

    @cached_property
    def checkpoints(self) -> list[Path]:
        return sorted(self.run.checkpoints_folder.iterdir())

    @cached_property
    def tokens(self) -> TokenStore:
        folder = self.run.path.parent / "tokens"
        tokenizer = load_tokenizer(str(self.run.model_folder))
        tokenize(self.run.examples_file, tokenizer, 128, folder, silent())
        return open_tokens(folder)

    @cached_property
    def looks(self) -> tuple[Floats, list[list[torch.Tensor]]]:
        """Logits (checkpoints, rows, classes), and for each row its gradients of the embeddings."""
        logits, gradients = [], [[] for _ in self.rows]
        for folder in self.checkpoints:
            model, said = Double(folder), []
            for place, (ids, mask) in enumerate(map(self._alone, self.rows)):
                embedded = model.model.get_input_embeddings()(ids).detach().requires_grad_()
                answer = model.answer(embedded, mask)[0]
                (gradient,) = torch.autograd.grad(answer[self.labels[place]], embedded)
                gradients[place].append(gradient[0])
                said.append(answer.detach().numpy())
            logits.append(said)
        return np.array(logits), gradients

    @property
    def logits(self) -> Floats:
        return self.looks[0]

    @property
    def by_epoch(self) -> Floats:
        """Logits (epochs, rows, classes) at the ends of epochs."""
        return self.logits[STEPS - 1 :: STEPS]

    def chosen(self, values: Floats) -> Floats:
        """Pick the label's of values (..., rows, classes)."""
        return values[..., np.arange(len(self.labels)), self.labels]

    def margins(self, logits: Floats) -> Floats:
        others = logits.copy()
        others[..., np.arange(len(self.labels)), self.labels] = -np.inf
        return self.chosen(logits) - others.max(axis=-1)

    def vog(self, statistic: Callable[[torch.Tensor], torch.Tensor]) -> Floats:
        stacked = map(torch.stack, self.looks[1])
        return np.array([statistic(gradients).mean().item() for gradients in stacked])

    def grand(self) -> Floats:
        model, found = Double(self.checkpoints[EARLY * STEPS - 1]), []
        for row, label in zip(self.rows, self.labels, strict=True):
            loss = nn.functional.cross_entropy(model(*self._alone(row)), torch.tensor([label]))
            parts = torch.autograd.grad(loss, list(model.parameters()))
            found.append(sum(part.square().sum().item() for part in parts) ** 0.5)
        return np.array(found)

    def by_captum(self, part: Callable[[nn.Module], nn.Module] | None) -> Floats:
        """Return captum's self-influence through a part of the model, or all of it."""
        called = Double(self.checkpoints[0])
        wanted = None if part is None else part(called.model)
        layers = [name for name, one in called.named_modules() if one is wanted]
        loss = nn.CrossEntropyLoss(reduction="none")
        return self._self_influence(TracInCP, called, layers=layers or None, loss_fn=loss)

    def by_fast_captum(self) -> Floats:
        """Return the self-influence of captum's fast class, which leaves the head's bias out."""
        called = Double(self.checkpoints[0])
        last, loss = head_linear(called.model), nn.CrossEntropyLoss(reduction="sum")
        return self._self_influence(TracInCPFast, called, final_fc_layer=last, loss_fn=loss)

    def of_bias(self) -> Floats:
        """Return the part of the head's bias, whose gradient is the error of the probabilities."""
        return RATE * (errors(self.logits, self.labels) ** 2).sum(axis=0)

    def _self_influence(self, kind: type, called: Double, **options: object) -> Floats:
        def load(model: Double, path: str) -> float:
            model.model.load_state_dict(load_file(path))
            return RATE

        batch = self.tokens.batch(self.rows)
        parts = (batch["input_ids"], batch["attention_mask"], torch.from_numpy(self.labels))
        method = kind(
            model=called,
            train_dataset=torch.utils.data.TensorDataset(*parts),
            checkpoints=[str(path / "model.safetensors") for path in self.checkpoints],
            checkpoints_load_func=load,
            **options,
        )
        return method.self_influence(parts).detach().numpy()

    def scored(self, key: str) -> Floats:
        return self.run.scores([key])[key].to_numpy()

    def scored_again(self, key: str, **settings: object) -> Floats:
        """Read a score anew out of the same artefacts by other settings."""
        chosen = ScoringSettings(scores=(key,), **settings)
        with TemporaryDirectory() as folder:
            again = Run(Path(folder))
            specs = resolve([key], "finetune")
            write_scores(again, [self.run], self._examples, specs, chosen, silent())
            return again.scores([key])[key].to_numpy()

    def retraced(self, column: str, **settings: object) -> Floats:
        """Trace the same checkpoints by other settings, one learning rate for all parameters."""
        with TemporaryDirectory() as folder:
            trace(
                checkpoints=self.checkpoints,
                tokens=self.tokens,
                rows=self.rows,
                labels=self._examples.labels,
                folder=Path(folder),
                plan=Plan(vog=True, tracin=True, learning_rate=RATE, head_learning_rate=RATE),
                settings=ScoringSettings(shard_tokens=256, **settings),
                precision="fp32",
                progress=silent(),
            )
            return read_trace(Path(folder), self.rows, column)

    def log2_null(self) -> Floats:
        """Return what the trained null model says of every label, in bits."""
        null = pd.read_parquet(self.run.path / "null.parquet")
        return null.log2_p.to_numpy()[self.labels]

    def log2_share(self) -> Floats:
        return np.log2([np.mean(self.labels == label) for label in self.labels])

    def out_of_fold(self) -> tuple[Floats, Floats]:
        """Return the kept probabilities (rows, classes), and the fold of every row."""
        folder = self.run.path / "out_of_fold"
        folds = pd.read_parquet(folder / "rows.parquet").fold.to_numpy()
        return np.load(folder / "probabilities.npy").astype(float), folds

    def log2_share_elsewhere(self) -> Floats:
        folds = self.out_of_fold()[1]
        pairs = zip(folds, self.labels, strict=True)
        return np.log2([np.mean(self.labels[folds != one] == label) for one, label in pairs])

    @cached_property
    def _examples(self):
        return read_examples(self.run, self.run.manifest().dataset.label_names)

    def _alone(self, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        batch = self.tokens.batch([row])
        return batch["input_ids"], batch["attention_mask"]


@dataclass(frozen=True)
class Oracle:
    """A score, who else computes it, and both answers."""

    words: str
    found: Callable[[Evidence], Floats]
    right: Callable[[Evidence], Floats]


AUTOGRAD = "autograd in float64, one text at a time"
DEFINITION = "definition on logits in float64"
CAPTUM = "captum `TracInCP` in float64"


def _of_run(key: str, words: str, right: Callable[[Evidence], Floats]) -> Oracle:
    return Oracle(words, lambda work: work.scored(key), right)


def errors(logits: Floats, labels: Floats) -> Floats:
    """Return ‖softmax(logits) − onehot(label)‖₂ of logits (..., rows, classes)."""
    probabilities = softmax(logits, axis=-1)
    probabilities[..., np.arange(len(labels)), labels] -= 1
    return np.linalg.norm(probabilities, axis=-1)


def _forgotten(work: Evidence) -> Floats:
    found = []
    for history in (work.margins(work.logits) > 0).T:
        found.append(sum(before and not after for before, after in pairwise(history)))
    return np.array(found, float)


def _log2_p(work: Evidence) -> Floats:
    return work.chosen(log_softmax(work.by_epoch[EARLY - 1], axis=1)) / np.log(2)


def _p_by_epoch(work: Evidence) -> Floats:
    return work.chosen(softmax(work.by_epoch, axis=2))


ORACLES = {
    "vog": _of_run("vog", AUTOGRAD, lambda work: work.vog(lambda g: g.var(0, correction=0))),
    "el2n": _of_run("el2n", DEFINITION, lambda work: errors(work.by_epoch[EARLY - 1], work.labels)),
    "forgetting": _of_run("forgetting", DEFINITION, _forgotten),
    "pvi": Oracle(
        DEFINITION,
        lambda work: work.scored_again("pvi"),
        lambda work: _log2_p(work) - work.log2_share(),
    ),
    "tracin": _of_run("tracin", CAPTUM, lambda work: work.by_captum(last_encoder_layer)),
    "grand": _of_run("grand", AUTOGRAD, Evidence.grand),
    "aum": _of_run("aum", DEFINITION, lambda work: work.margins(work.by_epoch).mean(axis=0)),
    "confidence": _of_run("confidence", DEFINITION, lambda work: _p_by_epoch(work).mean(axis=0)),
    "variability": _of_run("variability", DEFINITION, lambda work: _p_by_epoch(work).std(axis=0)),
    "correctness": _of_run(
        "correctness", DEFINITION, lambda work: (work.margins(work.by_epoch) > 0).sum(axis=0)
    ),
    "loss": _of_run(
        "loss", DEFINITION, lambda work: -work.chosen(log_softmax(work.logits[-1], axis=1))
    ),
    "margin": _of_run("margin", DEFINITION, lambda work: work.margins(work.logits[-1])),
    "entropy": _of_run(
        "entropy", "scipy `entropy`", lambda work: entropy(softmax(work.logits[-1], axis=1), axis=1)
    ),
    "label_quality": _of_run(
        "label_quality",
        "cleanlab `get_self_confidence_for_each_label`",
        lambda work: get_self_confidence_for_each_label(work.labels, work.out_of_fold()[0]),
    ),
}
"""The oracle of every score, by its key, as default settings compute it."""

VARIANTS = {
    ("vog", "standard deviation"): Oracle(
        AUTOGRAD,
        lambda work: work.retraced("vog", vog_statistic="std"),
        lambda work: work.vog(lambda g: g.std(0, correction=0)),
    ),
    ("tracin", "head"): Oracle(
        CAPTUM,
        lambda work: work.retraced("tracin", tracin_layer="head"),
        lambda work: work.by_captum(head_linear),
    ),
    ("tracin", "head without its bias"): Oracle(
        "captum `TracInCPFast` in float64",
        lambda work: work.retraced("tracin", tracin_layer="head") - work.of_bias(),
        Evidence.by_fast_captum,
    ),
    ("tracin", "all parameters"): Oracle(
        CAPTUM,
        lambda work: work.retraced("tracin", tracin_layer="full"),
        lambda work: work.by_captum(None),
    ),
    ("pvi", "trained null model"): _of_run(
        "pvi", DEFINITION, lambda work: _log2_p(work) - work.log2_null()
    ),
    ("pvi", "out of fold"): Oracle(
        "definition on the kept probabilities",
        lambda work: work.scored_again("pvi", pvi_out_of_fold=True),
        lambda work: np.log2(work.chosen(work.out_of_fold()[0])) - work.log2_share_elsewhere(),
    ),
}
"""The same for what settings choose."""

CHECKS = {
    **{(key, ""): oracle for key, oracle in ORACLES.items()},
    **VARIANTS,
}


def largest_difference(key: str, oracle: Oracle, work: Evidence) -> float:
    """Return the largest relative difference; where a score crosses 0, values below 0.1 as 0.1."""
    found, right = oracle.found(work), oracle.right(work)
    least = 0.1 if SCORES[key].minimum is None else 0.0
    off = np.abs(found - right)
    size = np.maximum(np.abs(right), least)
    return float(np.max(np.divide(off, size, out=off.copy(), where=size > 0)))


def fine_tuned(folder: Path, encoder: Path) -> Evidence:
    """Fine-tune a tiny encoder and compute every score of the registry."""
    settings = RunSettings(
        data=DataSettings(source=str(write_requests(folder / "requests.csv", rows=60))),
        model=ModelSettings(encoder=str(encoder), dropout=0.1),
        training=TrainingSettings(
            mode="finetune",
            epochs=EPOCHS,
            batch_size=16,
            encoder_lr=RATE,
            head_lr=5 * RATE,
            checkpoints=EPOCHS * STEPS,
            snapshot_steps=1,
            snapshot_epochs=EPOCHS,
            precision="fp32",
            keep_checkpoints=True,
        ),
        scoring=ScoringSettings(
            scores=tuple(SCORES), pvi_null="trained", folds=3, shard_tokens=256
        ),
    )
    return Evidence(pipeline.run(name="fine-tuned", settings=settings, root=folder))


def main() -> None:
    with TemporaryDirectory() as name:
        encoder = save_tiny_encoder(
            Path(name) / "encoder", [text for text, _ in requests(TOPICS, 60)]
        )
        work = fine_tuned(Path(name), encoder)
        lines = ["| score | checked against | largest relative difference |", "|---|---|---|"]
        for (key, variant), oracle in CHECKS.items():
            label = SCORES[key].label + (f", {variant}" if variant else "")
            difference = largest_difference(key, oracle, work)
            shown = f"{difference:.1e}" if difference else "0"
            lines.append(f"| {label} | {oracle.words} | {shown} |")
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
