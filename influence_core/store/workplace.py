"""A folder that one process at a time works on: its manifest, its lock, its log."""

from __future__ import annotations

import os
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from influence_core.access import must_be_writable
from influence_core.errors import RunBusy, RunError, RunNotFound
from influence_core.store.files import PARTIAL, discard, write_json

FORMAT = 1
"""Version of the folders' layout."""

LOCK = ".lock"

Status = Literal["created", "queued", "running", "complete", "failed", "cancelled"]


class WorkManifest(BaseModel):
    """What every manifest says: how the work stands.

    `content_version` changes with everything that is written to the folder: caches key on it.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    name: str
    created: str
    status: Status = "created"
    error: str = ""
    content_version: str = ""


Kept = TypeVar("Kept", bound=WorkManifest)


@dataclass(frozen=True)
class Workplace(ABC, Generic[Kept]):
    """A handle on such a folder. It holds no state: everything is read from the files."""

    path: Path

    @property
    @abstractmethod
    def manifest_file(self) -> Path:
        """The file of the manifest."""

    @property
    @abstractmethod
    def manifest_type(self) -> type[Kept]:
        """What the manifest holds."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What the place is called in messages, as `Run 'demo'`."""

    @property
    @abstractmethod
    def address(self) -> tuple[str, ...]:
        """Arguments by which `influence work` finds the place again."""

    @property
    @abstractmethod
    def root(self) -> Path:
        """The folder of runs that it belongs to."""

    @property
    def name(self) -> str:
        """Its name, which is the folder's."""
        return self.path.name

    @property
    def job_file(self) -> Path:
        """`job.json`: the process that works, or last worked, here."""
        return self.path / "job.json"

    @property
    def log_file(self) -> Path:
        """`log.jsonl`: one progress event a line."""
        return self.path / "log.jsonl"

    @property
    def private_folder(self) -> Path:
        """`.work/`: what is needed to go on after a stop; gone when the work is complete."""
        return self.path / ".work"

    def manifest(self) -> Kept:
        """Read the manifest."""
        try:
            return self.manifest_type.model_validate_json(self.manifest_file.read_bytes())
        except FileNotFoundError:
            raise RunNotFound(f"{self.title} is not in {str(self.path.parent)!r}.") from None
        except ValidationError as error:
            raise RunError(
                f"{self.manifest_file.name!r} of {self.name!r} cannot be read: "
                f"{error.error_count()} fields do not fit format {FORMAT}. It may come from "
                "another version."
            ) from error

    def write(self, manifest: Kept) -> None:
        """Write the manifest as it is.

        Raises:
            ReadOnly: nothing may be written.
        """
        must_be_writable(f"write to {in_words(self)}")
        write_json(self.manifest_file, manifest.model_dump(mode="json"))

    def update(self, **changes: Any) -> Kept:
        """Write changed fields of the manifest under a new content version, or the one given."""
        changed = {"content_version": new_version(), **changes}
        manifest = self.manifest().model_copy(update=changed)
        self.write(manifest)
        return manifest

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the place for this process; the system lets go of it when the process dies.

        Raises:
            RunBusy: another process holds it.
            ReadOnly: nothing may be written.
        """
        from filelock import FileLock, Timeout

        must_be_writable(f"work on {in_words(self)}")
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise busy(self) from None
        try:
            yield
        finally:
            lock.release()

    def held(self) -> bool:
        """Say whether a process holds the place; True where that cannot be told."""
        from filelock import FileLock

        if not (self.path / LOCK).exists():
            return False
        try:
            with FileLock(self.path / LOCK, blocking=False):
                return False
        except OSError:  # It is taken, or may not be opened.
            return True

    def empty(self) -> None:
        """Remove what lies in the folder, but for the lock that this process holds."""
        must_be_writable(f"empty {in_words(self)}")
        for path in self.path.iterdir():
            if path.name != LOCK:
                discard(path)

    def delete(self) -> None:
        """Remove the folder.

        Raises:
            RunBusy: a process works on it, or works or waits for its turn at a place below it.
            ReadOnly: nothing may be written.
        """
        must_be_writable(f"delete {in_words(self)}")
        with self.lock(), self._places_below():
            # Out of sight at once: a removal that is cut short must not leave half of it.
            gone = self.path.with_name(f"{PARTIAL}{uuid.uuid4().hex[:8]}-{self.name}")
            os.replace(self.path, gone)
        shutil.rmtree(gone)

    @contextmanager
    def _places_below(self) -> Iterator[None]:
        """Hold every place within the folder: a process holds the one where it works or waits."""
        from filelock import FileLock, Timeout

        with ExitStack() as held:
            for file in self.path.glob(f"*/**/{LOCK}"):
                try:
                    held.enter_context(FileLock(file, blocking=False))
                except Timeout:
                    raise RunBusy(
                        f"{self.title} has a job in {str(file.parent.relative_to(self.path))!r} "
                        "that works or waits for its turn; cancel it, or wait for it."
                    ) from None
            yield


def now() -> str:
    """Return the present moment in UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_version() -> str:
    """Return a content version that nothing else has."""
    return uuid.uuid4().hex[:12]


def in_words(place: Workplace[Any]) -> str:
    """Return what a place is called within a sentence, as `run 'demo'`."""
    return place.title[:1].lower() + place.title[1:]


def busy(place: Workplace[Any]) -> RunBusy:
    """Return the error that says that another process works there."""
    return RunBusy(
        f"{place.title} is being worked on by another process; "
        "wait for it, cancel it, or choose another name."
    )
