"""The processes of a distributed training: the first leads, the others do what it orders.

`torchrun` and `accelerate launch` start the same command several times and tell each process its
rank. The leader alone owns the run folder; the others only train, on the files it wrote.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from influence_core.errors import RunError

PATIENCE = timedelta(days=30)
"""How long a process waits for another: a trace of the leader may take days."""


_alone: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Let this process work by itself within the block, whoever was launched beside it."""
    before = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(before)


def world_size() -> int:
    """Return how many processes train together; 1 outside of a distributed launch."""
    return 1 if _alone.get() else int(os.environ.get("WORLD_SIZE") or 1)


def leads() -> bool:
    """Say whether this process is the first of them, or the only one."""
    return _alone.get() or int(os.environ.get("RANK") or 0) == 0


@dataclass(frozen=True)
class Order:
    """What the leader asks for: to train the seed of a run; no seed says that the run is done."""

    run: Path
    seed: int | None = None


@contextmanager
def leading(run: Path) -> Iterator[None]:
    """Lead the other processes, if there are any, and dismiss them when the block is through.

    After an error they are cut off instead: one of them may be in the middle of a training.
    """
    with _joined():
        yield
        send(Order(run))


def send(order: Order) -> None:
    """Send an order to the other processes, if there are any."""
    if world_size() > 1:
        _broadcast(order)


def orders() -> Iterator[Order]:
    """Yield the leader's orders, that the run is done as the last.

    Raises:
        RunError: the leader is gone.
    """
    with _joined():
        done = False
        while not done:
            order = _received()
            done = order.seed is None
            yield order


def _received() -> Order:
    try:
        return _broadcast(None)
    except RuntimeError as error:
        raise RunError("The leading process has ended; its message says why.") from error


def _broadcast(order: Order | None) -> Order:
    import torch
    from torch import distributed

    box: list[Any] = [order]
    distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
    received: Order = box[0]
    return received


@contextmanager
def _joined() -> Iterator[None]:
    """Meet the other processes, and part from them at the end."""
    if world_size() == 1:
        yield
        return
    import torch
    from torch import distributed

    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()
