"""Service containers in the notation of other systems."""

import re
import shlex
from collections.abc import Iterable
from typing import Any

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def health_of_options(options: str) -> tuple[dict[str, Any], list[str]]:
    """The health check in options of `docker create`, and the remaining options."""
    try:
        words = shlex.split(options)
    except ValueError:
        return {}, [options]
    given, rest = {}, []
    position = 0
    while position < len(words):
        name, equals, value = words[position].partition("=")
        position += 1
        if name.startswith("--health-") and not equals and position < len(words):
            value = words[position]
            position += 1
        if name.startswith("--health-"):
            given[name[9:]] = value
        else:
            rest.append(name + equals + value)
    if "cmd" not in given:
        return {}, rest
    interval = min(max(round(_seconds(given.get("interval", "30s"))), 1), 300)
    retries = int(given["retries"]) if given.get("retries", "").isdigit() else 3
    start = _seconds(given.get("start-period", "0s"))
    health = {"command": ["sh", "-c", given["cmd"]], "interval": interval}
    return health | {"timeout": min(max(round(start + interval * retries), interval, 1), 3600)}, rest


def is_image(text: str) -> bool:
    """Whether a text is the name of an image, or has expressions, so that only a run knows it.

    >>> is_image("postgres:16"), is_image("golang:${{ matrix.go }}"), is_image("my image")
    (True, True, False)
    """
    return "${{" in text or _IMAGE.fullmatch(text) is not None


def ports(entries: Iterable[str]) -> list[int]:
    """The containers' own ports of `host:container/protocol`."""
    found = []
    for entry in entries:
        match = re.search(r"(\d+)(?:/(?:tcp|udp))?$", entry)
        if match and 0 < int(match[1]) < 65536:
            found.append(int(match[1]))
    return list(dict.fromkeys(found))[:20]


def service_name(text: str) -> str:
    """A host name.

    >>> service_name("registry.example.org/library/postgres:16")
    'postgres'
    """
    base = text.rpartition("/")[2].partition(":")[0].partition("@")[0].lower()
    name = re.sub(r"[^a-z0-9-]+", "-", base).strip("-")
    return (name if name[:1].isalpha() else f"s-{name}".rstrip("-"))[:63]


def _seconds(text: str) -> float:
    parts = re.findall(r"([\d.]+)(ns|us|ms|s|m|h)", text)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
