"""Checks to which projects a caller may give what a project has not by itself: secrets and pools of others."""

from collections.abc import Iterable

from cadence.domain.access.access import ALL_PROJECTS, Principal, Project
from cadence.domain.access.scopes import project_scope
from cadence.domain.shared.errors import Forbidden, NotFound


def missing_project(*projects: str) -> NotFound:
    """Returns the refusal of projects that the caller may not know of, which is the same as that of none."""
    return NotFound(f"There is no project {' and no '.join(map(repr, projects))} here.")


def check_given(by: Principal, projects: Iterable[str], permission: str, thing: str) -> None:
    """Checks that `by` has a permission at each of the projects that `thing`, such as `a secret`, is given to.

    Raises NotFound for a project that `by` may not know of, Forbidden for one at which it lacks the permission.
    """
    for project in projects:
        scope = project_scope(project)
        if by.has(permission, scope):
            continue
        if project == ALL_PROJECTS:
            raise Forbidden(f"Giving {thing} to all projects needs {permission} at the organization.")
        if not by.reaches(scope):
            raise missing_project(project)
        raise Forbidden(f"Giving {thing} to project {project} needs {permission} there.")


def check_present(projects: Iterable[str], existing: Iterable[Project]) -> None:
    """Raises NotFound with the names of those that do not exist; `*` stands for all, and needs none to exist."""
    known = {ALL_PROJECTS, *(project.name for project in existing)}
    if missing := [project for project in projects if project not in known]:
        raise missing_project(*missing)
