"""Rules, channels and silences are kept."""

import secrets
from collections.abc import Iterable, Mapping
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
from cadence.application.alerts.settings import check_channel, makes_up_secret
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
"""Of one organization: every event is judged by all of them."""


@dataclass(frozen=True)
class Author:
    """Who writes, and the address of the API as they reached it."""

    name: str
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class ManageRules:
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
        """Raises InvalidRequest, with `needs_channels` also for channels that there are not."""
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
                        f"There is no channel {channel!r} here. Make it first.",
                        "no_such_channel",
                    )
                    for index, channel in missing
                ],
            )
        return rule

    def put(
        self, organization: str, project: str, name: str, document: Mapping[str, Any], by: Author
    ) -> tuple[Rule, bool]:
        """The rule as stored, and whether it is new. What it has counted so far counts on unless it looks for something else."""
        wanted = replace(
            self.check(organization, project, name, document),
            updated_at=self.clock(),
            updated_by=by.name,
            address=by.address,
        )
        for _ in range(_ATTEMPTS):
            known = self.rules.list_rules(organization)
            current = next((rule for rule in known if rule.key == wanted.key), None)
            if current is None and len(known) >= MOST_RULES:
                raise Conflict(f"There are {MOST_RULES} alert rules in this organization, and no more are possible.")
            if current is not None:
                wanted = replace(wanted, revision=current.revision + (not wanted.looks_like(current)))
            try:
                self.rules.put_rule(wanted, current.revision if current else None)
            except Conflict:
                continue
            self._subscribe(organization)
            return wanted, current is None
        raise Transient(f"The alert rule {name} is being written by others. Try again.")

    def delete(self, organization: str, project: str, name: str) -> None:
        """Raises NotFound. Its alerts go with it, without a message."""
        self.rules.delete_rule(organization, project, name)
        self.alerts.delete_alerts(organization, project, name)
        self._subscribe(organization)
        end_if_quiet(organization, self.rules, self.channels, self.outbox, self.listening)

    def _subscribe(self, organization: str) -> None:
        """What the rules need to be told of. Read again afterwards: others may have written a rule meanwhile."""
        kinds = None
        while kinds != (wanted := needed_kinds(self.rules.list_rules(organization))):
            kinds = wanted
            if kinds:
                self.listening.begin(organization)
            self.subscriptions.subscribe(organization, Audience.ALERTING, kinds)

    def test(self, rule: Rule) -> tuple[str, list[ChannelKey]]:
        """Sends a test message to the rule's channels: its id, and the channels."""
        now = self.clock()
        message = test_message(rule, f"test-{new_ulid(now)}", now)
        wanted = {channel.name: channel.key for channel in reversed(self._usable(rule))}
        keys = [wanted[name] for name in rule.channels if name in wanted]
        for key in keys:
            self.outbox.post(key, message)
            self.notifier.deliver(key, timedelta())
        return message.message_id, keys

    def _usable(self, rule: Rule) -> list[Channel]:
        """The project's own first."""
        projects = [rule.project, ALL_PROJECTS]
        usable = [channel for channel in self.channels.list_channels(rule.organization) if channel.project in projects]
        return sorted(usable, key=lambda channel: projects.index(channel.project))


def end_if_quiet(
    organization: str, rules: RuleReader, channels: ChannelReader, outbox: Outbox, listening: EventMapping
) -> None:
    """Events of an organization are judged no more once it has no rule, on or off, and no message that waits for a channel."""

    def is_quiet() -> bool:
        return not rules.list_rules(organization) and not any(
            outbox.count_waiting(channel.key, 1) for channel in channels.list_channels(organization)
        )

    if is_quiet():
        listening.end(organization)
        # Somebody may have written a rule meanwhile.
        if not is_quiet():
            listening.begin(organization)


def needed_kinds(rules: Iterable[Rule]) -> frozenset[EventKind]:
    """Of events, for rules that are switched on."""
    return frozenset(_kind_for(rule.when) for rule in rules if rule.enabled)


def _kind_for(when: Condition) -> EventKind:
    if isinstance(when, LogCondition):
        return EventKind.SEGMENT
    return EventKind.RUN if is_of_runs(when) else EventKind.TREATMENT


@dataclass(frozen=True, kw_only=True)
class ManageChannels:
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
        """The channel, whether it is new, and its secret if one was made up (a webhook's), which cannot be read again.

        Without `secret` the one that is kept stays. What waits is tried again at once. Raises InvalidRequest.
        """
        kept = self._kept(key, kind)
        made_up = None
        if secret is None and kept is None and makes_up_secret(kind):
            secret = made_up = "whsec_" + secrets.token_urlsafe(32)
        check_channel(kind, settings, secret, has_secret=kept is not None)
        encrypted = self.cipher.encrypt(secret.encode(), channel_context(key)) if secret is not None else kept
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
        return channel, is_new, made_up

    def delete(self, key: ChannelKey) -> None:
        """With everything that waits to be delivered there. Raises NotFound, and Conflict while rules name it."""
        using = [
            rule.name for rule in self.rules.list_rules(key[0]) if key[2] in rule.channels and self._uses(rule, key)
        ]
        if using:
            raise Conflict(f"The channel {key[2]!r} is used by: {', '.join(sorted(using)[:10])}. Change these first.")
        self.channels.delete_channel(*key)
        self.outbox.clear(key)
        end_if_quiet(key[0], self.rules, self.channels, self.outbox, self.listening)

    def test(self, key: ChannelKey) -> str:
        """Sends a test message: its id. Raises NotFound."""
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
        """A channel of the organization may be used by the rules of all projects."""
        return key[1] in (rule.project, ALL_PROJECTS)

    def _kept(self, key: ChannelKey, kind: ChannelKind) -> bytes | None:
        try:
            same = self.channels.get_channel(*key).kind is kind
            return self.channels.channel_secret(key) if same else None
        except NotFound:
            return None

    def _try_again(self, key: ChannelKey) -> None:
        """Whoever is sending right now goes on; if not, what was waited for until now is not waited for any more."""
        delivery = self.outbox.get_delivery(key)
        if delivery.retry_at is not None:
            try:
                self.outbox.put_delivery(key, replace(delivery, retry_at=None))
            except Conflict:
                return
        self.notifier.deliver(key, timedelta())


@dataclass(frozen=True)
class ManageSilences:
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
        """Raises InvalidRequest for one that ends before it begins, or is over."""
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
