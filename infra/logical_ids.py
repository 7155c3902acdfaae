"""Logical ids of the main stack's resources, which do not depend on rooms.

CloudFormation replaces a resource whose logical id changes, and the CDK derives the id from the constructs around a
resource. The main stack leaves the room out, so that a table, a queue or an API keeps its content and address when it
moves to another room.
"""

import hashlib
import re
from collections.abc import Sequence

# As in the CDK: `Default` counts for nothing, `Resource` for the digest only.
_WITHOUT_MEANING = "Default"
_NOT_SHOWN = "Resource"
_MOST_CHARACTERS = 240


def logical_id(path: Sequence[str], rooms: Sequence[str]) -> str:
    """Returns the CDK's logical id of a resource, without its room; ``path`` is the constructs' ids below the stack."""
    named = [name for name in path if name != _WITHOUT_MEANING]
    if named[0] in rooms:
        named = named[1:]
    if len(named) == 1:
        return _alphanumeric(named[0])
    digest = hashlib.md5("/".join(named).encode(), usedforsecurity=False).hexdigest()[:8].upper()
    shown: list[str] = []
    for name in named:
        if not shown or not shown[-1].endswith(name):
            shown.append(name)
    return "".join(_alphanumeric(name) for name in shown if name != _NOT_SHOWN)[:_MOST_CHARACTERS] + digest


def _alphanumeric(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", name)
