"""The connection of a running stack: the content of `.cadence/local.json`."""

from dataclasses import dataclass, fields

from cadence.local.shared.files import read_json
from cadence.local.shared.paths import StackPaths


@dataclass(frozen=True)
class StackConnection:
    """Addresses without a slash at the end, and the token of an administrator."""

    url: str
    token: str
    melodium_url: str
    aws_endpoint: str


def read_connection(paths: StackPaths) -> StackConnection | None:
    """The connection of the stack; None while it does not serve."""
    content = read_json(paths.connection)
    known = {field.name for field in fields(StackConnection)}
    return StackConnection(**content) if content is not None and content.keys() == known else None
