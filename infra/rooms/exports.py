"""Room ``exports``: the queue of events that are sent to monitoring systems."""

from collections.abc import Mapping

from infra.rooms.room import Room


class ExportsRoom(Room):
    """Metrics are sent to CloudWatch only where the deployment says so, since each one is billed."""

    name = "exports"

    def settings(self) -> Mapping[str, str]:
        deployment = self.shared.deployment
        namespace = f"Cadence/{deployment.stage}" if deployment.cloudwatch_metrics else ""
        return {
            **super().settings(),
            "metrics_namespace": namespace,
            # Metrics name queues without it.
            "queue_prefix": deployment.name(""),
        }
