"""Addresses of this machine, in the headers of requests to the local stack."""

from functools import lru_cache
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@lru_cache(256)  # the same few names come with every request
def is_here(address: str) -> bool:
    """Whether an address with its scheme, or one that begins with `//`, names this machine itself."""
    try:
        name = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return name in _LOOPBACK or name.endswith(".localhost")
