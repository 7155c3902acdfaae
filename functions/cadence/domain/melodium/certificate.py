"""The end of the period in which engines of a version can reach workers: their TLS accepts one built-in certificate."""

from datetime import UTC, datetime

from cadence.domain.melodium.versions import has_secrets

OLD_ROOT_UNTIL = datetime(2026, 12, 21, 12, 26, 26, tzinfo=UTC)
"""The end of the certificate in engines before 0.11.0."""

ROOT_G2_UNTIL = datetime(2031, 9, 18, 16, 49, 35, tzinfo=UTC)
"""The end of the certificate in engines since 0.11.0."""


def built_in_until(version: str) -> datetime:
    """Returns the end of the certificate for the loopback interface in engines of a version."""
    return ROOT_G2_UNTIL if has_secrets(version) else OLD_ROOT_UNTIL


def expired(version: str, now: datetime) -> str | None:
    """Returns the reason why engines of this version can reach no worker any more; None if they can."""
    until = built_in_until(version)
    if now < until:
        return None
    if until == OLD_ROOT_UNTIL:
        return (
            f"Engines before 0.11.0 can reach no worker: their certificate ended {until:%Y-%m-%d %H:%M:%S} UTC and cannot "
            f"be replaced (this one is {version}). Install 0.11.0, set requirements to 0.11.0, give tokens and keys as "
            "locators (`env:MELODIUM_SECRET_…`, `file:…`). Runs without workers, reports, checks and replays still work."
        )
    return (
        f"The certificate in the Mélodium engine {version} ended {until:%Y-%m-%d %H:%M:%S} UTC: it can reach no worker any "
        "more. Install a newer version of the engine."
    )
