"""Whether ranks survive bfloat16: Spearman of VoG and TracIn between bf16 and fp32 traces.

The bundled encoder is fine-tuned in fp32 on built-in utterances; its checkpoints are then traced in
both precisions. Target: at least 0.99, so that 'auto' may choose bf16 where the processor has it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.stats import spearmanr

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    Precision,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.data import load
from influence_core.model.encoder import encoder_source, load_tokenizer
from influence_core.model.tokens import TokenStore, open_tokens, tokenize
from influence_core.progress import silent
from influence_core.scores.gradients.trace import Plan, read_trace, trace
from influence_core.store.run import Run
from influence_core.training.outlook import read_examples

ROWS = 3_000
EPOCHS = 4
HARDEST = 0.1


@dataclass(frozen=True)
class Agreement:
    """How alike a score ranks the same rows in two precisions."""

    name: str
    rows: int
    spearman: float
    hardest: float

    def __str__(self) -> str:
        return (
            f"{self.name}, bf16 against fp32, {self.rows:,} rows: Spearman {self.spearman:.4f}, "
            f"{self.hardest:.0%} of the hardest {HARDEST:.0%} are the same"
        )


class Workload:
    """A fine-tuning on built-in utterances whose checkpoints are kept."""

    def __init__(self, folder: Path, rows: int, epochs: int) -> None:
        source = folder / "utterances.parquet"
        _sample(folder, rows, source)
        settings = RunSettings(
            data=DataSettings(source=str(source), text="text", label="label"),
            training=TrainingSettings(
                mode="finetune",
                epochs=epochs,
                checkpoints=5,
                precision="fp32",
                keep_checkpoints=True,
            ),
            scoring=ScoringSettings(scores=("el2n",)),
        )
        self.run = pipeline.run(name="finetuned", settings=settings, root=folder)
        tokenizer = load_tokenizer(encoder_source("minilm"))
        tokenize(self.run.examples_file, tokenizer, 128, folder / "tokens", silent())
        self.folder = folder
        self.tokens: TokenStore = open_tokens(folder / "tokens")
        dataset = self.run.manifest().dataset
        self.examples = read_examples(self.run, dataset.label_names if dataset else ())

    def scores(self, layer: str, precision: Precision) -> dict[str, np.ndarray]:
        """Trace the training rows; return VoG and TracIn."""
        folder = self.folder / f"{layer}-{precision}"
        training = self.run.manifest().settings.training
        plan = Plan(
            vog=True,
            tracin=True,
            learning_rate=training.head_lr if layer == "head" else training.encoder_lr,
            head_learning_rate=training.head_lr,
        )
        rows = self.examples.train_rows
        trace(
            sorted(self.run.checkpoints_folder.iterdir()),
            self.tokens,
            rows,
            self.examples.labels,
            folder,
            plan,
            ScoringSettings.model_validate({"tracin_layer": layer}),
            precision,
            silent(),
        )
        return {name: read_trace(folder, rows, name) for name in ("vog", "tracin")}


def _sample(folder: Path, rows: int, path: Path) -> None:
    run = Run(folder / "all")
    run.path.mkdir()
    load(DataSettings(), run, silent())
    table = pq.read_table(run.examples_file, columns=["text", "label"])
    generator = np.random.default_rng(0)
    chosen = generator.choice(len(table), min(rows, len(table)), replace=False)
    pq.write_table(table.take(np.sort(chosen)), path)


def agreement(name: str, one: np.ndarray, other: np.ndarray) -> Agreement:
    """Compare two rankings of the same rows."""
    count = max(1, round(HARDEST * len(one)))
    hardest = [set(np.argsort(-values, kind="stable")[:count]) for values in (one, other)]
    return Agreement(
        name, len(one), float(spearmanr(one, other).statistic), len(hardest[0] & hardest[1]) / count
    )


def results(rows: int = ROWS, epochs: int = EPOCHS) -> Iterator[Agreement]:
    with tempfile.TemporaryDirectory() as folder:
        work = Workload(Path(folder), rows, epochs)
        for layer in ("head", "encoder", "full"):
            exact, rough = work.scores(layer, "fp32"), work.scores(layer, "bf16")
            if layer == "head":
                yield agreement("VoG", rough["vog"], exact["vog"])
            yield agreement(f"TracIn {layer}", rough["tracin"], exact["tracin"])
