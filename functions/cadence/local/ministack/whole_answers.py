"""Sends the head of an answer together with its body, for MiniStack, whose server writes one after the other, so that
each call of a service costs two writes to its connection and wakes the caller twice.
"""

from typing import Any

import h11
from hypercorn.events import RawData
from hypercorn.protocol.h11 import H11Protocol

MOST_BYTES = 64 << 10
"""The longest body that is copied behind its head."""

_LENGTH = b"content-length"
_HEAD = "_head_to_send"


def install() -> None:
    """Lets MiniStack's server write answers of a known length in this way; the others may take their time."""
    protocol: Any = H11Protocol
    protocol._send_h11_event = send_event  # noqa: SLF001 (no public way)


async def send_event(self: Any, event: Any) -> None:
    """Replaces the method of a connection that sends a part of an answer: its head, a piece of its body or its end."""
    try:
        data = self.connection.send(event)
    except h11.LocalProtocolError:
        if self.connection.their_state != h11.ERROR:
            raise
        return
    if isinstance(event, h11.Response) and any(name == _LENGTH for name, _ in event.headers):
        setattr(self, _HEAD, data)
        return
    head = self.__dict__.pop(_HEAD, b"")
    if head and len(data) > MOST_BYTES:
        await self.send(RawData(data=head))
        head = b""
    if head or data:
        await self.send(RawData(data=head + data if head else data))
