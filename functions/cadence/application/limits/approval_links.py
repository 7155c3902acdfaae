"""Approval links: a user without a token decides about one treatment, once, in the name of the link's creator."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from cadence.application.limits.approvals import ApprovalStore, TreatmentApprovals
from cadence.application.limits.ports import ApprovalLink, LinkStore
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore
from cadence.domain.access.access import Principal, secret_hash
from cadence.domain.limits.approval import ApprovalRequest, ApprovalVerdict, Approver, Decision, obstacle
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Conflict, Forbidden, Gone, NotFound

_NONE = "There is no such approval link. Links are used once, and end with the approval that they are for."


@dataclass(frozen=True)
class MadeLink:
    """A new link's id and its key."""

    link_id: str
    key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ApprovalLinks:
    """Makes and uses approval links.

    `maker` returns the approver that made a link, with its teams of now, None if it is gone: a link ends with it.
    """

    links: LinkStore
    runs: RunStore
    store: ApprovalStore
    approvals: TreatmentApprovals
    maker: Callable[[ApprovalLink], Approver | None]
    clock: Clock

    def make(self, run: Run, treatment: str, by: Principal) -> MadeLink:
        """Returns a new link.

        Raises Conflict if the treatment waits for no approval, Forbidden if `by` may not approve it.
        """
        try:
            request = self.store.get_request(run.run_id, treatment)
        except NotFound:
            raise Conflict(f"Treatment {treatment} does not wait for an approval.") from None
        if reason := obstacle(request, Approver.of(by), ""):  # who started the run may refuse by a link
            raise Forbidden(reason)
        link = MadeLink(secrets.token_hex(16), secrets.token_urlsafe(32))
        ends = max(request.expires_at, self.clock() + timedelta(seconds=1))
        self.links.add_link(
            ApprovalLink(
                link_id=link.link_id,
                key_sha256=secret_hash(link.key),
                run_id=run.run_id,
                treatment=treatment,
                organization=run.organization,
                project=run.project,
                token_id=by.token_id,
                name=by.author,
                subject=by.subject,
                expires_at=ends,
            )
        )
        return link

    def look(self, link_id: str, key: str) -> tuple[ApprovalLink, Run, ApprovalRequest]:
        """Returns the link, its run and the request for approval.

        Raises NotFound (with the same message whether the link or its key is wrong), Gone (used, or expired).
        """
        link, _ = self._open(link_id, key)
        return link, self.runs.get_run(link.run_id), self.store.get_request(link.run_id, link.treatment)

    def decide(self, link_id: str, key: str, verdict: ApprovalVerdict, comment: str) -> Decision:
        """Decides by a link, once. Raises what `look` and `TreatmentApprovals.decide` raise."""
        link, maker = self._open(link_id, key)
        run = self.runs.get_run(link.run_id)
        decision = self.approvals.decide(run, link.treatment, verdict, maker, f"link made by {link.name}", comment)
        try:
            self.links.use_link(link_id, self.clock())
        except Conflict:
            raise Gone("This approval link was used already, or has expired.") from None
        return decision

    def _open(self, link_id: str, key: str) -> tuple[ApprovalLink, Approver]:
        try:
            link = self.links.get_link(link_id)
        except NotFound:
            raise NotFound(_NONE) from None
        if not hmac.compare_digest(link.key_sha256, secret_hash(key)):
            raise NotFound(_NONE)
        if link.used_at is not None or self.clock() >= link.expires_at:
            raise Gone("This approval link was used already, or has expired.")
        maker = self.maker(link)
        if maker is None:
            raise Gone("The account or token that made this approval link was removed. Ask for another link.")
        return link, maker
