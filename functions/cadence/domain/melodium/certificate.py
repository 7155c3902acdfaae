"""The end of the period in which engines of a version can reach workers: their TLS accepts one built-in certificate."""

from collections.abc import Mapping
from datetime import UTC, datetime

BUILT_IN_UNTIL: Mapping[str, datetime] = {"0.10.2": datetime(2026, 12, 21, 12, 26, 26, tzinfo=UTC)}
"""By version, the end of the certificate for the loopback interface. It is unknown for other versions."""


def expired(version: str, now: datetime) -> str | None:
    """Returns the reason why engines of this version can reach no worker any more; None if they can."""
    until = BUILT_IN_UNTIL.get(version)
    if until is None or now < until:
        return None
    return (
        f"The certificate that is built into the Mélodium engine {version} ended at {until:%Y-%m-%d %H:%M:%S} UTC: no engine of "
        "this version can connect to a worker any more. Use a newer version of the engine."
    )
