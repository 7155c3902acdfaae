"""The share of a suite that this treatment runs, as a file that ``CADENCE_TEST_FILES`` names."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Mapping, Sequence

from ..assignments.assignment import Assignment
from ..beneath.matching import matches
from ..execution.workspace import Workspace
from ..shared.errors import TreatmentFailed

_SEPARATORS = re.compile(r"[./\\$]+")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")


def suite_share_variable(assignment: Assignment, workspace: Workspace) -> dict[str, str]:
    """Writes the files of the share, one a line, and returns the variable; none if the suite is not split.

    A path with a line break is left out. Raises TreatmentFailed if no file matches, AgentError if the list cannot be
    written.
    """
    split = assignment.split
    if split is None:
        return {}
    files = [path for path in matches(workspace.held_work, split.files) if "\n" not in path]
    if not files:
        raise TreatmentFailed(f"no file matches {split.files}, so that there are no tests to split: correct its path")
    share = shares(durations_of(files, split.durations), split.shares)[split.number]
    return {"CADENCE_TEST_FILES": str(workspace.write("test-files", "".join(f"{path}\n" for path in share)))}


def shares(durations: Mapping[str, float], count: int) -> list[list[str]]:
    """Divides files between ``count`` instances by their seconds; each file is in exactly one sorted share.

    The longest file goes first, and each to the instance that has least to do (LPT): the longest share takes at most
    4/3 - 1/(3 * count) times as long as the best division's. Equal arguments give equal shares.
    """
    divided: list[list[str]] = [[] for _ in range(count)]
    # By seconds, then by number of files, so that unmeasured files are divided evenly.
    loads = [(0.0, 0, index) for index in range(count)]
    for path, seconds in sorted(durations.items(), key=lambda item: (-item[1], item[0])):
        load, files, index = heapq.heappop(loads)
        divided[index].append(path)
        heapq.heappush(loads, (load + seconds, files + 1, index))
    return [sorted(share) for share in divided]


def durations_of(files: Sequence[str], measured: Mapping[str, float]) -> dict[str, float]:
    """Returns the seconds of each file; a file that was not measured has the mean of those that were."""
    by_stem: dict[str, list[tuple[str, ...]]] = {}
    paths: dict[tuple[str, ...], list[str]] = {}
    for path in files:
        parts = _parts(_EXTENSION.sub("", path))
        by_stem.setdefault(parts[-1], []).append(parts)
        paths.setdefault(parts, []).append(path)
    found: dict[str, float] = {}
    for place, seconds in sorted(measured.items()):
        owner = _owner(place, by_stem)
        # Files that differ in their extension only cannot be told apart by a class.
        owned = paths[owner] if owner else []
        for path in owned:
            found[path] = found.get(path, 0.0) + seconds / len(owned)
    mean = sum(found.values()) / len(found) if found else 0.0
    return {path: found.get(path, mean) for path in files}


def _owner(place: str, by_stem: Mapping[str, list[tuple[str, ...]]]) -> tuple[str, ...] | None:
    """Returns the file that a report means by a path, module or class; None if it is none of them.

    ``tests.test_a.TestLogin`` and ``test_a.py`` are ``tests/test_a``, ``com.acme.LoginTest`` is
    ``src/test/java/com/acme/LoginTest``. Of several files the one with the shortest path counts.
    """
    for parts in _readings(place):
        for end in range(len(parts), 0, -1):
            known = by_stem.get(parts[end - 1], ())
            meant = [file for file in known if _ends_alike(file, parts[:end])]
            if meant:
                return min(meant, key=lambda file: (len(file), file))
    return None


def _readings(place: str) -> Iterable[tuple[str, ...]]:
    """Yields the parts of a place as a path without its extension, then as a module or class."""
    path = _EXTENSION.sub("", place)
    if path != place and _parts(path):
        yield _parts(path)
    if _parts(place):
        yield _parts(place)


def _ends_alike(file: tuple[str, ...], place: tuple[str, ...]) -> bool:
    """Whether one is the end of the other: the report may be relative to a directory above or below."""
    length = min(len(file), len(place))
    return file[-length:] == place[-length:]


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in _SEPARATORS.split(text) if part)
