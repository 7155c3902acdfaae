"""HTTP to addresses that users chose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class OutgoingResponse:
    """`words` are the receiver's own, on one line and cut short; `retry_after` is what it asked for, in seconds."""

    status: int
    words: str = ""
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    @property
    def may_accept_later(self) -> bool:
        """Whether the same request is worth repeating: the fault is the receiver's, or of how it is set up."""
        return self.status in {401, 403, 404, 405, 407, 408, 425, 429} or self.status >= 500 or 300 <= self.status < 400


class Outgoing(Protocol):
    def check(self, url: str) -> None:
        """Raises InvalidRequest, with the reason in words, if nothing may be sent there as far as the address itself tells."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> OutgoingResponse:
        """Follows no redirect. Raises Transient if nobody answers, Forbidden if the name leads to where nothing may be sent."""
