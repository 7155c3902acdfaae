"""Records of the audit log about people who sign in, or are refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cadence.application.access.audited_request import note_hourly
from cadence.application.access.ports import AuditTrail
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.access.audit import AuditEntry, AuditKind, is_member
from cadence.domain.shared.errors import Forbidden, Unauthenticated


@dataclass(frozen=True, kw_only=True)
class SignInRecords:
    """Records one way to sign in: `name` stands for whoever is refused there, `target` is its address in the API.

    `source` is the caller's address.
    """

    audit: AuditTrail
    clock: Clock
    organization: str
    action: str
    name: str
    target: str
    source: str

    def accepted(self, actor: str, token_id: str) -> None:
        """Records that `actor` signed in, with the token that was issued."""
        self.audit.note(self._entry(AuditKind.SIGN_IN, actor, token_id, "accepted"))

    @contextmanager
    def noting_refusals(self) -> Iterator[None]:
        """Records a refusal once an hour for each way, outcome and address; who it was is not known for sure."""
        try:
            yield
        except (Unauthenticated, Forbidden) as error:
            note_hourly(self.audit, self._entry(AuditKind.REFUSAL, self.name, "", error.code), self.name, self.source)
            raise

    def _entry(self, kind: AuditKind, actor: str, token_id: str, outcome: str) -> AuditEntry:
        return AuditEntry(
            organization=self.organization,
            project=ALL_PROJECTS,
            at=self.clock(),
            kind=kind,
            actor=actor,
            token_id=token_id,
            token_name="" if is_member(actor) else actor,
            action=self.action,
            target=self.target,
            outcome=outcome,
            source=self.source,
        )
