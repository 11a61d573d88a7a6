"""Everything that the report of a run tells, read from its files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from influence_core.access import texts_masked
from influence_core.errors import RunError
from influence_core.report.about_data import DataFacts, about_data
from influence_core.report.about_noise import (
    NoiseFacts,
    ReviewFacts,
    about_noise,
    about_review,
)
from influence_core.report.about_noisy import NoisyFacts, about_noisy
from influence_core.report.about_pruning import PruningFacts, about_pruning
from influence_core.report.about_run import RunFacts, about_run, report_command
from influence_core.report.about_scores import ScoreFacts, about_score
from influence_core.report.score_picture import Histogram, all_histograms
from influence_core.report.settings import ReportSettings
from influence_core.scores.registry import ScoreSpec
from influence_core.store.exported import written_exports
from influence_core.store.masking import without_texts
from influence_core.store.run import Manifest, Run
from influence_core.store.selections import NamedSelection, Selections
from influence_core.store.workplace import now

_FOLDER = 3
"""Place of the folder among the words of a command that exports."""


@dataclass(frozen=True)
class Contents:
    """Everything a report tells; None or nothing stands for what was not computed.

    `exports` are the commands that repeat those in the folder of the run, the oldest first.
    """

    made: str
    command: str
    masked: bool
    run: RunFacts
    data: DataFacts
    score: ScoreFacts | None
    scores: tuple[tuple[ScoreSpec, Histogram], ...]
    noise: NoiseFacts | None
    review: ReviewFacts | None
    pruning: tuple[PruningFacts, ...]
    noisy: tuple[NoisyFacts, ...]
    selections: tuple[NamedSelection, ...]
    exports: tuple[str, ...]


def gather(run: Run, settings: ReportSettings) -> Contents:
    """Read everything that the report of a run tells; nothing is computed anew.

    Texts are left out on request, and always where the environment has them masked.

    Raises:
        RunError: the run has no data yet.
        ScoreError: it does not have the score that is asked for.
    """
    manifest = run.manifest()
    if texts_masked():
        settings = settings.model_copy(update={"mask_texts": True})
    contents = Contents(
        made=now(),
        command=report_command(run.name, settings),
        masked=settings.mask_texts,
        run=about_run(manifest),
        data=about_data(run),
        score=_score(run, manifest, settings),
        scores=tuple(all_histograms(run, manifest)) if _scored(run, manifest) else (),
        noise=about_noise(run, settings.examples),
        review=about_review(run),
        pruning=tuple(about_pruning(run, settings.tolerance)),
        noisy=tuple(about_noisy(run)),
        selections=tuple(Selections(run).listed()),
        exports=tuple(_exports(run)),
    )
    return _masked(contents) if settings.mask_texts else contents


def _score(run: Run, manifest: Manifest, settings: ReportSettings) -> ScoreFacts | None:
    if _scored(run, manifest):
        return about_score(run, manifest, settings.score or manifest.scores[0], settings.examples)
    if settings.score is not None:
        raise RunError(f"Run {run.name!r} has no scores yet; resume it, or ask without a score.")
    return None


def _scored(run: Run, manifest: Manifest) -> bool:
    return bool(manifest.scores) and run.scores_file.exists()


def _exports(run: Run) -> Iterator[str]:
    """Yield the commands of the exports in a run's folder, without folders of this machine.

    What other programs wrote there and say of themselves is passed over.
    """
    for one in reversed(written_exports(run)):
        words = _words(one.manifest.command)
        if len(words) > _FOLDER and words[:2] == ["influence", "export"]:
            words[_FOLDER] = Path(words[_FOLDER]).name
            yield shlex.join(words)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _masked(contents: Contents) -> Contents:
    """Return the same without a text of the dataset: what does not arrive cannot be shown."""
    # Messages quote values of columns, and a column may hold texts.
    warnings = tuple((check, "") for check, _ in contents.data.warnings)
    return replace(without_texts(contents), data=replace(contents.data, warnings=warnings))
