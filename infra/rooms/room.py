"""One room of the main stack: its queues and Lambdas, from their rows, and what a room of its own class adds."""

from collections.abc import Mapping
from typing import ClassVar

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alarms import Alarms
from infra.event_sources import connect
from infra.functions import Functions
from infra.lambdas import of_room
from infra.queues import WorkQueue
from infra.row import LambdaRow
from infra.row.queues import WATCHING_FAILED
from infra.row.triggers import QueueMessages
from infra.shared import Shared


class Room(Construct):
    """The resources of one capability.

    The stack creates all rooms, then their Lambdas with the settings of all rooms, then connects the Lambdas, so
    that the Lambdas of one room may use resources of every other. Subclasses set ``name``, and extend what they need.
    """

    name: ClassVar[str]

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared.stack, self.name.title())
        self.shared = shared
        self._rows = of_room(self.name)
        self._functions: Functions | None = None
        # By name.
        self.queues: dict[str, WorkQueue] = {}
        # Dead-letter queues of this room, by the name of what they are for.
        self.failed: dict[str, sqs.Queue] = {}
        for row in self._rows:
            self._add_queues(row)

    def _add_queues(self, row: LambdaRow) -> None:
        for trigger in row.triggers:
            if isinstance(trigger, QueueMessages):
                queue = trigger.queue
                shared_failed = self.shared.watching_failed if queue.failed == WATCHING_FAILED else None
                work = WorkQueue(
                    self, self.shared.deployment, queue.name, consumer_timeout=row.timeout, failed=shared_failed
                )
                self.queues[queue.name] = work
                if work.has_own_failed:
                    self.failed[queue.name] = work.failed

    def settings(self) -> Mapping[str, str]:
        """Returns the settings that this room provides to all Lambdas, by the names of their fields."""
        return {name: value for work in self.queues.values() for name, value in work.settings().items()}

    def add_functions(self, settings: Mapping[str, str]) -> Mapping[str, lambda_.Function]:
        """Creates the room's Lambdas, and connects them to their triggers. Returns them by folder."""
        shared = self.shared
        self._functions = Functions(
            self,
            shared.deployment,
            shared.resources,
            self._rows,
            settings=settings,
            secrets_key_arn=shared.secrets_key.key_arn,
        )
        for row in self._rows:
            connect(self._functions.by_folder[row.folder], row, self.queues, shared)
        return self._functions.by_folder

    def connect(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Connects the room's resources to Lambdas, which are given by folder."""

    def add_alarms(self, alarms: Alarms) -> None:
        """Adds the room's alarms."""
        for name, queue in self.failed.items():
            alarms.on_dead_letters(name, queue)
        if self._functions:
            for folder, log_group in self._functions.log_groups.items():
                alarms.count_errors(folder, log_group)
