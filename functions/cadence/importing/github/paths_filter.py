"""The action `dorny/paths-filter`: outputs that tell whether files changed, by the event's list of them."""

import re
from collections.abc import Mapping
from typing import Any

from cadence.importing.github.job import GitHubJob
from cadence.importing.shared.globs import changed
from cadence.importing.shared.names import variable
from cadence.importing.shared.yaml_source import mapping, merged_data, plain

_WITHOUT_MEANING = frozenset({"filters", "token", "list-files", "initial-fetch-depth"})
_MORE_THAN_GLOBS = re.compile(r"[!()\[\]+@]|\$\{\{")


def paths_filter(job: GitHubJob, step: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns a step that writes the outputs of the action; None if the step is another one or asks for more.

    The outputs are `true` if the files are not known, as when a user starts the run.
    """
    if not plain(step.get("uses")).lower().startswith("dorny/paths-filter@") or not step.get("id"):
        return None
    given = mapping(step.get("with"))
    filters = _filters(plain(given.get("filters")))
    if not filters or given.keys() - _WITHOUT_MEANING:
        return None
    lines = []
    for name, patterns in filters.items():
        key = variable(f"changed {name}")
        job.env[key] = f"${{{{ {changed(patterns)} }}}}"
        lines.append(f'echo "{name}=${key}" >> "$GITHUB_OUTPUT"')
    job.outputs_of_actions[plain(step["id"])] = frozenset(filters)
    made = {key: value for key, value in step.items() if key not in ("uses", "with")}
    made = {"name": plain(step["uses"]), **made, "run": "\n".join(lines)}
    job.source.register(made, job.line(step))
    return made


def _filters(text: str) -> Mapping[str, list[str]]:
    """Returns the patterns by name; none if they are in a file, or if one is more than a pattern of paths."""
    filters = {name: _flat(patterns) for name, patterns in merged_data(text).items()}
    usable = all(
        re.fullmatch(r"[A-Za-z_][\w-]*", name)
        and patterns
        and all(isinstance(pattern, str) and not _MORE_THAN_GLOBS.search(pattern) for pattern in patterns)
        for name, patterns in filters.items()
    )
    return filters if usable else {}


def _flat(patterns: Any) -> list[Any]:
    """Returns the patterns of lists in a list, as YAML's aliases make them."""
    if isinstance(patterns, list):
        return [one for part in patterns for one in _flat(part)]
    return [patterns]
