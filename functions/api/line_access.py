"""Access to log lines by routes whose own permission is another: alerts and exports hand lines on."""

from collections.abc import Iterable, Mapping
from typing import Any

from api.endpoint import Call
from cadence.domain.access.access import ALL_PROJECTS, Permission
from cadence.domain.access.scopes import ORGANIZATION, project_scope
from cadence.domain.shared.errors import Forbidden


def reads_lines(call: Call, project: str) -> bool:
    """Whether the caller may read the lines of a project (`*`: of all)."""
    thing = ORGANIZATION if project == ALL_PROJECTS else project_scope(project)
    return call.by.has(Permission.LOGS_READ, thing)


def require_lines(call: Call, projects: Iterable[str], what: str) -> None:
    """Raises Forbidden, naming the missing permission, unless the caller may read the lines of all these projects."""
    for project in projects:
        if not reads_lines(call, project):
            where = "the whole organization" if project == ALL_PROJECTS else f"the project {project}"
            message = f"{what} hands on log lines: it needs the permission {Permission.LOGS_READ} for {where} as well."
            raise Forbidden(message, permission=Permission.LOGS_READ)


def is_on_lines(rule: Mapping[str, Any]) -> bool:
    """Whether an alert rule, which need not be valid, looks for log lines."""
    when = rule.get("when")
    return isinstance(when, Mapping) and "log" in when
