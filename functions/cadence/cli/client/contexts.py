"""Contexts: the installations that a user has signed in to, in a file that only the user can read."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

_FOLDER = Path(".config", "cadence")
_FILE = "contexts.json"


@dataclass(frozen=True)
class ConnectionContext:
    """One installation and organization, with the token of the last sign-in."""

    name: str
    url: str
    organization: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class StoredContexts:
    """All contexts by name, and the one in use."""

    contexts: Mapping[str, ConnectionContext]
    used: str | None = None

    @property
    def current(self) -> ConnectionContext | None:
        return self.contexts.get(self.used or "")


def contexts_file(environment: Mapping[str, str]) -> Path:
    """The file of contexts: `CADENCE_CONTEXTS`, or `~/.config/cadence/contexts.json`."""
    named = environment.get("CADENCE_CONTEXTS")
    return Path(named) if named else Path(environment.get("HOME", "/"), _FOLDER, _FILE)


def read_contexts(file: Path) -> StoredContexts:
    """The contexts of a file; none if it does not exist. Raises ValueError for a file that cannot be read."""
    try:
        stored = json.loads(file.read_text())
    except FileNotFoundError:
        return StoredContexts({})
    try:
        contexts = {one["name"]: ConnectionContext(**one) for one in stored["contexts"]}
        return StoredContexts(contexts, stored["used"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file} is no file of contexts: {error}") from None


def write_contexts(file: Path, stored: StoredContexts) -> None:
    """Replaces the file, readable for its owner only."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {"used": stored.used, "contexts": [asdict(context) for context in stored.contexts.values()]}
    part = file.with_suffix(f".{os.getpid()}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as output:
        json.dump(content, output, indent=2)
    part.replace(file)
