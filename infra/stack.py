"""The main stack: everything but the log stream."""

from collections.abc import Iterable, Mapping

from aws_cdk import CfnElement, CfnOutput, DefaultStackSynthesizer, Stack
from constructs import Construct

from infra.alarms import Alarms
from infra.deployment import Deployment
from infra.findings import accept_shared_wildcards
from infra.logical_ids import logical_id
from infra.rooms import ROOMS
from infra.rooms.room import Room
from infra.shared import Shared, create_shared


class CadenceStack(Stack):
    """The rooms of one deployment, and what they share."""

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"cadence-{deployment.stage}",
            description="Cadence: a control plane for integration pipelines.",
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=not deployment.is_local),
        )
        shared = create_shared(self, deployment)
        rooms = [room(shared) for room in ROOMS]
        settings = _settings(shared, rooms)
        functions = {folder: function for room in rooms for folder, function in room.add_functions(settings).items()}
        for room in rooms:
            room.connect(functions)
        accept_shared_wildcards(self, shared.resources)
        alarms = Alarms(self, "Alarms", deployment, shared.secrets_key)
        alarms.on_dead_letters("watching", shared.watching_failed)
        for room in rooms:
            room.add_alarms(alarms)
        CfnOutput(
            self,
            "AccessTable",
            value=shared.tables.by_name["access"].table_name,
            description="Where `python -m cadence.setup` puts the first token.",
        )
        CfnOutput(self, "AlarmTopicArn", value=alarms.topic.topic_arn, description="Subscribe here to learn of faults.")

    def _allocate_logical_id(self, cfn_element: CfnElement) -> str:
        scopes = cfn_element.node.path.split("/")[1:]
        return logical_id(scopes, rooms=[room.name.title() for room in ROOMS])


def _settings(shared: Shared, rooms: Iterable[Room]) -> Mapping[str, str]:
    """Returns the settings of all Lambdas, by the names of their fields."""
    provided = {name: value for room in rooms for name, value in room.settings().items()}
    queues = [work.queue for room in rooms for work in room.queues.values()]
    failed = [queue for room in rooms for queue in room.failed.values()]
    watched = [queue.queue_url for queue in (*queues, *failed, shared.watching_failed)]
    return {**shared.settings(), **provided, "watched_queues": ",".join(watched)}
