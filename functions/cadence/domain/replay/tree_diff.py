"""Compares two trees of files (tar archives): which files were added, removed and changed."""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO, cast

from cadence.domain.replay.contrast import Difference, Form, contrast, kind_of_member, member_content
from cadence.domain.replay.pieces import ContentReader, peeked, upto

MOST_NAMES = 100
"""Names in each list; the rest is counted."""
MOST_MEMBERS = 50_000
"""Members of each archive that are read."""
_MAGIC_AT = 257


@dataclass(frozen=True, kw_only=True)
class TreeDiff:
    """The files that differ between two trees: at most `MOST_NAMES` of each kind, in order, and how many there are.

    With `whole`, both trees were read to their ends. Otherwise a file counts as added or removed only if the tree that
    lacks it was read to its end.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    counts: Mapping[str, int]
    whole: bool


@dataclass(frozen=True)
class _Tree:
    members: Mapping[str, str]
    whole: bool


def is_tree(content: Iterable[bytes]) -> bool:
    """Whether the content begins as a tar archive does."""
    head, _ = peeked(content, 512)
    return len(head) == 512 and head[_MAGIC_AT : _MAGIC_AT + 5] == b"ustar"


def tree_diff(then: Iterable[bytes], now: Iterable[bytes], most: int) -> TreeDiff:
    """Compares two archives, reading at most `most` bytes of each, in any order of their members.

    Directories count only where one side has none of that name or another kind of member.
    """
    old, new = _read(then, most), _read(now, most)
    added = sorted(new.members.keys() - old.members.keys()) if old.whole else []
    removed = sorted(old.members.keys() - new.members.keys()) if new.whole else []
    changed = sorted(name for name in old.members.keys() & new.members.keys() if old.members[name] != new.members[name])
    return TreeDiff(
        added=tuple(added[:MOST_NAMES]),
        removed=tuple(removed[:MOST_NAMES]),
        changed=tuple(changed[:MOST_NAMES]),
        counts={"added": len(added), "removed": len(removed), "changed": len(changed)},
        whole=old.whole and new.whole,
    )


def first_place(name: str, then: Iterable[bytes], now: Iterable[bytes], most: int) -> Difference | None:
    """Returns where the file `name` of two archives differs first; None if its kind or mode differs only."""
    difference = contrast(Form.BYTES, _file(then, name, most), _file(now, name, most)).first
    return replace(difference, member=name) if difference else None


def _read(content: Iterable[bytes], most: int) -> _Tree:
    members: dict[str, str] = {}
    rest = most

    def counted() -> Iterator[bytes]:
        nonlocal rest
        for piece in upto(content, most):
            rest -= len(piece)
            yield piece

    try:
        with _opened(counted()) as archive:
            for member in archive:
                if len(members) >= MOST_MEMBERS:
                    return _Tree(members, whole=False)
                digest = hashlib.sha256(kind_of_member(member).encode("utf-8", "surrogateescape"))
                for piece in member_content(archive, member):
                    digest.update(piece)
                members[member.name.removeprefix("./")] = digest.hexdigest()
    except tarfile.TarError:
        return _Tree(members, whole=False)
    return _Tree(members, whole=rest > 0)  # a cut between two members looks like an end


def _file(content: Iterable[bytes], name: str, most: int) -> Iterator[bytes]:
    try:
        with _opened(upto(content, most)) as archive:
            for member in archive:
                if member.name.removeprefix("./") == name:
                    yield from member_content(archive, member)
                    return
    except tarfile.TarError:
        return


def _opened(content: Iterable[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast(IO[bytes], ContentReader(content)), mode="r|")
