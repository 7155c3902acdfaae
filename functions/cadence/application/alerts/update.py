"""An alert is changed by what happened or by time, and whoever is to be told of it is told.

A change and its messages are one transaction. What has to be done afterwards is asked for before it, late enough to come
after it: so a process that ends in between loses nothing, and what was asked for in vain finds nothing to do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.alerts.messages import message_of
from cadence.application.alerts.ports import (
    AlertNotifier,
    AlertStore,
    ChannelKey,
    ChannelReader,
    RuleReader,
    SilenceReader,
)
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.alerts import lifecycle
from cadence.domain.alerts.lifecycle import Alert, AlertChange
from cadence.domain.alerts.occurrence import AlertGroup, Occurrence
from cadence.domain.alerts.rule import Rule
from cadence.domain.alerts.silence import silenced_until
from cadence.domain.shared.errors import Conflict, NotFound, Transient

_ATTEMPTS = 8
AFTER_ANY_CRASH = timedelta(seconds=90)
"""Longer than the Lambda may run: by then a transaction is made, or never will be."""

Decide = Callable[[Alert, datetime], AlertChange | None]


@dataclass(frozen=True, kw_only=True)
class UpdateAlert:
    alerts: AlertStore
    channels: ChannelReader
    silences: SilenceReader
    notifier: AlertNotifier
    clock: Clock

    def happened(self, rule: Rule, group: AlertGroup, occurrences: Sequence[Occurrence]) -> None:
        """`occurrences` are of one group. Raises Transient."""
        self.alerts.put_occurrences(rule, group, occurrences)
        first = min(occurrence.at for occurrence in occurrences)

        def decide(alert: Alert, now: datetime) -> AlertChange | None:
            if alert.open and not lifecycle.may_be_told(alert, rule, now):
                return None
            seen = self.alerts.happened(rule, group, _since(alert, first - rule.window))
            return lifecycle.after_occurrences(alert, rule, seen, now, self._silenced(rule, group, now))

        self._change(rule, group, decide)

    def recovered(self, rule: Rule, group: AlertGroup, at: datetime) -> None:
        """Raises Transient."""

        def decide(alert: Alert, now: datetime) -> AlertChange | None:
            last = self.alerts.happened(rule, group, now).last
            return lifecycle.after_recovery(alert, rule, at, last, now)

        self._change(rule, group, decide)

    def looked_at(self, rules: RuleReader, key: tuple[str, str, str], group: AlertGroup, at: datetime) -> None:
        """Only if the alert waits for this very look: each has one that is on its way. Raises Transient."""
        try:
            rule = rules.get_rule(*key)
        except NotFound:
            return  # whoever deletes a rule deletes its alerts

        def decide(alert: Alert, now: datetime) -> AlertChange | None:
            if alert.look_at != at:
                return None
            if now < at:  # farther away than one message can wait
                self.notifier.look(key, group, at, at - now)
                return None
            seen = self.alerts.happened(rule, group, _since(alert, now - rule.window))
            return lifecycle.after_look(alert, rule, seen, now, self._silenced(rule, group, now))

        self._change(rule, group, decide)

    def _change(self, rule: Rule, group: AlertGroup, decide: Decide) -> None:
        for _ in range(_ATTEMPTS):
            now = self.clock()
            alert = self.alerts.get_alert(rule, group)
            try:
                if alert.revision > rule.revision:
                    raise Transient(f"The rule {rule.name} has just been changed.")
                if alert.revision < rule.revision or not rule.enabled:
                    alert = self._renewed(alert, rule, now)
                if not rule.enabled:
                    return
                change = decide(alert, now)
                if change is not None:
                    self._commit(rule, alert, change, now)
            except Conflict:
                continue
            return
        raise Transient(f"The alert of {rule.name} is being changed by others.")

    def _renewed(self, alert: Alert, rule: Rule, now: datetime) -> Alert:
        """The alert of a rule that looks for something else by now: closed, if it was open."""
        ended = lifecycle.after_change_of_rule(alert, rule, now)
        if ended:
            self._commit(rule, alert, ended, now)
            alert = self.alerts.get_alert(rule, alert.group)
        return replace(alert, revision=rule.revision)

    def _commit(self, rule: Rule, before: Alert, change: AlertChange, now: datetime) -> None:
        """Raises Conflict."""
        alert = change.alert
        keys = self._channels(rule) if change.message else ()
        if alert.look_at and alert.look_at != before.look_at:
            self.notifier.look(rule.key, alert.group, alert.look_at, alert.look_at - now)
        for key in keys:
            self.notifier.deliver(key, AFTER_ANY_CRASH)
        messages = [(key, message_of(alert, rule, change.message, now)) for key in keys if change.message]
        self.alerts.commit(alert, messages)
        for key in keys:
            self.notifier.deliver(key, timedelta())

    def _channels(self, rule: Rule) -> Sequence[ChannelKey]:
        """The project's own channels go before those of the organization; one that is gone by now is passed over."""
        known = {
            (channel.project, channel.name): channel.key for channel in self.channels.list_channels(rule.organization)
        }
        found = (known.get((rule.project, name)) or known.get((ALL_PROJECTS, name)) for name in rule.channels)
        return [key for key in found if key]

    def _silenced(self, rule: Rule, group: AlertGroup, now: datetime) -> datetime | None:
        labels = {"project": rule.project, **group.labels, "rule": rule.name}
        return silenced_until(self.silences.list_silences(rule.organization), rule.project, labels, now)


def _since(alert: Alert, moment: datetime) -> datetime:
    """Of an alert that was told of, also everything since then."""
    return min(moment, alert.told_through) if alert.open and alert.messages else moment
