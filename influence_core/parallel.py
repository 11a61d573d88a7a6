"""The same work on many items, in one process, in several, or on a cluster.

joblib's own `Parallel` is not used: between two results it listens to nobody, so that a work of
minutes could not be cancelled, and over ray it hands items to workers in turn, busy or not. Its
executor, loky, is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, TypeVar

from influence_core.config import ComputeSettings
from influence_core.errors import InfluenceError, WorkError
from influence_core.pools import Pool, Work, open_pool
from influence_core.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    items: Iterable[Item],
    prepare: Callable[[], Work],
    keep: Callable[[Item, Result], None],
    compute: ComputeSettings,
    progress: Progress,
    name: Callable[[Item], str] = str,
) -> None:
    """Do the same work on every item and keep what comes of it, in whatever order it comes.

    Every process calls `prepare` once, as to load a model, and then the work it returns for one
    item after the other. `keep` is called in this process alone, one result at a time: workers
    write nothing, so a worker whose parent was killed can do no harm. What the work counts on its
    progress, and what it says, is told here once its item is finished; at once where there is one
    process.

    `prepare`, items and results travel by pickle between processes of one trust. An item that
    fails is tried once more, on its own; an `InfluenceError`, which no second attempt mends, is
    raised as it is. A listener that raises `Cancelled` stops all workers.

    Args:
        name: words an item in an error.

    Raises:
        WorkError: an item failed twice, or its worker died twice.
    """
    if compute.workers == 1:
        _in_turn(items, prepare, keep, progress, name)
    else:
        pool = open_pool(compute, prepare)
        _Crew(items, pool, keep, compute.workers, progress, name).work()


@dataclass(frozen=True)
class _Task(Generic[Item]):
    """An item to work on; `failed` after its first attempt."""

    item: Item
    name: str
    failed: bool = False

    def again(self, error: Exception, progress: Progress) -> _Task[Item]:
        """Return the task of the second attempt, and say why there is one.

        Raises:
            WorkError: this was the second.
        """
        cause = f"{type(error).__name__}: {error}"
        if self.failed:
            raise WorkError(f"{self.name} failed twice: {cause}") from error
        progress.message(f"{self.name} failed and is tried once more: {cause}")
        return replace(self, failed=True)


def _in_turn(
    items: Iterable[Item],
    prepare: Callable[[], Work],
    keep: Callable[[Item, Result], None],
    progress: Progress,
    name: Callable[[Item], str],
) -> None:
    prepared = cache(prepare)
    for item in items:
        task, before = _Task(item, name(item)), progress.done
        while True:
            try:
                result = prepared()(item, progress)
                break
            except InfluenceError:
                raise
            except Exception as error:
                task = task.again(error, progress)
                progress.advance(before - progress.done)
        keep(item, result)


class _Crew(Generic[Item, Result]):
    """Keeps the workers of a pool busy."""

    def __init__(
        self,
        items: Iterable[Item],
        pool: Pool,
        keep: Callable[[Item, Result], None],
        workers: int,
        progress: Progress,
        name: Callable[[Item], str],
    ) -> None:
        self._fresh = (_Task(item, name(item)) for item in items)
        self._again: deque[_Task[Item]] = deque()
        self._flying: dict[Any, _Task[Item]] = {}
        self._told: set[str] = set()
        self._pool, self._keep = pool, keep
        self._workers, self._progress = workers, progress

    def work(self) -> None:
        """Work until no item is left."""
        try:
            self._launch()
            while self._flying:
                for handle in self._pool.finished(self._flying):
                    self._land(handle, self._flying.pop(handle))
                self._progress.advance(0)
                self._launch()
        finally:
            self._pool.close(self._flying)

    def _launch(self) -> None:
        """Give every worker an item.

        A second attempt waits until it is alone: where a worker dies, it is clear by which item,
        and where memory was short, there is more of it.
        """
        if self._again:
            if not self._flying:
                self._submit(self._again.popleft())
            return
        while len(self._flying) < self._workers and (task := next(self._fresh, None)):
            self._submit(task)

    def _submit(self, task: _Task[Item]) -> None:
        self._flying[self._pool.submit(task.item)] = task

    def _land(self, handle: Any, task: _Task[Item]) -> None:
        try:
            done = self._pool.result(handle)
        except InfluenceError:
            raise
        except Exception as error:
            self._again.append(task.again(error, self._progress))
            return
        self._keep(task.item, done.result)
        self._progress.advance(done.counted)
        for text in done.said:
            self._say(text)

    def _say(self, text: str) -> None:
        """Tell what a worker said, once: all of them say the same."""
        if text not in self._told:
            self._told.add(text)
            self._progress.message(text)
