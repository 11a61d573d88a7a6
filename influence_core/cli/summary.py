"""A run in a few lines, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console

from influence_core import jobs
from influence_core.cli.terminal import plain
from influence_core.progress import duration
from influence_core.store.run import DatasetSummary, Manifest, Run


def run_facts(run: Run) -> dict[str, Any]:
    """Return the manifest of a run and where it lies."""
    return {"path": str(run.path), **run.manifest().model_dump(mode="json")}


def print_summary(run: Run, console: Console) -> None:
    """Print what a run found and where it lies."""
    for line in summary_lines(run):
        console.print(plain(line))


def summary_lines(run: Run) -> Iterator[str]:
    """Word a run: its state, accuracy, data, scores, timings and folder."""
    manifest = run.manifest()
    yield f"{run.name}: {jobs.status(run).state}"
    if manifest.error:
        yield f"  error     {manifest.error}"
    for split, figures in manifest.metrics.items():
        yield f"  {split:<9} {_figures(figures)}"
    if manifest.dataset is not None:
        yield f"  data      {_data(manifest.dataset)}"
        doubts = sum(finding.level == "warning" for finding in manifest.dataset.findings)
        if doubts:
            yield f"  warnings  {doubts}; `influence show {run.name}` lists them"
    settings = manifest.settings
    proxy = ", a proxy of fine-tuning" if settings.training.mode == "probe" else ""
    if settings.imported is not None:
        yield f"  imported  {settings.imported.path}"
    elif settings.checkpoints is None:
        yield f"  trained   {settings.training.mode} on {settings.model.encoder}{proxy}"
    else:
        count = len(settings.checkpoints.folders) or settings.training.checkpoints
        yield f"  trained   elsewhere, {count} checkpoints"
    if manifest.scores:
        yield f"  scores    {', '.join(manifest.scores)}"
    if "forgetting" in manifest.scores and settings.imported is None:
        yield f"  forgetting over {settings.scoring.forgetting_from}"
    if manifest.stages:
        yield f"  time      {_times(manifest)}"
    yield from (f"  note      {note}" for note in manifest.notes)
    yield f"  folder    {run.path}"
    yield "See it with `influence app`."


def _figures(figures: dict[str, float]) -> str:
    worded = []
    for name, value in figures.items():
        shown = f"{value:.4f}" if 0 <= value <= 1 else f"{value:,.6g}"
        worded.append(f"{name.replace('_', ' ')} {shown}")
    return ", ".join(worded)


def _data(dataset: DatasetSummary) -> str:
    splits = ", ".join(f"{rows:,} {split}" for split, rows in dataset.splits.items())
    left_out = f", {dataset.rejected:,} left out" if dataset.rejected else ""
    return f"{dataset.rows:,} rows ({splits}{left_out}), {len(dataset.label_names)} classes"


def _times(manifest: Manifest) -> str:
    total = sum(stage.seconds for stage in manifest.stages.values())
    parts = ", ".join(f"{name} {duration(s.seconds)}" for name, s in manifest.stages.items())
    return f"{duration(total)} ({parts})"
