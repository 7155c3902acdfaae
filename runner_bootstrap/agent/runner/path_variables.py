"""The variables of a command that hold paths, besides those of its ports."""

from __future__ import annotations

import os

from ..assignments.assignment import Assignment
from ..execution.workspace import Workspace
from ..values.changed_files import changed_files_variable
from ..values.split_suite import suite_share_variable


def path_variables(assignment: Assignment, workspace: Workspace) -> dict[str, str]:
    """Returns the variables, and writes the files of the event that they name. Raises AgentError."""
    return {
        "HOME": str(workspace.root),
        "TMPDIR": str(workspace.tmp),
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "CADENCE_EVENT_FILE": str(workspace.write("event.json", assignment.event_text)),
        **changed_files_variable(assignment, workspace),
        **suite_share_variable(assignment, workspace),
    }
