"""Talks to a dashboard as its page in a browser does, without the browser: what the server takes.

On one machine a browser draws on the same cores, and is told late what has come long ago.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

PATIENCE = 300
"""Seconds a turn may take before it counts as lost."""


class Answer(NamedTuple):
    """What the server sent for one turn: seconds until the last message, and the largest one."""

    seconds: float
    largest: int


@dataclass
class Talk:
    """A session of a dashboard, like one tab of a browser."""

    socket: Any

    @classmethod
    def to(cls, base: str) -> Self:
        """Begin a session with the server at an address."""
        from websockets.sync.client import connect

        address = f"{base.replace('http', 'ws', 1)}/_stcore/stream"
        return cls(connect(address, subprotocols=["streamlit"], max_size=None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def turn(self, address: str) -> Answer:
        """Go to an address of the dashboard, as a link does, and wait until it has answered."""
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        parts = urlsplit(address)
        message = BackMsg()
        message.rerun_script.query_string = parts.query
        message.rerun_script.page_name = parts.path
        message.rerun_script.is_history_navigation = True
        start, largest = time.perf_counter(), 0
        self.socket.send(message.SerializeToString())
        while True:
            told = self.socket.recv(timeout=PATIENCE)
            largest = max(largest, len(told))
            answer = ForwardMsg.FromString(told)
            if answer.WhichOneof("type") != "script_finished":
                continue
            if answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return Answer(time.perf_counter() - start, largest)
            if answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                raise RuntimeError(f"{address} ended in {answer.script_finished}.")
