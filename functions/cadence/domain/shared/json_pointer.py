"""JSON Pointers (RFC 6901)."""

from collections.abc import Iterable


def pointer(steps: Iterable[str | int]) -> str:
    """Returns the JSON Pointer (RFC 6901) of a path of keys and indexes."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
