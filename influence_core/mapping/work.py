"""The work on a run's map: planned, begun, gone on with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from influence_core.access import must_be_writable
from influence_core.errors import RunError
from influence_core.mapping.embedding import Floats, embed
from influence_core.mapping.settings import MapSettings
from influence_core.progress import Listener
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from influence_core.store.state import dataset_of, require_finished
from influence_core.store.workplace import WorkManifest, Workplace, new_version, now
from influence_core.training.untuned import untuned_features, untuned_file
from influence_core.working import working

FACTS = b"map"
"""Key of what `map.parquet` says of itself: the settings that it was made with."""


class MapManifest(WorkManifest):
    """The contents of `map/map.json`."""

    settings: MapSettings = MapSettings()


@dataclass(frozen=True)
class MapWork(Workplace[MapManifest]):
    """The work on a run's map, `map/` in the run's folder; the map itself is `map.parquet`.

    The run's own manifest never changes for it: a run without a map is complete.
    """

    @classmethod
    def of(cls, run: Run) -> MapWork:
        """Return the handle of a run; the folder need not be there."""
        return cls(run.path / "map")

    @property
    def run(self) -> Run:
        """The run that is mapped."""
        return Run(self.path.parent)

    @property
    def manifest_file(self) -> Path:
        """`map.json`."""
        return self.path / "map.json"

    @property
    def manifest_type(self) -> type[MapManifest]:
        """What `map.json` holds."""
        return MapManifest

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"The map of run {self.run.name!r}"

    @property
    def root(self) -> Path:
        """The folder of runs that its run lies in."""
        return self.run.root

    @property
    def address(self) -> tuple[str, ...]:
        """Arguments by which a worker finds it."""
        return (self.run.name, "--map", "--root", str(self.root))


def can_be_mapped(run: Run) -> bool:
    """Say whether a run has features of an encoder, or can compute them."""
    return untuned_file(run).exists() or run.manifest().settings.origin == "finetune"


def make_map(
    run: Run, settings: MapSettings | None = None, *, listeners: Iterable[Listener] = ()
) -> MapWork:
    """Lay the examples of a run out in a plane, and write `map.parquet`: row, x, y.

    The features are those of the encoder before it saw a label, as a probe keeps them; for a
    fine-tuned run they are computed the first time. All splits are mapped. An earlier map stays
    until the new one is there.

    Args:
        run: a run that has read its data.
        settings: how the map is laid out.
        listeners: called with every progress event.

    Raises:
        RunError: the run is not finished, or has no encoder of its own.
        DataError: there are too few rows, or they are all alike.
        RunBusy: another process works on the map.
    """
    return resume_map(plan_map(run, settings), listeners=listeners)


def plan_map(run: Run, settings: MapSettings | None = None) -> MapWork:
    """Check that a map can be made, and make the folder of the work, for `resume_map` to begin.

    Raises:
        RunError: the run is not finished, or has no encoder of its own.
        RunBusy: another process works on the map.
        ReadOnly: nothing may be written.
    """
    must_be_writable(f"map run {run.name!r}")
    require_finished(run)
    dataset_of(run)
    if not can_be_mapped(run):
        raise RunError(
            f"Run {run.name!r} has no features of an encoder, which a map is made of: its scores "
            "were computed elsewhere, or a probe of it has not come so far."
        )
    work = MapWork.of(run)
    work.path.mkdir(exist_ok=True)
    with work.lock():
        work.empty()
        work.write(
            MapManifest(
                name=work.name,
                created=now(),
                content_version=new_version(),
                settings=settings or MapSettings(),
            )
        )
    return work


def resume_map(work: MapWork, *, listeners: Iterable[Listener] = ()) -> MapWork:
    """Make a map that was planned or stopped; a finished one is returned as it is.

    Raises:
        RunBusy: another process works on it.
    """
    with working(work, listeners) as progress:
        manifest = work.manifest()
        if manifest.status == "complete":
            return work
        features = untuned_features(work.run, progress)
        if features is None:
            raise RunError(f"The features of run {work.run.name!r} are gone; run it again.")
        _write(work.run, embed(features, manifest.settings, progress), manifest.settings)
    return work


def _write(run: Run, coordinates: Floats, settings: MapSettings) -> None:
    import pyarrow as pa

    table = pa.table(
        {"row": np.arange(len(coordinates)), "x": coordinates[:, 0], "y": coordinates[:, 1]}
    )
    metadata = {FACTS: settings.model_dump_json().encode()}
    write_parquet(run.map_file, table.replace_schema_metadata(metadata))
