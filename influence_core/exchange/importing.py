"""The stage of an imported run: from its files to scores, and what the manifest says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from influence_core.config import DataSettings, ImportKind, ImportSettings, RunSettings
from influence_core.data.findings import Report, failure
from influence_core.errors import RunError
from influence_core.exchange.cartography import epoch_files, import_dynamics
from influence_core.exchange.naming import ends_of
from influence_core.exchange.probabilities import import_probabilities, named_by_labels
from influence_core.exchange.staging import head_of
from influence_core.exchange.table import import_table
from influence_core.exchange.work import Brought, Work
from influence_core.progress import Progress
from influence_core.store.files import scratch
from influence_core.store.run import Run
from influence_core.store.state import dataset_of

_KINDS: dict[ImportKind, Callable[[Work], Brought]] = {
    "table": import_table,
    "dynamics": import_dynamics,
    "probabilities": import_probabilities,
}


def for_import(data: DataSettings, imported: ImportSettings) -> RunSettings:
    """Return the settings of a run of imported scores.

    Rows that no column gives a split are training rows: nothing is trained, so none is held out.
    """
    whole = data.model_copy(update={"validation_fraction": 0.0, "test_fraction": 0.0})
    return RunSettings(data=whole, imported=imported)


def check(settings: ImportSettings) -> None:
    """Refuse what could only fail later.

    Raises:
        DataError: there is nothing at the path.
        ConfigError: the hard ends cannot be read.
    """
    ends_of(settings.hard)
    if not Path(settings.path).exists():
        raise failure("source", f"There is no file or folder {settings.path!r}; check the path.")


def bring_in(run: Run, progress: Progress) -> None:
    """Import what the settings of a run name, once its examples are there.

    Raises:
        DataError: it does not fit the data; all problems are told at once, nothing is written.
    """
    settings, dataset = run.manifest().settings, dataset_of(run)
    if settings.imported is None:
        raise RunError(f"Run {run.name!r} names nothing to import.")
    report = Report()
    with scratch(run.private_folder / "import") as folder:
        work = Work(run, dataset, settings, settings.imported, folder, report, progress)
        brought = _KINDS[_kind(work)](work)
    for finding in report.findings:
        progress.message(finding.message)
    findings = (*dataset.findings, *report.findings)
    run.update(
        dataset=dataset.model_copy(update={"findings": findings}),
        scores=brought.scores,
        custom_scores=brought.custom,
        metrics=brought.metrics,
    )


def _kind(work: Work) -> ImportKind:
    """Tell what the path holds where the settings do not."""
    path = Path(work.imported.path)
    if work.imported.kind != "auto":
        return work.imported.kind
    if path.is_dir() and epoch_files(path):
        return "dynamics"
    if path.suffix.lower() == ".npy":
        return "probabilities"
    names = head_of(work.imported.path).column_names
    return "probabilities" if named_by_labels(names, work.dataset.label_names) else "table"
