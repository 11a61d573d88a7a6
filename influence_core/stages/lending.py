"""Features and token ids of the same texts: a run takes over what other work made of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from influence_core.stages.job import tokens_folder
from influence_core.store.files import atomic
from influence_core.store.run import Run, Stage
from influence_core.store.workplace import now
from influence_core.training.untuned import untuned_file


def lend(run: Run, features: Path, tokens: Path | None = None) -> None:
    """Give a run what its encoder makes of its texts, and count the stages as done.

    Whoever lends answers for the rows being the same, in the same order, under the same encoder.

    Args:
        run: a run that is yet to compute them.
        features: pooled features (examples, D) of the encoder before it saw a label.
        tokens: the folder of the token ids, which fine-tuning needs and a probe does not.
    """
    share(features, untuned_file(run))
    if tokens is not None:
        share(tokens, tokens_folder(run))
    manifest, stage = run.manifest(), Stage(seconds=0.0, finished=now())
    encoded = "features" if manifest.settings.origin == "probe" else "frozen features"
    run.update(stages={**manifest.stages, "tokens": stage, encoded: stage})


def share(source: Path, target: Path) -> None:
    """Let `target` be the file or folder `source`, without a second copy where the disk can."""
    with atomic(target) as partial:
        if source.is_dir():
            shutil.copytree(source, partial, copy_function=_link)
        else:
            _link(source, partial)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
