"""Commands of the noise lab: `noise` finds wrong labels, `flip` makes some on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli.frames import records
from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.reviewed import print_review_figures, review_figures
from influence_core.cli.terminal import (
    excerpt,
    fill,
    output,
    plain,
    print_json,
    reporting,
    table,
)
from influence_core.config import validated
from influence_core.noise.settings import FlipSettings
from influence_core.progress import Progress
from influence_core.store.run import Run, open_run

if TYPE_CHECKING:
    from influence_core.noise.measure import Detection
    from influence_core.noise.table import NoiseFacts, NoiseReport


def noise(
    name: RunName,
    top: Annotated[int, typer.Option(min=1, max=1000, help="Rows that are shown.")] = 20,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Input column that says which labels are wrong; 'flipped' or 'label_is_wrong' by "
            "default. With it every score and detector is measured.",
        ),
    ] = None,
    reviewed: Annotated[
        bool,
        typer.Option(
            "--reviewed",
            help="Show also what reviewers decided, and how many of the labels that they looked at "
            "were wrong.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the training rows whose label is most likely wrong, and why.

    Detectors look at the training, at models that did not learn from the row, and at the most
    similar rows, as far as the run has what they need; their consensus ranks the rows. The result
    lies in `noise.parquet`.
    """
    from influence_core.noise.known import detections, known_wrong
    from influence_core.noise.table import find_noise

    run = open_run(name)
    with reporting() as shown:
        report = find_noise(run, progress=Progress(shown))
    wrong = known_wrong(run, truth)
    measured = dict(detections(run, wrong)) if wrong is not None and wrong.any() else {}
    rows = list(_rows(run, report, top))
    if as_json:
        figures = {key: _figures(one) for key, one in measured.items()}
        told = {"reviewed": review_figures(run, report)} if reviewed else {}
        facts = report.facts.model_dump(mode="json")
        print_json({**facts, "rows": rows, "measured": figures, **told})
        return
    _print_facts(report.facts, len(report.table))
    _print_rows(rows)
    _print_measured(measured)
    if reviewed:
        print_review_figures(review_figures(run, report))


@with_settings(FlipSettings)
def flip(
    name: RunName,
    destination: Annotated[
        Path, typer.Argument(help="New file, .parquet, .jsonl or .csv, for the flipped data.")
    ],
    as_json: AsJson = False,
    *,
    given: dict[str, object],
) -> None:
    """Write a copy of a run's data with some training labels wrong on purpose.

    Columns `flipped` and `label_before` tell the truth, also beside a run that is made from the
    file, so that everything that looks for wrong labels can be measured.
    """
    from influence_core.noise.flipping import flip as flipped

    settings = validated(FlipSettings, chosen(FlipSettings, given))
    with reporting() as shown:
        made = flipped(open_run(name), destination, settings, Progress(shown))
    facts = made.manifest
    if as_json:
        print_json({"path": str(made.path), **facts.model_dump(mode="json")})
        return
    console = output()
    console.print(
        f"{facts.drawn:,} of {facts.train_rows:,} training labels drawn anew, {facts.wrong:,} of "
        f"them wrong now: {facts.wrong_share:.2%} of the training rows."
    )
    console.print(plain(f"Data in {made.path}"))


def _rows(run: Run, report: NoiseReport, top: int) -> Iterator[dict[Any, Any]]:
    shown = report.table.head(top)
    texts = run.examples(["text", "text_pair"]).loc[shown["row"]]
    wanted = shown[["rank", "id", "consensus", "label", "suggested", "confidence"]]
    pairs = zip(records(wanted), records(texts), strict=True)
    for place, (row, text) in enumerate(pairs):
        yield {**row, "why": dict(report.why(place)), **text}


def _print_facts(facts: NoiseFacts, rows: int) -> None:
    console = output()
    console.print(plain(f"detectors  {', '.join(facts.detectors)}"))
    for key, needs in facts.missing.items():
        console.print(plain(f"  without {key}: it needs {needs}"))
    if facts.wrong is not None:
        share = facts.wrong
        console.print(
            f"wrong      about {share.share:.1%} of the labels ({round(share.share * rows):,} of "
            f"{rows:,}), between {share.low:.1%} and {share.high:.1%}"
        )


def _print_rows(rows: list[dict[Any, Any]]) -> None:
    listed = table("rank#", "suspicion#", "label", "suggested", "flagged by", "id", "text")
    cells = (
        (
            row["rank"],
            f"{row['consensus']:.4f}",
            row["label"],
            "-" if row["suggested"] is None else f"{row['suggested']} ({row['confidence']:.0%})",
            ", ".join(row["why"]) or "-",
            row["id"],
            excerpt(row["text"], row["text_pair"]),
        )
        for row in rows
    )
    output().print(fill(listed, cells))


def _print_measured(measured: dict[str, Detection]) -> None:
    """Print what every score and detector finds of the labels that are known to be wrong."""
    if not measured:
        return
    one = next(iter(measured.values()))
    console = output()
    console.print(
        f"\n{one.wrong:,} of {one.rows:,} labels are known to be wrong; of the {one.k:,} most "
        f"suspicious by chance {one.wrong / one.rows:.1%} are, an overlap of "
        f"{one.by_chance.mean:.3f}, at most {one.by_chance.high:.3f}"
    )
    listed = table("", "average precision#", "precision#", "recall#", "overlap#", "")
    rows = (
        (
            key,
            f"{each.average_precision:.4f}",
            f"{each.precision:.4f}",
            f"{each.recall:.4f}",
            f"{each.overlap:.4f}",
            "" if each.above_chance else "at chance",
        )
        for key, each in measured.items()
    )
    console.print(fill(listed, rows))


def _figures(one: Detection) -> dict[str, Any]:
    return {**asdict(one), "above_chance": one.above_chance}
