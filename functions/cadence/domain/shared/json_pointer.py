"""Where in a JSON value something is (RFC 6901)."""

from collections.abc import Iterable


def pointer(steps: Iterable[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
