"""Attacks on signing in: guesses are locked out by credential and address, the owner and the company are not."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from cadence.application.access.sign_in_limits import SignInLimits
from cadence.domain.shared.errors import Forbidden, QuotaExceeded, Transient, Unauthenticated

OFFICE, ATTACKER = "198.51.100.7", "203.0.113.9"


@dataclass
class MemoryAttempts:
    counted: Counter[str] = field(default_factory=Counter)

    def add(self, key: str, within: timedelta) -> int:
        self.counted[key] += 1
        return self.counted[key]

    def take_back(self, key: str, within: timedelta) -> None:
        self.counted[key] -= 1


class Door:
    """Knows one secret for each credential."""

    def __init__(self) -> None:
        self.attempts = MemoryAttempts()
        self.limits = SignInLimits(self.attempts)
        self.asked = 0

    def enter(self, credential: str, secret: str, source: str) -> str:
        """Returns what happened: `in`, `refused` or `locked`."""
        try:
            with self.limits.counting("token", credential, source):
                self.asked += 1
                _check(credential, secret)
        except QuotaExceeded:
            return "locked"
        except Unauthenticated:
            return "refused"
        return "in"


def _check(credential: str, secret: str) -> None:
    if secret != f"secret of {credential}":
        raise Unauthenticated("wrong")


@pytest.fixture
def door() -> Door:
    return Door()


def test_who_guesses_one_credential_is_locked_out_and_its_owner_is_not(door: Door) -> None:
    seen = [door.enter("t1", f"guess {number}", ATTACKER) for number in range(50)]
    assert seen == ["refused"] * 10 + ["locked"] * 40
    assert door.asked == 10
    # The right secret does not help from there any more, or guessing would only have to go on.
    assert door.enter("t1", "secret of t1", ATTACKER) == "locked"
    assert door.enter("t1", "secret of t1", OFFICE) == "in"


def test_who_tries_many_credentials_is_locked_out_from_that_address_alone(door: Door) -> None:
    seen = [door.enter(f"t{number}", "guess", ATTACKER) for number in range(400)]
    assert seen == ["refused"] * 300 + ["locked"] * 100
    assert door.enter("t7", "secret of t7", OFFICE) == "in"


def test_a_company_behind_one_address_is_not_locked_out_by_its_own_size(door: Door) -> None:
    seen = [door.enter(f"t{number}", f"secret of t{number}", OFFICE) for number in range(1_000)]
    assert set(seen) == {"in"}


def test_a_script_with_a_token_that_ended_locks_out_itself_and_not_the_company(door: Door) -> None:
    for _ in range(1_000):
        door.enter("ended", "old", OFFICE)
    assert door.enter("ended", "secret of ended", OFFICE) == "locked"
    assert door.enter("t1", "secret of t1", OFFICE) == "in"


def test_attempts_at_the_same_time_are_counted_before_they_are_decided(door: Door) -> None:
    def nested(depth: int) -> int:
        """Returns how many attempts were decided while none of them had ended."""
        if depth == 0:
            return 0
        decided = 0
        with suppress(Unauthenticated, QuotaExceeded), door.limits.counting("token", "t1", ATTACKER):
            decided = 1 + nested(depth - 1)
            _check("t1", "guess")
        return decided

    assert nested(30) == 10


@pytest.mark.parametrize("fault", [Transient("later"), Forbidden("no member"), RuntimeError("broken")], ids=repr)
def test_what_is_no_wrong_credential_does_not_count(door: Door, fault: Exception) -> None:
    def attempt() -> None:
        with door.limits.counting("token", "t1", OFFICE):
            raise fault

    for _ in range(20):
        with pytest.raises(type(fault)):
            attempt()
    assert set(door.attempts.counted.values()) == {0}


@pytest.mark.parametrize("source", ["127.0.0.1", "::1", ""])
def test_on_one_machine_only_the_credential_is_limited(door: Door, source: str) -> None:
    assert [door.enter("t1", "guess", source) for _ in range(12)].count("locked") == 2
    assert {door.enter(f"x{number}", "guess", source) for number in range(400)} == {"refused"}


def test_ways_do_not_lock_each_other() -> None:
    limits = SignInLimits(MemoryAttempts())
    entering: Callable[[str], None] = lambda way: _refused(limits, way)  # noqa: E731
    for _ in range(10):
        entering("code")
    with pytest.raises(QuotaExceeded):
        entering("code")
    entering("invitation")


def _refused(limits: SignInLimits, way: str) -> None:
    with pytest.raises(Unauthenticated), limits.counting(way, "same", ATTACKER):
        raise Unauthenticated("wrong")
