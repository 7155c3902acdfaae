"""Access policies and rights as JSON values."""

from datetime import datetime
from typing import Any

from cadence.domain.access.decisions import Right
from cadence.domain.access.people import Grant, Subject
from cadence.domain.access.scopes import Scope


def grant_json(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.grant_id,
        "subject": str(grant.subject),
        "role": grant.role,
        "scope": str(grant.scope),
        "at": grant.created_at.isoformat(),
        "by": grant.created_by,
    }


def grant_of(stored: dict[str, Any]) -> Grant:
    return Grant(
        grant_id=stored["id"],
        subject=Subject.parse(stored["subject"]),
        role=stored["role"],
        scope=Scope.parse(stored["scope"]),
        created_at=datetime.fromisoformat(stored["at"]),
        created_by=stored["by"],
    )


def right_json(right: Right) -> dict[str, Any]:
    return {
        "id": right.grant_id,
        "subject": right.subject,
        "role": right.role,
        "scope": str(right.scope),
        "permissions": sorted(right.permissions),
    }


def right_of(stored: dict[str, Any]) -> Right:
    return Right(
        grant_id=stored["id"],
        subject=stored["subject"],
        role=stored["role"],
        scope=Scope.parse(stored["scope"]),
        permissions=frozenset(stored["permissions"]),
    )
