"""Turns a webhook into runs: one for each pipeline that it starts, however often it is delivered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.access.ports import Cipher, SeenStore
from cadence.application.melodium.run_pushed import PushedProgram, RunPushed, is_push_to_branch
from cadence.application.pipelines.ports import PipelineStore
from cadence.application.shared.git_ports import GitReader, TagReader
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.shared.ports import Clock
from cadence.application.triggers.changed_paths import ChangedPaths, changed_files
from cadence.application.triggers.git_tokens import GitTokens
from cadence.application.triggers.ports import Delivery, GitHostStore
from cadence.application.triggers.process_webhook_event import ProcessWebhookEvent
from cadence.application.triggers.release_commit import with_commit
from cadence.application.triggers.start_triggered import StartTriggered
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.shared.errors import CadenceError, InvalidRequest, NotFound, TooLarge
from cadence.domain.triggers.git_events import GitEvent, Release
from cadence.domain.triggers.githost import EventSenderKind, GitHost, GitHostKind
from cadence.domain.triggers.githosts import FORMATS
from cadence.domain.triggers.githosts.payload import read_payload

_KEPT = timedelta(days=30)


class Undeliverable(CadenceError):
    """Repeating would change nothing: the delivery's git host is gone, or its content cannot be read."""

    code = "undeliverable"


@dataclass(frozen=True, kw_only=True)
class ProcessDelivery:
    """Processes webhooks."""

    githosts: GitHostStore
    cipher: Cipher
    seen: SeenStore
    pipelines: PipelineStore
    git: GitReader
    tags: TagReader
    start: StartTriggered
    run_pushed: RunPushed
    webhook_events: ProcessWebhookEvent
    clock: Clock

    def process(self, delivery: Delivery) -> Sequence[str]:
        """Returns the ids of the started runs; none if the delivery was processed before.

        Safe to repeat at any point: run ids derive from the delivery, which is marked as done last, so that after a
        crash everything is done again with the same ids. Raises Undeliverable.
        """
        githost = self._githost(delivery)
        if isinstance(githost.kind, EventSenderKind):
            return self.webhook_events.process(githost, delivery)
        events = _events(githost.kind, delivery)
        key = f"DELIVERY#{delivery.githost_id}#{delivery.delivery_id}"
        earlier = self.seen.first_seen(key, delivery.event, self.clock(), _KEPT)
        if earlier.done:
            return ()
        started = []
        versions = self.pipelines.list_newest(githost.organization, githost.project) if events else ()
        tokens = GitTokens(self.githosts, self.cipher)
        for number, received in enumerate(events):
            event = self._with_commit(githost, received, tokens) if _any_triggered(received, versions) else received
            comparison = event.comparison()
            changed = ChangedPaths(
                git=self.git, event=event, credentials=tokens.of(githost, comparison.url) if comparison else None
            )
            for version in versions:
                trigger = event.trigger(version.triggers)
                meant, source = (False, None) if trigger is None else changed.meant(trigger)
                if not meant:
                    continue
                parts = (delivery.githost_id, delivery.delivery_id, str(number), version.name)
                payload = {
                    **event.event(),
                    **({"paths_from": str(source)} if source else {}),
                    **changed_files(changed, wanted=False),
                }
                run_id = derived_ulid(earlier.first_seen, *parts)
                run = self.start.start_triggered(run_id, version, payload, f"{githost.kind} {githost.name}")
                started.append(run.run_id)
            started += self._programs(delivery, githost, event, number, earlier.first_seen, tokens)
        self.seen.mark_done(key)
        return started

    def _with_commit(self, githost: GitHost, event: GitEvent, tokens: GitTokens) -> GitEvent:
        """Returns a release with its commit, if the repository can be read. Its runs have the tag in any case."""
        if not isinstance(event, Release):
            return event
        url = event.repository_url
        try:
            return with_commit(event, self.tags, url, tokens.of(githost, url))
        except (InvalidRequest, NotFound, TooLarge):
            return event

    def _programs(
        self, delivery: Delivery, githost: GitHost, event: GitEvent, number: int, seen: datetime, tokens: GitTokens
    ) -> Sequence[str]:
        if not githost.programs or not is_push_to_branch(event):
            return ()
        run_id = derived_ulid(seen, delivery.githost_id, delivery.delivery_id, str(number), "melodium program")
        pushed = PushedProgram(
            organization=githost.organization,
            project=githost.project,
            url=event.repository_url,
            commit=event.commit,
            credentials=tokens.of(githost, event.repository_url),
            payload=event.event(),
            created_by=f"{githost.kind} {githost.name}",
        )
        run = self.run_pushed.run(run_id, pushed)
        return (run.run_id,) if run else ()

    def _githost(self, delivery: Delivery) -> GitHost:
        try:
            return self.githosts.get_githost(delivery.githost_id)
        except NotFound as error:
            raise Undeliverable(error.message) from error


def _any_triggered(event: GitEvent, versions: Iterable[PipelineVersion]) -> bool:
    return any(event.trigger(version.triggers) is not None for version in versions)


def _events(kind: GitHostKind, delivery: Delivery) -> Sequence[GitEvent]:
    try:
        return FORMATS[kind].read(delivery.event, read_payload(delivery.body, delivery.content_type))
    except InvalidRequest as error:
        raise Undeliverable(error.message) from error
