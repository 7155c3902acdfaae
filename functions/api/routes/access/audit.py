"""The audit log."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints, Model
from api.shapes import Cursor, Limit
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditFilter, AuditKind
from cadence.domain.shared.errors import Forbidden

endpoints = Endpoints("audit")

AuditKindName = Literal["change", "sign-in", "refusal", "secret", "value"]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class AuditView(Model):
    """One entry.

    `actor` is the id of a member, service account, token or runner, `token` the token's id, `by` the token's name, or
    the member's: that is not in the log itself, and empty once the person was erased. `action`
    is the name of the operation, `target` the path that it was called with. `outcome` is `accepted` or the code of the
    error that refused it; entries of one call have the same `request`. `source` is the address that it came from.
    """

    at: datetime
    kind: AuditKindName
    actor: str
    token: str
    by: str
    project: str
    action: str
    target: str
    outcome: str
    request: str
    source: str


class AuditPage(Model):
    items: list[AuditView] = Field(description="Newest first, of the projects that the token sees; kept for a year.")
    next: str | None = Field(
        description="The cursor of the next page, null at the end. A page of a rare filter may be short, or empty."
    )


class ChainRecordView(Model):
    """A chained record: `previous` is the `digest` of the record before it.

    `digest` is the SHA-256 of all other members as JSON with sorted keys, without blanks, in UTF-8.
    """

    organization: str
    sequence: int
    previous: str
    digest: str
    id: str
    at: str
    kind: str
    actor: str
    token: str
    by: str
    action: str
    target: str
    project: str
    outcome: str
    request: str
    source: str


class ChainHeadView(Model):
    """The number and digest of the last record; 0 and zeros if there is none yet."""

    sequence: int
    digest: str


class ChainPage(Model):
    items: list[ChainRecordView] = Field(description="In the order of the chain; kept for a year.")
    head: ChainHeadView
    next: str | None = Field(description="The number after which the next page begins, null at the end.")


class ChainQuery(Model):
    limit: Annotated[int, Field(ge=1, le=1_000)] = 1_000
    after: Annotated[int, Field(ge=0, lt=10**15)] = 0


class AuditQuery(Model):
    limit: Limit = 50
    cursor: Cursor | None = None
    kind: AuditKindName | None = None
    actor: Text | None = Field(None, description="An id (`member:ID`, of a token, `runner:ID`) or a name.")
    action: Text | None = Field(None, description="The name of an operation, for example `put_secret`.")
    outcome: Text | None = Field(None, description="`accepted`, or the code of an error, for example `forbidden`.")
    target: Text | None = Field(
        None, description="A thing: a path such as `/v1/projects/shop/secrets/key`, or its beginning."
    )
    project: Text | None = Field(None, description="A project, or `*` for entries about the whole organization.")
    since: AwareDatetime | None = Field(None, description="The time of the oldest entry.")
    until: AwareDatetime | None = Field(None, description="The time before which the newest entry was made.")


@endpoints.add("GET", "/v1/audit", Permission.AUDIT_READ, answers={200: AuditPage}, errors=(422,))
def list_audit(call: Call, services: Services, query: AuditQuery) -> AuditPage:
    """Lists the audit log: changes, sign-ins, refusals, secrets handed over, values and log lines that were read.

    A guest of another organization sees the ids of members, and neither their names nor their addresses.
    A change is recorded before it is carried out; a second entry of the same `request` says why it was refused.
    """
    kind = None if query.kind is None else AuditKind(query.kind)
    members = services.people.called(call.by, query.actor) if query.actor else frozenset()
    wanted = AuditFilter(kind=kind, members=members, **query.model_dump(exclude={"limit", "cursor", "kind"}))
    filters = query.model_dump(mode="json", exclude={"limit", "cursor"})
    listing, key = ("audit", call.by.organization, filters), services.keys.key("CURSOR")
    before = verify(key, query.cursor, *listing) if query.cursor else None
    page = services.audit.entries(call.by.organization, query.limit, before, wanted)
    items = [
        AuditView(
            at=entry.at,
            kind=entry.kind.value,
            actor=entry.actor,
            token=entry.token_id,
            by=actor.name,
            project=entry.project,
            action=entry.action,
            target=entry.target,
            outcome=entry.outcome,
            request=entry.request,
            source=actor.address,
        )
        for entry, actor in zip(page.items, services.people.actors_of(call.by, page.items), strict=True)
        if call.by.sees(entry.organization, entry.project)
    ]
    return AuditPage(items=items, next=sign(key, page.after, *listing) if page.after else None)


@endpoints.add(
    "GET",
    "/v1/audit/chain",
    Permission.AUDIT_READ,
    answers={200: ChainPage},
    errors=(422,),
    at="organization",
)
def list_audit_chain(call: Call, services: Services, query: ChainQuery) -> ChainPage:
    """Lists the chained records of the audit log, which show on the client that none was changed or removed.

    An entry is chained some seconds after it was made.
    """
    if not call.by.whole_organization:
        raise Forbidden("The chain of the audit log is of the whole organization: this token is for one project.")
    organization = call.by.organization
    # The end first: records that are chained meanwhile are beyond it.
    head = services.audit_chain.head(organization)
    records = services.audit_chain.records(organization, query.after, query.limit)
    last = records[-1]["sequence"] if records else head.sequence
    return ChainPage(
        items=[ChainRecordView.model_validate(record) for record in records],
        head=ChainHeadView(sequence=head.sequence, digest=head.digest),
        next=str(last) if last < head.sequence else None,
    )
