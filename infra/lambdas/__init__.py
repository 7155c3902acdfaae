"""All Lambdas: one row each, in the module of its room."""

from collections.abc import Mapping

from infra.lambdas import (
    access,
    alerts,
    api,
    deletion,
    exports,
    logs,
    melodium,
    placement,
    providers,
    repositories,
    runners,
    runs,
    scheduling,
    search,
    test_reports,
    triggers,
)
from infra.row import LambdaRow

_ROOMS = (
    api,
    access,
    triggers,
    repositories,
    runs,
    scheduling,
    placement,
    providers,
    runners,
    melodium,
    logs,
    search,
    exports,
    test_reports,
    alerts,
    deletion,
)

# By folder.
LAMBDAS: Mapping[str, LambdaRow] = {row.folder: row for room in _ROOMS for row in room.ROWS}


def of_room(room: str) -> tuple[LambdaRow, ...]:
    """Returns the rows of one room."""
    return tuple(row for row in LAMBDAS.values() if row.room == room)
