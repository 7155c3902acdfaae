"""Limits failed attempts to sign in, so that an attacker is locked out and a company behind one address is not."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.access.directory_ports import SignInAttempts
from cadence.domain.shared.errors import NotFound, QuotaExceeded, Unauthenticated

_WITHIN = timedelta(minutes=15)
# Failures within this time: of one credential from one address, and of all credentials from one address. There is no
# limit for a credential from everywhere: its id is no secret, and everyone who knew it could lock its owner out.
_MOST_HERE, _MOST_FROM_ADDRESS = 10, 300


@dataclass(frozen=True)
class SignInLimits:
    """Counts attempts before they are decided, so that many at the same time cannot all pass."""

    attempts: SignInAttempts

    @contextmanager
    def counting(self, way: str, credential: str, source: str) -> Iterator[None]:
        """Counts an attempt of `credential` from the address `source`, and takes it back unless the block refuses it.

        `credential` is what identifies it, such as a token's id. An attempt above the limit of its credential does not
        count for the address: one client that repeats a credential that ended locks out nobody else. Raises
        QuotaExceeded.
        """
        keys = [f"{way}|{source}|{credential}"]
        self._count(keys[0], _MOST_HERE)
        if not _of_this_machine(source):
            keys.append(f"{way}|{source}|")
            self._count(keys[1], _MOST_FROM_ADDRESS)
        refused = False
        try:
            yield
        except (Unauthenticated, NotFound):
            refused = True
            raise
        finally:
            if not refused:
                for key in keys:
                    self.attempts.take_back(key, _WITHIN)

    def _count(self, key: str, most: int) -> None:
        if self.attempts.add(key, _WITHIN) > most:
            raise QuotaExceeded(
                "There were too many failed attempts to sign in from this address. Try again in 15 minutes."
            )


def _of_this_machine(source: str) -> bool:
    """Whether the caller is on the local stack's own machine, where everyone has one address."""
    try:
        return ipaddress.ip_address(source).is_loopback
    except ValueError:
        return not source
