"""Leave to upload the chunks of an output, which ends with the URLs that carry it."""

from __future__ import annotations

from typing import NamedTuple

from ..shared.errors import AgentError

#: Expired URLs in a row before the upload fails.
MOST_EXPIRED = 5


class Grant(NamedTuple):
    """Leave to upload one chunk. ``generation`` is the number of times that URLs had expired when it was issued."""

    url: str
    headers: dict[str, str]
    generation: int


class Expiries:
    """The times that URLs of an output expired: those that expire together count once."""

    def __init__(self, output: str) -> None:
        self.count = 0
        self._output = output
        self._in_a_row = 0

    def add(self, expired: Grant) -> bool:
        """Returns whether this is the first of those that expire together, and the others are to be forgotten.

        Raises AgentError if those issued since expire, too, again and again.
        """
        if expired.generation < self.count:
            return False  # another uploader met this expiry, and newer URLs may be here
        self.count += 1
        self._in_a_row += 1
        if self._in_a_row > MOST_EXPIRED:
            raise AgentError(
                f"output {self._output} cannot be uploaded: the store refuses every URL that the gateway issues"
            )
        return True

    def end(self) -> None:
        """Notes that an upload succeeded."""
        self._in_a_row = 0
