"""Room ``runners``: the Lambda that agents and hosts talk to."""

from collections.abc import Mapping

from cadence.domain.runners.id_token import LIFETIME
from infra.rooms.room import Room

# Seconds. Short enough to see that treatments get a new one; all clocks are one.
_LOCAL_ID_TOKEN = 60


class RunnersRoom(Room):
    """Work notification queues of pools are created at run time; their names begin with
    ``work_notification_prefix``.
    """

    name = "runners"

    def settings(self) -> Mapping[str, str]:
        deployment = self.shared.deployment
        return {
            **super().settings(),
            "work_notification_prefix": self.shared.resources.work_notification_prefix,
            "cache_mebibytes": str(deployment.cache_mebibytes),
            "id_token_seconds": str(_LOCAL_ID_TOKEN if deployment.is_local else int(LIFETIME.total_seconds())),
            "project_cache_mebibytes": str(deployment.project_cache_mebibytes),
            # Only on one machine do the control plane and the runners share a loopback interface.
            "loopback_registries": "resolved" if deployment.is_local else "left",
        }
