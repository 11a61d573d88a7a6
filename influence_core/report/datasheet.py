"""The datasheet of an export: what the data is and how it came about, for whoever is given it.

It follows the questions of Gebru et al.: Datasheets for Datasets, Communications of the ACM 64(12),
2021, and answers those that the run can answer; of the others it says that nothing is known here.
Texts of the dataset stay out of it.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from influence_core.report import about_export, wording
from influence_core.report.about_data import name_of
from influence_core.report.about_export import Rows
from influence_core.report.about_run import WAYS
from influence_core.report.markdown import cell, code, line
from influence_core.report.page import TEMPLATES
from influence_core.scores.registry import ScoreSpec, spec_of
from influence_core.selection.select import WITHOUT_SCORE
from influence_core.store.corrections import corrections
from influence_core.store.export import ExportManifest
from influence_core.store.names import placed
from influence_core.store.run import Manifest, Run
from influence_core.store.state import dataset_of

if TYPE_CHECKING:
    from jinja2 import Template

ENDS = {
    "easy": "the easiest",
    "hard": "the hardest",
    "both": "the easiest and the hardest, by half",
}

WAYS_TO_DROP = {
    "cutoff": "strictly by rank: {ends} went",
    "softmax": "by draws weighted with the softmax of the score: {ends} were the likeliest to go",
    "linear": "by draws weighted linearly with the score: {ends} were the likeliest to go",
    "random": "by draws at random",
    "stratified": "by draws at random within every class",
}
"""How rows are dropped, by strategy."""

COMPARED = {
    "raw": "as computed",
    "class": "compared within its class",
    "dataset": "compared within the dataset",
}

USES = {
    "only": "the set starts from these rows alone",
    "keep": "these rows stay at any rate",
    "drop": "these rows leave at any rate",
}


def datasheet(run: Run, kept: Rows, destination: Path, made: ExportManifest) -> str:
    """Return the datasheet of an export as Markdown.

    Args:
        run: the run that it is of.
        kept: training rows that the subset keeps, before reviewers are heard.
        destination: where it is written; the folder's name is told, not where it lies.
        made: what the manifest says, the other files among it.
    """
    manifest, dataset = run.manifest(), dataset_of(run)
    decided = None if made.reviews is None else corrections(run, made.reviews.version)
    left = about_export.left(run, kept, decided)
    return _template().render(
        name=placed(destination).resolve().name,
        made=made,
        run=manifest,
        dataset=dataset,
        source=name_of(dataset),
        way=WAYS[manifest.settings.origin],
        trained=manifest.settings.origin in ("probe", "finetune"),
        encoder=_last_part(manifest.settings.model.encoder),
        score=_score(manifest, made.settings),
        how=_how(made.settings),
        uses=USES,
        before=sum(made.train_before.values()),
        after=sum(made.train_after.values()),
        splits=about_export.splits(made, dataset.splits),
        classes=about_export.classes(made),
        sources=about_export.by_source(run, kept, decided),
        reviews=about_export.reviews(decided),
        overruled=about_export.overruled(run, kept, decided).words,
        doubts=about_export.doubts(run, left, decided),
        command=_without_folders(made.command, destination),
    )


def _last_part(encoder: str) -> str:
    """Return what an encoder is called: its folder without those around it, or its id."""
    return Path(encoder).name if Path(encoder).is_absolute() else encoder


def _without_folders(command: str, destination: Path) -> str:
    """Name the destination in a command by its folder alone: where it lies is nobody's matter."""
    words = [
        destination.name if word == str(destination) else word for word in shlex.split(command)
    ]
    return shlex.join(words)


def _score(manifest: Manifest, settings: dict[str, Any]) -> ScoreSpec | None:
    """Return the entry of the score that decided, if any did."""
    if settings.get("strategy") in (None, *WITHOUT_SCORE) or not settings.get("fraction"):
        return None
    key = settings.get("score")
    return spec_of(manifest, key) if key in manifest.scores else None


def _how(settings: dict[str, Any]) -> str | None:
    """Word how the settings dropped rows; None where nothing is known of it."""
    if "fraction" not in settings or "strategy" not in settings:
        return None
    if not settings["fraction"]:
        return "none was dropped by a score or at random"
    told = WAYS_TO_DROP[settings["strategy"]].format(ends=ENDS[settings["prune"]])
    return (
        f"{wording.percent(settings['fraction'])} were dropped{_first(settings)} {told}"
        f"{_spared(settings)}"
    )


def _first(settings: dict[str, Any]) -> str:
    """Word which rows were dropped before others, if any."""
    steps = []
    if clipped := settings.get("clip_suspicious"):
        label = settings["clip_by"]
        steps.append(f"the {wording.percent(clipped)} whose label looks least right by {label}")
    if alike := settings.get("near_duplicates"):
        steps.append(f"near-duplicates of other rows (similarity from {alike:g})")
    return f": first {', then '.join(steps)}; the others" if steps else ""


def _spared(settings: dict[str, Any]) -> str:
    """Word which rows were spared whatever their rank."""
    floor = settings.get("floor")
    return (
        f"; of every class at least {wording.counted(floor, 'row')} stayed, or all it has"
        if floor
        else ""
    )


def _told(settings: dict[str, Any]) -> str:
    """Word settings, but for those that are not set."""
    return ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)


def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    shown = (wording.count, wording.counted, wording.percent, wording.sentence, code, cell, line)
    environment.filters |= {one.__name__: one for one in shown} | {"told": _told}
    environment.globals |= {"compared": COMPARED}
    return environment.get_template("datasheet.md")
