"""Work at a place from its beginning to its end, whatever that end is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from influence_core.config import ComputeSettings
from influence_core.errors import Cancelled, InfluenceError, RunBusy, RunError
from influence_core.pools import require_backend
from influence_core.progress import Listener, Progress
from influence_core.store.experiments import RunExperiment
from influence_core.store.files import discard, disk_refusal, sweep
from influence_core.store.journal import Journal, clear_stop
from influence_core.store.workplace import Workplace

Place = TypeVar("Place", bound=RunExperiment[Any])


def completed(
    experiment: Place,
    do: Callable[[Place, ComputeSettings, Progress], None],
    compute: ComputeSettings | None = None,
    listeners: Iterable[Listener] = (),
) -> Place:
    """Return an experiment that is complete, having done what is left of it.

    Its work is divided as it was before, unless `compute` says how.

    Raises:
        RunBusy: another process works on it.
        ConfigError: the backend is not installed.
    """
    with working(experiment, listeners) as progress:
        manifest = experiment.manifest()
        if manifest.status != "complete":
            division = compute or manifest.compute
            require_backend(division)
            do(experiment, division, progress)
    return experiment


@contextmanager
def working(
    place: Workplace[Any], listeners: Iterable[Listener] = (), **changes: object
) -> Iterator[Progress]:
    """Hold the lock of a place, keep its log, and let its manifest say how the work ends.

    What an earlier process left unfinished is swept away first, and the private folder when the
    work is complete. `changes` are written to the manifest at the beginning. Where the work is
    complete already, nothing is written: the block finds that out from the manifest.

    Raises:
        RunBusy: another process works there.
        RunError: the disk takes no more.
    """
    with place.lock(), full_disk_told(place):
        if place.manifest().status == "complete":
            discard(place.private_folder)
            yield Progress(*listeners)
            return
        journal = Journal(place)
        sweep(place.path)
        place.update(status="running", error="", **changes)
        try:
            yield Progress(journal, *listeners)
        except (Cancelled, KeyboardInterrupt):
            place.update(status="cancelled")
            raise
        except RunBusy:
            raise
        except Exception as error:
            place.update(status="failed", error=_worded(error))
            raise
        finally:
            clear_stop(place)
        place.update(status="complete")
        discard(place.private_folder)


@contextmanager
def full_disk_told(place: Workplace[Any]) -> Iterator[None]:
    """Word the refusal of a full disk, which every library words in its own way."""
    try:
        yield
    except InfluenceError:
        raise
    except Exception as error:
        refusal = disk_refusal(error)
        if refusal is None:
            raise
        raise RunError(
            f"{place.title}: its folder takes no more: {refusal}. Make room, then resume; "
            "what is finished is kept."
        ) from error


def _worded(error: Exception) -> str:
    if isinstance(error, InfluenceError):
        return str(error)
    return f"{type(error).__name__}: {error}"
