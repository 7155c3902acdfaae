"""Manages rules, channels and silences."""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cadence.application.access.ports import Cipher
from cadence.application.alerts.deliver import channel_context
from cadence.application.alerts.messages import test_message
from cadence.application.alerts.ports import (
    AlertNotifier,
    AlertStore,
    ChannelKey,
    ChannelReader,
    ChannelStore,
    EventMapping,
    Outbox,
    RuleReader,
    RuleStore,
    SilenceStore,
)
from cadence.application.alerts.settings import check_channel, destination, generates_secret
from cadence.application.shared.event_ports import SubscriptionStore
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.alerts.channel import Channel, ChannelKind
from cadence.domain.alerts.checking import PLACE, CheckQuery, check_rule
from cadence.domain.alerts.rule import Condition, LogCondition, Rule, RunCondition, is_of_runs
from cadence.domain.alerts.silence import Silence
from cadence.domain.exports.event import Audience, EventKind
from cadence.domain.shared.errors import Conflict, InvalidRequest, NotFound, Transient, Violation

_ATTEMPTS = 5
MOST_RULES = 200
"""The most rules of an organization: every event is judged by all of them."""


@dataclass(frozen=True)
class Author:
    """The user who writes, and the address at which they reached the API."""

    name: str
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class ManageRules:
    """The use cases for alert rules."""

    rules: RuleStore
    channels: ChannelStore
    alerts: AlertStore
    outbox: Outbox
    notifier: AlertNotifier
    subscriptions: SubscriptionStore
    listening: EventMapping
    check_query: CheckQuery
    clock: Clock

    def check(
        self, organization: str, project: str, name: str, document: Mapping[str, Any], *, needs_channels: bool = True
    ) -> Rule:
        """Checks a rule's document. Raises InvalidRequest, with `needs_channels` also for channels that are missing."""
        rule = check_rule(organization, project, name, document, self.check_query)
        if not needs_channels:
            return rule
        known = {channel.name for channel in self._usable(rule)}
        missing = [(index, channel) for index, channel in enumerate(rule.channels) if channel not in known]
        if missing:
            raise InvalidRequest(
                "The alert rule is not valid.",
                [
                    Violation(
                        f"{PLACE}/channels/{index}",
                        f"There is no channel {channel!r} here. Create it first.",
                        "no_such_channel",
                    )
                    for index, channel in missing
                ],
            )
        return rule

    def put(
        self, organization: str, project: str, name: str, document: Mapping[str, Any], by: Author
    ) -> tuple[Rule, bool]:
        """Stores a rule; returns it as stored, and True if it is new. Its counts go on unless its condition changes.

        Raises InvalidRequest, Conflict if there are too many rules, and Transient if other calls keep changing it.
        """
        rule = replace(
            self.check(organization, project, name, document),
            updated_at=self.clock(),
            updated_by=by.name,
            address=by.address,
        )
        for _ in range(_ATTEMPTS):
            known = self.rules.list_rules(organization)
            current = next((other for other in known if other.key == rule.key), None)
            if current is None and len(known) >= MOST_RULES:
                raise Conflict(f"The organization has {MOST_RULES} alert rules, which is the most. Delete one first.")
            if current is not None:
                rule = replace(rule, revision=current.revision + (not rule.looks_like(current)))
            try:
                self.rules.put_rule(rule, current.revision if current else None)
            except Conflict:
                continue
            self._subscribe(organization)
            return rule, current is None
        raise Transient(f"The alert rule {name} is being written by others. Try again.")

    def delete(self, organization: str, project: str, name: str) -> None:
        """Deletes a rule with its alerts, without a message. Raises NotFound."""
        self.rules.delete_rule(organization, project, name)
        self.alerts.delete_alerts(organization, project, name)
        self._subscribe(organization)
        end_if_quiet(organization, self.rules, self.channels, self.outbox, self.listening)

    def delete_all(self, organization: str, project: str) -> int:
        """Deletes the rules of a project with their alerts, and returns how many there were. Safe to repeat."""
        names = [rule.name for rule in self.rules.list_rules(organization) if rule.project == project]
        for name in names:
            with suppress(NotFound):  # another call has deleted it
                self.delete(organization, project, name)
        return len(names)

    def _subscribe(self, organization: str) -> None:
        """Subscribes to the events that the rules need, and repeats it if another call changed the rules meanwhile."""
        kinds = None
        while kinds != (needed := needed_kinds(self.rules.list_rules(organization))):
            kinds = needed
            if kinds:
                self.listening.begin(organization)
            self.subscriptions.subscribe(organization, Audience.ALERTING, kinds)

    def test(self, rule: Rule) -> tuple[str, list[ChannelKey]]:
        """Sends a test message to the rule's channels; returns its id, and the channels."""
        now = self.clock()
        message = test_message(rule, f"test-{new_ulid(now)}", now)
        usable = {channel.name: channel.key for channel in reversed(self._usable(rule))}
        keys = [usable[name] for name in rule.channels if name in usable]
        for key in keys:
            self.outbox.post(key, message)
            self.notifier.deliver(key, timedelta())
        return message.message_id, keys

    def _usable(self, rule: Rule) -> list[Channel]:
        """Returns the channels that a rule may use, the project's own first."""
        projects = [rule.project, ALL_PROJECTS]
        usable = [channel for channel in self.channels.list_channels(rule.organization) if channel.project in projects]
        return sorted(usable, key=lambda channel: projects.index(channel.project))


def end_if_quiet(
    organization: str, rules: RuleReader, channels: ChannelReader, outbox: Outbox, listening: EventMapping
) -> None:
    """Ends the judging of an organization's events if it has no rule, on or off, and no message that waits."""

    def is_quiet() -> bool:
        return not rules.list_rules(organization) and not any(
            outbox.count_waiting(channel.key, 1) for channel in channels.list_channels(organization)
        )

    if is_quiet():
        listening.end(organization)
        # Another call may have stored a rule meanwhile.
        if not is_quiet():
            listening.begin(organization)


def needed_kinds(rules: Iterable[Rule]) -> frozenset[EventKind]:
    """Returns the kinds of events that enabled rules need."""
    return frozenset(_kind_for(rule.when) for rule in rules if rule.enabled)


def _kind_for(when: Condition) -> EventKind:
    if isinstance(when, LogCondition):
        return EventKind.SEGMENT
    return EventKind.RUN if is_of_runs(when) else EventKind.TREATMENT


@dataclass(frozen=True, kw_only=True)
class ManageChannels:
    """The use cases for alert channels."""

    channels: ChannelStore
    rules: RuleStore
    outbox: Outbox
    notifier: AlertNotifier
    listening: EventMapping
    cipher: Cipher
    clock: Clock

    def put(
        self,
        key: ChannelKey,
        kind: ChannelKind,
        settings: Mapping[str, Any],
        secret: str | None,
        by: Author,
    ) -> tuple[Channel, bool, str | None]:
        """Stores a channel; returns it, True if it is new, and its secret if one was generated (for a webhook).

        A generated secret cannot be read again. Without `secret` the stored one stays, unless the channel's address
        changes. Waiting messages are tried again at once. Raises InvalidRequest.
        """
        stored = self._stored_secret(key, kind, settings)
        generated = None
        if secret is None and stored is None and generates_secret(kind):
            secret = generated = "whsec_" + secrets.token_urlsafe(32)
        check_channel(kind, settings, secret, has_secret=stored is not None)
        encrypted = self.cipher.encrypt(secret.encode(), channel_context(key)) if secret is not None else stored
        channel = Channel(
            organization=key[0],
            project=key[1],
            name=key[2],
            kind=kind,
            settings=settings,
            updated_at=self.clock(),
            updated_by=by.name,
        )
        is_new = self.channels.put_channel(channel, encrypted)
        self._try_again(key)
        return channel, is_new, generated

    def delete(self, key: ChannelKey) -> None:
        """Deletes a channel with its waiting messages. Raises NotFound, and Conflict while rules use it."""
        using = [
            rule.name for rule in self.rules.list_rules(key[0]) if key[2] in rule.channels and self._uses(rule, key)
        ]
        if using:
            raise Conflict(f"The channel {key[2]!r} is used by: {', '.join(sorted(using)[:10])}. Change these first.")
        self.channels.delete_channel(*key)
        self.outbox.clear(key)
        end_if_quiet(key[0], self.rules, self.channels, self.outbox, self.listening)

    def test(self, key: ChannelKey) -> str:
        """Sends a test message and returns its id. Raises NotFound."""
        channel = self.channels.get_channel(*key)
        now = self.clock()
        rule = Rule(
            organization=key[0],
            project=key[1],
            name=channel.name,
            revision=1,
            when=RunCondition(frozenset()),
            channels=(channel.name,),
        )
        message = test_message(rule, f"test-{new_ulid(now)}", now)
        self.outbox.post(key, message)
        self.notifier.deliver(key, timedelta())
        return message.message_id

    @staticmethod
    def _uses(rule: Rule, key: ChannelKey) -> bool:
        """Returns True if a rule's channel is this one; the rules of all projects may use an organization's channel."""
        return key[1] in (rule.project, ALL_PROJECTS)

    def _stored_secret(self, key: ChannelKey, kind: ChannelKind, settings: Mapping[str, Any]) -> bytes | None:
        """Returns the stored secret, which is sent to no other address than the one that it was given for."""
        try:
            stored = self.channels.get_channel(*key)
            same = stored.kind is kind and destination(stored.settings) == destination(settings)
            return self.channels.channel_secret(key) if same else None
        except NotFound:
            return None

    def _try_again(self, key: ChannelKey) -> None:
        """Ends the channel's wait and delivers its messages at once, unless another process is sending right now."""
        delivery = self.outbox.get_delivery(key)
        if delivery.retry_at is not None:
            try:
                self.outbox.put_delivery(key, replace(delivery, retry_at=None))
            except Conflict:
                return
        self.notifier.deliver(key, timedelta())


@dataclass(frozen=True)
class ManageSilences:
    """The use cases for silences."""

    silences: SilenceStore
    clock: Clock

    def add(
        self,
        organization: str,
        project: str,
        where: Mapping[str, str],
        starts_at: datetime | None,
        ends_at: datetime,
        comment: str,
        by: Author,
    ) -> Silence:
        """Adds a silence. Raises InvalidRequest for one that ends before it begins, or is over."""
        now = self.clock()
        begins = starts_at or now
        if ends_at <= max(begins, now):
            message = "A silence has to end in the future, after it begins."
            raise InvalidRequest(message, [Violation("/ends_at", message)])
        silence = Silence(
            silence_id=new_ulid(now),
            organization=organization,
            project=project,
            where=where,
            starts_at=begins,
            ends_at=ends_at,
            comment=comment,
            created_by=by.name,
        )
        self.silences.add_silence(silence)
        return silence
