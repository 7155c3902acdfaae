"""Access to alerts: rules, channels and silences belong to a project, or to the organization (`*`)."""

import re
from collections.abc import Callable

from api.endpoint import Call
from api.shapes import NAME_PATTERN
from cadence.application.alerts.manage import Author
from cadence.composition.api import Services
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.shared.errors import InvalidRequest, NotFound, Violation


def check_project(call: Call, services: Services, project: str) -> None:
    """Raises NotFound, in the same words, for a project that does not exist or that the token may not read."""
    if project != ALL_PROJECTS:
        services.project(call.by, project)
    elif not call.by.sees(call.by.organization, ALL_PROJECTS):
        raise NotFound(f"There is no project {project!r} here.")


def visible_projects(call: Call, services: Services, project: str | None) -> Callable[[str], bool]:
    """Returns a function that decides whether a project's objects are listed: all that the token may read, or one
    project's.
    """
    if project is not None:
        check_project(call, services, project)
        return lambda owner: owner == project
    return lambda owner: call.by.sees(call.by.organization, owner)


def author(call: Call) -> Author:
    """Returns the caller, and the address by which they reached the API: links in messages begin with it."""
    return Author(call.by.author, call.address)


def check_name(what: str, name: str) -> None:
    """Raises InvalidRequest for what cannot be the name of a rule or channel."""
    if not re.fullmatch(NAME_PATTERN, name):
        message = (
            f"The name of a {what} begins with a lower-case letter and has lower-case letters, digits, `_` and `-`."
        )
        raise InvalidRequest(message, [Violation("name", message, "bad_name")])
