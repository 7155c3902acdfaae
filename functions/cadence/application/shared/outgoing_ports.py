"""Ports for HTTP requests to addresses that users chose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class OutgoingResponse:
    """The response of a receiver.

    `words` are the receiver's own text, on one line and cut short; `retry_after` is the wait that it requested, in
    seconds.
    """

    status: int
    words: str = ""
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver answered with a status of 200 to 299."""
        return 200 <= self.status < 300

    @property
    def may_accept_later(self) -> bool:
        """Whether the same request is worth repeating, as the fault lies with the receiver or its settings."""
        return self.status in {401, 403, 404, 405, 407, 408, 425, 429} or self.status >= 500 or 300 <= self.status < 400


class Outgoing(Protocol):
    """Sends requests to addresses that users chose, unless the egress policy forbids them."""

    def check(self, url: str) -> None:
        """Raises InvalidRequest, with the reason, if the address itself shows that nothing may be sent there."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> OutgoingResponse:
        """Posts `body` to `url` without following redirects.

        Raises Transient if there is no answer, Forbidden if the name resolves to an address to which nothing may be
        sent.
        """
