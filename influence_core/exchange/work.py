"""What every kind of import is given, and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from influence_core.config import CustomScore, ImportSettings, RunSettings
from influence_core.data.findings import Report
from influence_core.progress import Progress
from influence_core.store.run import DatasetSummary, Run


@dataclass(frozen=True)
class Work:
    """An import under way; `folder` is an empty one for scratch files."""

    run: Run
    dataset: DatasetSummary
    settings: RunSettings
    imported: ImportSettings
    folder: Path
    report: Report
    progress: Progress


@dataclass(frozen=True)
class Brought:
    """What the manifest says of an import: keys of the scores, those of their own, and metrics."""

    scores: tuple[str, ...]
    custom: tuple[CustomScore, ...] = ()
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)


class Percent:
    """Percent of the stage that is done, told to a progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.percent = 0.0
        progress.begin("import", 100, "%")

    def at(self, percent: float) -> None:
        """Move to `percent`."""
        self._progress.advance(int(percent) - int(self.percent))
        self.percent = percent

    def end(self) -> None:
        """Close the stage."""
        self.at(100)
        self._progress.end()
