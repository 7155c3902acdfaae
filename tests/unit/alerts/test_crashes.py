"""A process that ends anywhere, and whose message comes again, loses no message and tells nothing twice."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.alerts import START, Alerting, rule, treatment_event


class Killed(BaseException):
    """Nothing catches it."""


@dataclass
class Mortal:
    """Stands before a port.

    The call number `dies_at` (of all ports that share `calls`) is made, or not, and then it ends.
    """

    behind: Any
    calls: list[str]
    dies_at: int
    before: bool
    alive: list[bool] = field(default_factory=lambda: [True])

    def __getattr__(self, name: str) -> Any:
        made = getattr(self.behind, name)
        if not callable(made):
            return made

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            dying = len(self.calls) == self.dies_at
            if dying and self.before:
                raise Killed
            result = made(*args, **kwargs)
            if dying:
                raise Killed
            return result

        return call


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("dies_at", range(1, 14))
def test_an_end_anywhere_leaves_one_message_that_somebody_will_deliver(dies_at: int, before: bool) -> None:
    alerting = Alerting(rule({"treatment": {}}, cooldown=0, resolve={"after": 600}))
    calls: list[str] = []
    update = alerting.update
    mortal = replace(
        update,
        alerts=Mortal(update.alerts, calls, dies_at, before),
        notifier=Mortal(update.notifier, calls, dies_at, before),
    )
    evaluate = replace(alerting.evaluate, update=mortal)
    event = treatment_event(START, "run-1")
    try:
        evaluate.evaluate(event)
    except Killed:
        alerting.clock.advance(timedelta(minutes=6))
    alerting.evaluate.evaluate(event)  # the queue hands it out again
    assert alerting.told == ["firing"]
    committed_at = alerting.store.messages[0][1].made_at
    assert any(due >= committed_at for due, _, _ in alerting.notifier.deliveries)
    alerting.pass_time(timedelta(hours=1))
    assert alerting.told == ["firing", "resolved"]
    assert len({message.message_id for _, message in alerting.store.messages}) == 2
