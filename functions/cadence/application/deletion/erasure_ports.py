"""Ports of the erasure of persons."""

from collections.abc import Sequence
from typing import Protocol

from cadence.domain.deletion.member_erasure import MemberErasure


class ErasureStore(Protocol):
    """Certificates of erasures (table `access`)."""

    def put(self, erasure: MemberErasure) -> None:
        """Creates or replaces an erasure."""

    def get(self, organization: str, erasure_id: str) -> MemberErasure:
        """Returns an erasure. Raises NotFound."""

    def list(self, organization: str) -> Sequence[MemberErasure]:
        """Returns the erasures of the organization, the newest first."""
