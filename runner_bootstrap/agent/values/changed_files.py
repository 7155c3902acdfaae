"""The list of files that the event of a run changed, as a file that ``CADENCE_CHANGED_FILES`` names."""

from __future__ import annotations

from ..assignments.assignment import Assignment
from ..execution.workspace import Workspace


def changed_files_variable(assignment: Assignment, workspace: Workspace) -> dict[str, str]:
    """Writes the paths, one a line, and returns the variable; none if the event does not list them.

    A path with a line break, which no line can carry, is left out. Raises AgentError if the file cannot be written.
    """
    paths = assignment.event.get("changed_files")
    if not isinstance(paths, list):
        return {}
    lines = [f"{path}\n" for path in map(str, paths) if "\n" not in path]
    return {"CADENCE_CHANGED_FILES": str(workspace.write("changed-files", "".join(lines)))}
