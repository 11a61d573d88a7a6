"""The command that takes a subset home: `export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from influence_core.cli.options import chosen, with_settings
from influence_core.cli.terminal import fill, output, plain, print_json, reporting, table
from influence_core.config import validated
from influence_core.errors import ConfigError, rule
from influence_core.progress import Progress
from influence_core.selection.curate import CurationSettings
from influence_core.selection.select import SelectionSettings
from influence_core.store.formats import Format
from influence_core.store.run import Run, open_run

if TYPE_CHECKING:
    from influence_core.store.corrections import ReviewFacts
    from influence_core.store.export import ExportManifest

CLASSES_SHOWN = 20

ReviewVersion = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="VERSION",
        help="Apply what reviewers had decided when the reviews had this version; the newest by "
        "default.",
    ),
]


@with_settings(SelectionSettings, CurationSettings)
def export(
    name: Annotated[str, typer.Argument(metavar="RUN", help="Name of the run.")],
    destination: Annotated[Path, typer.Argument(help="New folder for the subset.")],
    format: Annotated[Format, typer.Option(help="Format of the files.")] = "jsonl",
    dynamics: Annotated[
        bool,
        typer.Option(
            "--dynamics",
            help="Write the training dynamics of all training rows as allenai/cartography reads "
            "them, and no subset.",
        ),
    ] = False,
    reviews: Annotated[
        bool,
        typer.Option(
            "--reviews",
            help="Apply what reviewers decided: dropped rows go, relabelled ones change.",
        ),
    ] = False,
    review_version: ReviewVersion = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export in that folder.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the manifest of the export as JSON.")
    ] = False,
    *,
    given: dict[str, object],
) -> None:
    """Write a curated subset of a run's dataset.

    The folder holds the kept rows, the removed rows with their scores, a datasheet for people, and
    a manifest with the settings, the counts by class, the checksums and the command that repeats
    the export.

    Named selections go first, the fraction counts over the rows that they leave to decide, and
    decisions of reviewers come last: a row that they drop leaves whatever keeps it.
    """
    from influence_core.exporting import Place, export_curated
    from influence_core.selection.curate import curate
    from influence_core.store.review import Reviews

    run = open_run(name)
    if dynamics:
        _export_dynamics(run, destination, overwrite, given)
        return
    curation = validated(CurationSettings, chosen(CurationSettings, given))
    if curation.only_selection:
        given.setdefault("fraction", 0.0)
    settings = validated(SelectionSettings, chosen(SelectionSettings, given))
    curated = curate(run, settings, curation)
    if reviews and review_version is None:
        review_version = Reviews(run).version()
    with reporting() as shown:
        finished = export_curated(
            run,
            curated,
            Place(destination, format, overwrite),
            review_version=review_version,
            progress=Progress(shown),
        )
    if as_json:
        print_json(finished.manifest.model_dump(mode="json"))
    else:
        _print_balance(finished.manifest, finished.folder)


def _export_dynamics(
    run: Run, destination: Path, overwrite: bool, given: dict[str, object]
) -> None:
    from influence_core.exchange.cartography_export import export_dynamics

    if given:
        raise ConfigError(rule("dynamics", "be asked for without a subset", sorted(given)))
    with reporting() as shown:
        folder = export_dynamics(run, destination, overwrite=overwrite, progress=Progress(shown))
    output().print(plain(f"Training dynamics in {folder}"))


def _print_balance(manifest: ExportManifest, folder: Path) -> None:
    """Print what every class keeps, those that lose most first."""
    console = output()
    before, after = manifest.train_before, manifest.train_after
    hit = sorted(before, key=lambda label: (after[label] / max(before[label], 1), label))
    listed = table("label", "before#", "after#", "kept#")
    rows = (
        (label, f"{before[label]:,}", f"{after[label]:,}", _share(after[label], before[label]))
        for label in hit[:CLASSES_SHOWN]
    )
    console.print(fill(listed, rows))
    if len(hit) > CLASSES_SHOWN:
        console.print(f"... and {len(hit) - CLASSES_SHOWN} classes that keep more")
    total, kept = sum(before.values()), sum(after.values())
    console.print(f"{kept:,} of {total:,} training rows kept, {total - kept:,} removed.")
    for one in manifest.selections:
        console.print(plain(f"{_USES[one.use]} selection {one.name}: {one.rows:,} training rows"))
    if manifest.reviews is not None:
        print_reviews(manifest.reviews)
    console.print(plain(f"Files in {folder}"))


_USES = {"keep": "Kept at any rate,", "drop": "Removed at any rate,", "only": "Started from"}


def print_reviews(facts: ReviewFacts) -> None:
    """Print how many decisions were applied, and whose they are."""
    counted = ", ".join(f"{action} {rows:,}" for action, rows in facts.rows.items())
    people = ", ".join(f"{name} {rows:,}" for name, rows in facts.reviewers.items())
    output().print(
        plain(f"Reviews, version {facts.version}: {counted or 'none'}; by {people or 'nobody'}")
    )


def _share(after: int, before: int) -> str:
    """Tell what is left of a class; one that only reviewers gave rows has no share."""
    return f"{after / before:.1%}" if before else "-"
