"""Answers about what has ended: clients may keep them, ask whether they still hold, and get them compressed."""

import gzip
import hashlib
from collections.abc import Mapping

# Below that, what compressing saves is less than what its encoding adds.
_SMALLEST = 1_000
# The quickest one: JSON of lines becomes a tenth either way.
_LEVEL = 1

KEPT = {"cache-control": "private, no-cache", "vary": "accept-encoding"}
"""Headers of these answers: nobody uses a kept one without asking, with the caller's own permissions."""


def etag_of(body: str) -> str:
    """Returns the weak tag of an answer: the same for the same content, whatever its encoding."""
    return f'W/"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def is_known(etag: str, headers: Mapping[str, str]) -> bool:
    """Whether the request (its headers' names in lower case) says that the client has the answer with this tag."""
    known = {one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")}
    return etag.removeprefix("W/") in known or "*" in known


def compressed(body: str, headers: Mapping[str, str]) -> bytes | None:
    """Returns the body as gzip; None if the client does not accept that, or it is too small to gain by it."""
    if len(body) < _SMALLEST or not _accepts_gzip(headers.get("accept-encoding", "")):
        return None
    return gzip.compress(body.encode(), _LEVEL, mtime=0)


def _accepts_gzip(header: str) -> bool:
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name == "gzip":
            return not any(one.replace(" ", "").strip("0.") == "q=" for one in parameters)
    return False
