"""Approvals: what waits for one, deciding with a token, making a link, and the page behind a link."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from api.endpoint import PUBLIC, Body, Call, Endpoints, Model, Reply
from api.reading import FORM
from api.routes.limits.approval_page import CONTENT_SECURITY_POLICY, decided_page, decision_page, problem_page
from api.routes.runs.insight_shapes import DecisionView
from api.shapes import Name
from cadence.application.runs.pending_approvals import PendingApproval
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.limits.approval import ApprovalVerdict, Approver
from cadence.domain.shared.errors import CadenceError, Conflict, Forbidden, Gone, NotFound

endpoints = Endpoints("approvals")

HTML = "text/html"
_LONGEST_COMMENT = 2_000
_STATUSES: dict[type[CadenceError], int] = {NotFound: 404, Gone: 410, Conflict: 409, Forbidden: 403}
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


class DecisionBody(Body):
    decision: Literal["approve", "refuse"]
    comment: str = Field("", max_length=_LONGEST_COMMENT)


class LinkDecisionBody(Body):
    """The page's form."""

    key: str = Field(min_length=1, max_length=200)
    decision: Literal["approve", "refuse"]
    comment: str = Field("", max_length=_LONGEST_COMMENT)


class LinkQuery(Model):
    key: str = Field(min_length=1, max_length=200)


class PendingQuery(Model):
    project: Name | None = None


class PendingApprovalView(Model):
    """A treatment that waits for an approval."""

    run_id: str
    project: str
    pipeline: str
    treatment: str
    environment: str
    starter: str
    branch: str | None
    commit: str | None
    commit_message: str | None
    required: int
    approvers: list[str] | None
    asked_at: datetime
    expires_at: datetime
    decisions: list[DecisionView]
    obstacle: str | None = Field(description="Why the caller cannot approve it; null if it can.")


class PendingApprovalList(Model):
    items: list[PendingApprovalView]
    next: str | None = None


class LinkView(Model):
    path: str = Field(description="Opens the page. It cannot be read again.")


@endpoints.add("GET", "/v1/approvals", Permission.RUNS_READ, answers={200: PendingApprovalList}, errors=(404, 422))
def list_approvals(call: Call, services: Services, query: PendingQuery) -> PendingApprovalList:
    """Lists the treatments that wait for an approval, of the newest 100 running runs; what expires first in front."""
    waiting = list(services.pending_approvals.list(call.by, query.project))
    names = services.people.names_for(call.by, (one.by for pending in waiting for one in pending.decisions))
    return PendingApprovalList(items=[_pending(pending, names) for pending in waiting])


@endpoints.add(
    "POST",
    "/v1/runs/{run_id}/treatments/{treatment}/approval",
    Permission.RUNS_APPROVE,
    answers={200: DecisionView},
    errors=(404, 409, 413, 415, 422),
)
def decide(call: Call, services: Services, run_id: str, treatment: str, body: DecisionBody) -> DecisionView:
    """Approves or refuses a treatment that waits for an approval. Each member, account or token decides once."""
    by = call.by
    environment = _environment(services, run_id, treatment)
    run = services.visible.get(by, run_id, environment=environment)
    if environment is None:
        services.look.read(run).spec(treatment)  # raises NotFound, with the treatments that there are
    verdict = ApprovalVerdict(body.decision)
    decision = services.approvals.decide(run, treatment, verdict, Approver.of(by), by.author, body.comment)
    return DecisionView.of(decision, services.people.names_for(by, [decision.by]))


@endpoints.add(
    "POST",
    "/v1/runs/{run_id}/treatments/{treatment}/approval-links",
    Permission.RUNS_APPROVE,
    answers={201: LinkView},
    errors=(404, 409),
)
def make_link(call: Call, services: Services, run_id: str, treatment: str) -> LinkView:
    """Makes a link by which its holder decides once, in the caller's name, as long as the approval is open."""
    run = services.visible.get(call.by, run_id, environment=_environment(services, run_id, treatment))
    created = services.approval_links.make(run, treatment, call.by)
    return LinkView(path=f"/v1/approvals/{created.link_id}?key={created.key}")


@endpoints.add("GET", "/v1/approvals/{link}", PUBLIC, answers={200: None}, errors=(404, 410, 422), content_type=HTML)
def show_link(call: Call, services: Services, link: str, query: LinkQuery) -> Reply:
    """Shows the page of a link, with a form. Opening it decides nothing."""
    try:
        stored, run, request = services.approval_links.look(link, query.key)
    except CadenceError as error:
        return _problem(call, error)
    return _page(decision_page(run, request, stored.name, query.key))


@endpoints.add(
    "POST",
    "/v1/approvals/{link}",
    PUBLIC,
    answers={200: None},
    errors=(403, 404, 409, 410, 413, 415, 422),
    also_text=(FORM,),
    content_type=HTML,
)
def decide_by_link(call: Call, services: Services, link: str, body: LinkDecisionBody) -> Reply:
    """Approves or refuses with a link's key, once."""
    try:
        stored, _, _ = services.approval_links.look(link, body.key)
        services.audit.note(
            AuditEntry(
                organization=stored.organization,
                project=stored.project,
                at=services.clock(),
                kind=AuditKind.CHANGE,
                actor=stored.subject or stored.token_id,
                token_id=stored.token_id,
                token_name=stored.name,
                action="decide_by_link",
                target=f"/v1/runs/{stored.run_id}/treatments/{stored.treatment}/approval",
                source=call.source,
            )
        )
        decision = services.approval_links.decide(link, body.key, ApprovalVerdict(body.decision), body.comment)
    except CadenceError as error:
        return _problem(call, error)
    return _page(decided_page(decision))


def _pending(pending: PendingApproval, names: Mapping[str, str]) -> PendingApprovalView:
    run, request = pending.run, pending.request
    return PendingApprovalView(
        run_id=run.run_id,
        project=run.project,
        pipeline=run.pipeline,
        treatment=request.treatment,
        environment=request.environment,
        starter=run.starter,
        branch=run.branch,
        commit=run.commit,
        commit_message=run.commit_message,
        required=request.required,
        approvers=None if request.approvers is None else list(request.approvers),
        asked_at=request.asked_at,
        expires_at=request.expires_at,
        decisions=[DecisionView.of(decision, names) for decision in pending.decisions],
        obstacle=pending.obstacle,
    )


def _environment(services: Services, run_id: str, treatment: str) -> str | None:
    """Returns the environment whose approval a treatment waits for, None if it waits for none."""
    try:
        return services.approval_store.get_request(run_id, treatment).environment
    except NotFound:
        return None


def _problem(call: Call, error: CadenceError) -> Reply:
    """Returns a page for browsers, and the usual problem document for other clients."""
    status = _STATUSES.get(type(error))
    if status is None or HTML not in call.headers.get("accept", ""):
        raise error
    return _page(problem_page(error.message), status)


def _page(html: str, status: int = 200) -> Reply:
    return Reply(html, status, _HEADERS, f"{HTML}; charset=utf-8")
