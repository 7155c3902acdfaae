"""Identifiers of the elements of Mélodium programs."""

from collections.abc import Mapping
from typing import Any


def text_of(identifier: Any) -> str:
    """Returns `{"version", "path": ["std", "flow"], "name": "emit"}` as `std/flow::emit`; empty for any other value."""
    if not isinstance(identifier, Mapping) or not isinstance(identifier.get("path"), list):
        return ""
    return f"{'/'.join(map(str, identifier['path']))}::{identifier.get('name', '')}"
