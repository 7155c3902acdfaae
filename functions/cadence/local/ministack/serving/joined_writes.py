"""Sends what is written in one turn of the event loop with one system call.

An answer is written as a head and a body. Each system call lets the threads that run executions and poll streams go
first, so that a second one can cost the event loop more time than the whole request.
"""

import asyncio
from typing import Any

LONGEST_JOINED = 64 << 10
"""Bytes that wait for the end of a turn at most; more are sent at once, and never copied."""


class JoinedWrites:
    """A transport over another one."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > LONGEST_JOINED:
            self._flush()
            self._transport.write(data)
            return
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def close(self) -> None:
        """Closes the connection once everything is sent."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        waiting, self._waiting, self._size = self._waiting, [], 0
        if waiting:
            self._transport.write(waiting[0] if len(waiting) == 1 else b"".join(waiting))
