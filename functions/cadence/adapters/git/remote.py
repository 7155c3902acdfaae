"""A repository that is open for reading, and the commits in what was fetched of it."""

import re
from collections.abc import Sequence
from typing import Protocol

from dulwich.object_store import BaseObjectStore
from dulwich.objects import Commit, ObjectID, Tag

from cadence.domain.shared.errors import NotFound

_COMMIT = re.compile(r"[0-9a-f]{40}")


class RemoteRepository(Protocol):
    """A repository on a server. What was fetched is in `store`."""

    store: BaseObjectStore

    def head(self) -> ObjectID:
        """Returns the default branch's commit. Raises NotFound."""

    def tag(self, ref: bytes) -> ObjectID | None:
        """Returns the commit that a tag names, or the object of an annotated tag; None if there is no such tag."""

    def fetch(self, wanted: Sequence[ObjectID], *, depth: int | None, without: bytes) -> None:
        """Fetches objects. `without` is a filter of git's, for servers that know it; others send everything."""


def commit_id(text: str) -> ObjectID:
    """Returns the id of a commit. Raises NotFound for a text that is none."""
    if not _COMMIT.fullmatch(text):
        raise NotFound(f"{text[:60]!r} is no commit: it has to have 40 hexadecimal digits.")
    return ObjectID(text.encode())


def commit_of(store: BaseObjectStore, name: ObjectID) -> Commit:
    """Returns the commit itself, or the one that a tag of this id names. Raises NotFound."""
    target = store[name]
    while isinstance(target, Tag):
        target = store[target.object[1]]
    if not isinstance(target, Commit):
        raise NotFound(f"{name.decode()} is not a commit.")
    return target
