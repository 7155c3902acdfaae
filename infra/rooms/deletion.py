"""Room ``deletion``: the Lambda that deletes projects."""

from collections.abc import Mapping

from infra.rooms.room import Room

# Longer than a signed URL is valid, and than a runner or an engine whose run has ended can go on.
_DELAY = 3 * 3600
# On one machine: longer than a Lambda remembers that a project is open.
_LOCAL_DELAY = 35


class DeletionRoom(Room):
    """Data is removed some time after the last run has ended, so that nothing is written behind the removal."""

    name = "deletion"

    def settings(self) -> Mapping[str, str]:
        delay = _LOCAL_DELAY if self.shared.deployment.is_local else _DELAY
        return {**super().settings(), "deletion_delay_seconds": str(delay)}
