"""Signed opaque cursors: positions at which a listing continues, valid for that listing only."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from cadence.domain.shared.errors import InvalidRequest, Violation

_SIGNATURE = 16


def sign(key: bytes, position: str, *listing: Any) -> str:
    """Returns a cursor. `listing` is the listing and its filters: the cursor is valid for nothing else."""
    return base64.urlsafe_b64encode(_signature(key, position, listing) + position.encode()).decode().rstrip("=")


def verify(key: bytes, cursor: str, *listing: Any) -> str:
    """Returns the position. Raises InvalidRequest for a cursor that was not made for this listing."""
    message = "This cursor was not made for this listing. Start again without it."
    refused = InvalidRequest(message, [Violation("cursor", message, "bad_cursor")])
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = content[_SIGNATURE:].decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise refused from None
    if not hmac.compare_digest(content[:_SIGNATURE], _signature(key, position, listing)):
        raise refused
    return position


def _signature(key: bytes, position: str, listing: tuple[Any, ...]) -> bytes:
    content = json.dumps([position, *listing], default=str).encode()
    return hmac.digest(key, content, hashlib.sha256)[:_SIGNATURE]
