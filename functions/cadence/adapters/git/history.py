"""Finds where two branches parted, and which files differ between two commits."""

from collections.abc import Iterable, Mapping, Sequence

from dulwich.diff_tree import tree_changes
from dulwich.object_store import BaseObjectStore
from dulwich.objects import Commit, ObjectID

Parents = Mapping[bytes, Sequence[bytes]]
"""Each commit that was fetched, with its parents, whether they were fetched or not."""


class HistoryTooShort(Exception):
    """The commit where the two branches parted lies further back than what was fetched."""


def merge_base(parents: Parents, times: Mapping[bytes, int], one: bytes, other: bytes) -> bytes | None:
    """Returns the best common ancestor, of several the latest, as git chooses; None if there is none.

    Raises HistoryTooShort if a commit that only one of the two has leads to one that was not fetched. Once all of those
    are there, commits older than a common ancestor do not matter.
    """
    ones, others = _ancestors(parents, one), _ancestors(parents, other)
    if any(parent not in parents for commit in ones ^ others for parent in parents[commit]):
        raise HistoryTooShort
    common = ones & others
    older = {parent for commit in common for parent in parents[commit]}
    return max(common - older, key=lambda commit: (times[commit], commit), default=None)


def changed_paths(store: BaseObjectStore, old: ObjectID | None, new: ObjectID) -> frozenset[str]:
    """Returns the paths that differ between two trees; None is the empty one."""
    changed: set[bytes] = set()
    for change in tree_changes(store, old, new):
        changed.update(entry.path for entry in (change.old, change.new) if entry is not None and entry.path is not None)
    return frozenset(path.decode("utf-8", "replace") for path in changed)


def read_history(
    store: BaseObjectStore, commits: Iterable[ObjectID]
) -> tuple[dict[bytes, list[bytes]], dict[bytes, int]]:
    """Returns the parents and times of `commits` and of all their ancestors that were fetched."""
    parents: dict[bytes, list[bytes]] = {}
    times: dict[bytes, int] = {}
    pending = list(commits)
    while pending:
        name = pending.pop()
        if name in parents or name not in store:
            continue
        commit = store[name]
        if isinstance(commit, Commit):
            parents[name], times[name] = list(commit.parents), commit.commit_time
            pending += commit.parents
    return parents, times


def _ancestors(parents: Parents, commit: bytes) -> set[bytes]:
    """Returns the commit itself and all that lead to it, as far as they were fetched."""
    ancestors: set[bytes] = set()
    pending = [commit]
    while pending:
        name = pending.pop()
        if name not in ancestors and name in parents:
            ancestors.add(name)
            pending += parents[name]
    return ancestors
