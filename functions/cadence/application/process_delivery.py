"""Turns a delivery into runs: one for each pipeline that it starts, however often it is delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.access_ports import GitHostStore, SeenStore
from cadence.application.delivery_ports import Delivery
from cadence.application.identifiers import derived_ulid
from cadence.application.pipeline_ports import PipelineStore
from cadence.application.ports import Clock
from cadence.application.start_triggered import StartTriggered
from cadence.domain import github
from cadence.domain.errors import CadenceError, InvalidRequest, NotFound
from cadence.domain.githost import GitHost
from cadence.domain.push import Push

_KEPT = timedelta(days=30)


class Undeliverable(CadenceError):
    """Coming again would change nothing: the delivery's git host is gone, or it is no push."""

    code = "undeliverable"


@dataclass(frozen=True)
class ProcessDelivery:
    githosts: GitHostStore
    seen: SeenStore
    pipelines: PipelineStore
    start: StartTriggered
    clock: Clock

    def __call__(self, delivery: Delivery) -> Sequence[str]:
        """The ids of the runs that it started; none if it was dealt with before. Safe to repeat at any point.

        Run ids derive from the delivery, and it is marked as done last: a crash in between only means that all is done again,
        with the same ids. Raises Undeliverable.
        """
        githost, push = self._read(delivery)
        key = f"DELIVERY#{delivery.githost_id}#{delivery.delivery_id}"
        seen = self.seen.first_seen(key, delivery.event, self.clock(), _KEPT)
        if seen.done:
            return ()
        started = []
        for version in self.pipelines.list_newest(githost.organization, githost.project):
            if version.push is not None and push.starts(version.push):
                run_id = derived_ulid(seen.first_seen, delivery.githost_id, delivery.delivery_id, version.name)
                run = self.start(run_id, version, push.event(), f"{githost.kind} {githost.name}")
                started.append(run.run_id)
        self.seen.mark_done(key)
        return started

    def _read(self, delivery: Delivery) -> tuple[GitHost, Push]:
        try:
            githost = self.githosts.get_githost(delivery.githost_id)
            return githost, github.read_push(github.read_payload(delivery.body, delivery.content_type))
        except (NotFound, InvalidRequest) as error:
            raise Undeliverable(error.message) from error
