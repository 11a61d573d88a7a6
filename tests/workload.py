"""A trace in small: checkpoints of a tiny classifier, and the tokens of a few requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from influence_core.config import ComputeSettings, ModelSettings, ScoringSettings
from influence_core.model.classifier import build_classifier
from influence_core.model.encoder import load_tokenizer
from influence_core.model.tokens import TokenStore, open_tokens, tokenize
from influence_core.progress import silent
from influence_core.scores.gradients.trace import Plan, trace
from influence_core.store.files import write_parquet
from tests.requests import TOPICS, requests

ROWS, CHECKPOINTS, RATE = 150, 2, 1e-2
ONE, TWO, THREE = (ComputeSettings(workers=workers) for workers in (1, 2, 3))


@dataclass(frozen=True)
class Workload:
    """What lies in `folder`: checkpoints and tokens."""

    folder: Path

    @property
    def tokens(self) -> TokenStore:
        return open_tokens(self.folder / "tokens")

    def trace(self, folder: Path, compute: ComputeSettings) -> dict[str, bytes]:
        """Trace into `folder`, and return its files."""
        trace(
            checkpoints=sorted(self.folder.glob("step-*")),
            tokens=self.tokens,
            rows=np.arange(ROWS),
            labels=np.arange(ROWS) % len(TOPICS),
            folder=folder,
            plan=Plan(vog=True, tracin=True, learning_rate=RATE, head_inputs=True),
            settings=ScoringSettings(shard_tokens=256),
            precision="fp32",
            progress=silent(),
            compute=compute,
        )
        return files(folder)


def files(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def make_workload(folder: Path, encoder: Path) -> Workload:
    """Tokenise the requests and save classifiers of several seeds."""
    texts = pa.array([text for text, _ in requests(TOPICS, ROWS)])
    examples = pa.table({"text": texts, "text_pair": pa.nulls(ROWS, pa.string())})
    write_parquet(folder / "examples.parquet", examples)
    tokenizer = load_tokenizer(str(encoder))
    tokenize(folder / "examples.parquet", tokenizer, 64, folder / "tokens", silent())
    for seed in range(CHECKPOINTS):
        model = build_classifier(ModelSettings(encoder=str(encoder)), tuple(TOPICS), seed)
        model.save_pretrained(folder / f"step-{seed:06d}")
    return Workload(folder)
