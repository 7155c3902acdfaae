"""Changes an alert because of occurrences or of time, and sends messages about it.

A change and its messages are one transaction. Work that follows it is requested before it, late enough to be done after
it: so a process that ends in between loses nothing, and a request in vain finds nothing to do.
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
"""Longer than the Lambda may run: by then a transaction is complete, or never will be."""

Decide = Callable[[Alert, datetime], AlertChange | None]


@dataclass(frozen=True, kw_only=True)
class UpdateAlert:
    """Changes alerts; every method raises Transient if other calls keep changing the same alert."""

    alerts: AlertStore
    channels: ChannelReader
    silences: SilenceReader
    notifier: AlertNotifier
    clock: Clock

    def happened(self, rule: Rule, group: AlertGroup, occurrences: Sequence[Occurrence]) -> None:
        """Stores the `occurrences` of one group, and changes its alert."""
        self.alerts.put_occurrences(rule, group, occurrences)
        first = min(occurrence.at for occurrence in occurrences)

        def decide(alert: Alert, now: datetime) -> AlertChange | None:
            if alert.open and not lifecycle.may_be_told(alert, rule, now):
                return None
            stored = self.alerts.happened(rule, group, _since(alert, first - rule.window))
            return lifecycle.after_occurrences(alert, rule, stored, now, self._silenced(rule, group, now))

        self._change(rule, group, decide)

    def recovered(self, rule: Rule, group: AlertGroup, at: datetime) -> None:
        """Closes the alert of a group that has recovered `at` a time."""

        def decide(alert: Alert, now: datetime) -> AlertChange | None:
            last = self.alerts.happened(rule, group, now).last
            return lifecycle.after_recovery(alert, rule, at, last, now)

        self._change(rule, group, decide)

    def looked_at(self, rules: RuleReader, key: tuple[str, str, str], group: AlertGroup, at: datetime) -> None:
        """Does a look at an alert, if it is the alert's next one: each alert has one that is requested."""
        try:
            rule = rules.get_rule(*key)
        except NotFound:
            return  # a rule's alerts are deleted with it

        def decide(alert: Alert, now: datetime) -> AlertChange | None:
            if alert.look_at != at:
                return None
            if now < at:  # farther away than one message can wait
                self.notifier.look(key, group, at, at - now)
                return None
            stored = self.alerts.happened(rule, group, _since(alert, now - rule.window))
            return lifecycle.after_look(alert, rule, stored, now, self._silenced(rule, group, now))

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
        """Returns the alert for a rule whose condition has changed: closed, if it was open."""
        ended = lifecycle.after_change_of_rule(alert, rule, now)
        if ended:
            self._commit(rule, alert, ended, now)
            alert = self.alerts.get_alert(rule, alert.group)
        return replace(alert, revision=rule.revision)

    def _commit(self, rule: Rule, before: Alert, change: AlertChange, now: datetime) -> None:
        """Stores the change and its messages. Raises Conflict."""
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
        """Returns the rule's channels, a project's own before one of the organization; deleted ones are left out."""
        known = {
            (channel.project, channel.name): channel.key for channel in self.channels.list_channels(rule.organization)
        }
        keys = (known.get((rule.project, name)) or known.get((ALL_PROJECTS, name)) for name in rule.channels)
        return [key for key in keys if key]

    def _silenced(self, rule: Rule, group: AlertGroup, now: datetime) -> datetime | None:
        labels = {"project": rule.project, **group.labels, "rule": rule.name}
        return silenced_until(self.silences.list_silences(rule.organization), rule.project, labels, now)


def _since(alert: Alert, moment: datetime) -> datetime:
    """Returns `moment`, or an earlier time if an open alert's last message does not cover all occurrences before it."""
    return min(moment, alert.told_through) if alert.open and alert.messages else moment
