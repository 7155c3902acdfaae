"""How to reach a stack that serves; the content of `.cadence/local.json`."""

from dataclasses import dataclass, fields

from cadence.local.shared.files import read_json
from cadence.local.shared.paths import StackPaths


@dataclass(frozen=True)
class StackConnection:
    """Addresses end without a slash; `token` is an administrator's."""

    url: str
    token: str
    melodium_url: str
    aws_endpoint: str


def read_connection(paths: StackPaths) -> StackConnection | None:
    """The connection of the folder's stack, or None while it does not serve."""
    content = read_json(paths.connection)
    known = {field.name for field in fields(StackConnection)}
    return StackConnection(**content) if content is not None and content.keys() == known else None
