"""Commands that look: `runs`, `show`, `scores`; and `cancel` and `delete`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from influence_core import jobs
from influence_core.cli.frames import records
from influence_core.cli.summary import print_summary, run_facts
from influence_core.cli.terminal import errors, excerpt, fill, output, plain, print_json, table
from influence_core.errors import RunError
from influence_core.scores.registry import SCORES, ScoreSpec, spec, spec_of
from influence_core.store.run import Run, list_runs, open_run, runs_root

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Name of the run.")]


def runs(as_json: AsJson = False) -> None:
    """List the runs."""
    found = list_runs()
    if as_json:
        print_json([_row(run) for run in found])
        return
    if not found:
        errors().print(f"No runs in {plain(runs_root())} yet; `influence demo` makes one.")
        return
    listed = table("name", "state", "mode", "rows#", "classes#", "accuracy#", "made")
    output().print(fill(listed, (_cells(_row(run)) for run in found)))


def show(
    name: RunName,
    score: Annotated[
        str | None, typer.Option(help="Score that orders the examples; the run's first by default.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Only examples of this label.")] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="Examples of each end.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show what a run found: figures, and its hardest and easiest examples."""
    from influence_core.cli.agreement import agreement_facts, print_agreement

    run = open_run(name)
    manifest = run.manifest()
    if label is not None:
        _check_label(run, label)
    key = spec_of(manifest, score).key if score else next(iter(manifest.scores), None)
    ends = {end: _examples(run, key, end, label, top) for end in ("hardest", "easiest") if key}
    if as_json:
        print_json({**run_facts(run), "agreement": agreement_facts(run), **ends})
        return
    print_summary(run, output())
    for finding in manifest.dataset.findings if manifest.dataset else ():
        output().print(plain(f"  {finding.level:<9} {finding.message}"))
    for end, examples in ends.items():
        output().print(f"\n{end} by {key}")
        output().print(_example_table(str(key), examples))
    print_agreement(run, output())


def scores(
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="SCORE", help="Only these scores.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the scores and how to read them."""
    entries = [spec(key) for key in keys or SCORES]
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    rows = (row for entry in entries for row in _score_page(entry))
    output().print(fill(table("score", "", ""), rows))


def cancel(name: RunName) -> None:
    """Stop the background job of a run, or take it out of the queue."""
    run = open_run(name)
    if not jobs.cancel(run):
        raise RunError(f"Nothing works on run {name!r}; its state is {jobs.status(run).state!r}.")
    output().print(plain(f"{name}: asked to stop at its next step."))


def delete(
    name: RunName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a run with everything in it."""
    run = open_run(name)
    question = f"Delete {run.path} with its scores, model and reviews?"
    if not yes and not typer.confirm(plain(question), err=True):
        raise RunError(f"Run {name!r} was not deleted.")
    run.delete()


def _score_page(entry: ScoreSpec) -> Iterator[tuple[str, str, str]]:
    """Say everything about a score, a line a fact."""
    low = "−∞" if entry.minimum is None else f"{entry.minimum:.4g}"
    high = "∞" if entry.maximum is None else f"{entry.maximum:.4g}"
    yield entry.key, entry.label, entry.summary
    yield "", "formula", entry.formula
    yield "", "shape", entry.shape
    yield "", "unit, range", f"{entry.unit}, from {low} to {high}"
    yield "", "hard end", entry.hard
    yield "", "suspicious end", entry.suspicious or "none: it does not tell wrong labels"
    yield "", "modes, needs", f"{', '.join(entry.modes)}; {entry.needs.replace('_', ' ')}"
    yield "", "cost", entry.cost
    yield "", "source", entry.reference
    yield "", "", ""


def _row(run: Run) -> dict[str, Any]:
    """Return the key figures of a run; one that cannot be read says why."""
    try:
        manifest = run.manifest()
    except RunError as error:
        return {"name": run.name, "path": str(run.path), "state": "unreadable", "error": str(error)}
    dataset = manifest.dataset
    return {
        "name": run.name,
        "path": str(run.path),
        "state": jobs.status(run).state,
        "error": manifest.error,
        "mode": manifest.settings.origin,
        "encoder": manifest.settings.model.encoder,
        "source": manifest.settings.data.source,
        "rows": dataset.rows if dataset else None,
        "classes": len(dataset.label_names) if dataset else None,
        "scores": list(manifest.scores),
        "metrics": manifest.metrics,
        "created": manifest.created,
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    metrics = row.get("metrics") or {}
    held_out = metrics.get("test") or metrics.get("validation") or {}
    counts = (f"{row[name]:,}" if row.get(name) is not None else "-" for name in _COUNTS)
    accuracy = f"{held_out['accuracy']:.4f}" if "accuracy" in held_out else "-"
    return (row["name"], row["state"], row.get("mode", "-"), *counts, accuracy, _made(row))


_COUNTS = ("rows", "classes")


def _made(row: dict[str, Any]) -> str:
    return str(row.get("created", "-"))[:16].replace("T", " ")


def _check_label(run: Run, label: str) -> None:
    dataset = run.manifest().dataset
    if dataset is not None and label not in dataset.label_names:
        known = ", ".join(dataset.label_names[:20])
        raise RunError(f"Run {run.name!r} has no label {label!r}; its labels begin {known}.")


def _examples(
    run: Run, key: str | None, end: Any, label: str | None, top: int
) -> list[dict[str, Any]]:
    from influence_core.store.query import ExampleQuery
    from influence_core.store.rows import page

    query = ExampleQuery(
        score=key, order=end, labels=(label,) if label is not None else (), scored_only=True
    )
    wanted = ["row", "id", "label", "predicted", key, f"{key}_rank", "text", "text_pair"]
    frame = page(run, query, size=top)
    return records(frame[[name for name in wanted if name in frame]])


def _example_table(key: str, examples: list[dict[str, Any]]) -> Any:
    listed = table(f"{key}#", "rank#", "label", "predicted", "text")
    rows = (
        (
            "-" if (value := example[key]) is None else f"{value:.4g}",
            example[f"{key}_rank"],
            example["label"],
            example.get("predicted") or "-",
            excerpt(example["text"], example.get("text_pair")),
        )
        for example in examples
    )
    return fill(listed, rows)
