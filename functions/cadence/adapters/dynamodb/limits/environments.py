"""`EnvironmentStore` and `LinkStore` on the `access` table."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.limits.ports import ApprovalLink
from cadence.domain.limits.environment_set import ApprovalRule, EnvironmentSet
from cadence.domain.shared.errors import Conflict, NotFound


class EnvironmentItem(AccessTable):
    PREFIX: ClassVar[str] = "ENVIRONMENT#"

    env: JSONAttribute = JSONAttribute()
    secrets: JSONAttribute = JSONAttribute()
    approvals: JSONAttribute = JSONAttribute(null=True)
    branches: JSONAttribute = JSONAttribute()
    protected_branches = BooleanAttribute(null=True)

    def environment(self) -> EnvironmentSet:
        stored = self.approvals
        approvals = None
        if stored is not None:
            approvers = None if stored["approvers"] is None else tuple(stored["approvers"])
            approvals = ApprovalRule(**{**stored, "approvers": approvers})
        return EnvironmentSet(
            name=self.sk.removeprefix(self.PREFIX),
            env=self.env,
            secrets=self.secrets,
            approvals=approvals,
            branches=tuple(self.branches),
            protected_branches=bool(self.protected_branches),
        )


class LinkItem(AccessTable):
    SK: ClassVar[str] = "LINK"
    PREFIX: ClassVar[str] = "LINK#"

    key_sha256 = UnicodeAttribute()
    run_id = UnicodeAttribute()
    treatment = UnicodeAttribute()
    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    token_id = UnicodeAttribute()
    name = UnicodeAttribute()
    valid_until = UTCDateTimeAttribute()
    used_at = UTCDateTimeAttribute(null=True)
    subject = UnicodeAttribute(null=True)

    def link(self) -> ApprovalLink:
        return ApprovalLink(
            link_id=self.pk.removeprefix(self.PREFIX),
            key_sha256=self.key_sha256,
            run_id=self.run_id,
            treatment=self.treatment,
            organization=self.organization,
            project=self.project,
            token_id=self.token_id,
            name=self.name,
            expires_at=self.valid_until,
            used_at=self.used_at,
            subject=self.subject,
        )


def _project_key(organization: str, project: str) -> str:
    return f"PROJECT#{organization}#{project}"


class DynamoEnvironmentStore:
    def __init__(self, table_name: str) -> None:
        bind(EnvironmentItem, table_name)

    def get_environment(self, organization: str, project: str, name: str) -> EnvironmentSet:
        try:
            with translated(f"environment {name}"):
                return EnvironmentItem.get(
                    _project_key(organization, project), EnvironmentItem.PREFIX + name, consistent_read=True
                ).environment()
        except EnvironmentItem.DoesNotExist:
            raise NotFound(f"There is no environment {name!r}.") from None

    def list_environments(self, organization: str, project: str) -> Sequence[EnvironmentSet]:
        key = _project_key(organization, project)
        with translated("environments"):
            prefix = EnvironmentItem.sk.startswith(EnvironmentItem.PREFIX)
            return [item.environment() for item in EnvironmentItem.query(key, prefix, consistent_read=True)]

    def put_environment(self, organization: str, project: str, environment: EnvironmentSet) -> None:
        approvals = environment.approvals
        item = EnvironmentItem(
            _project_key(organization, project),
            EnvironmentItem.PREFIX + environment.name,
            env=dict(environment.env),
            secrets=dict(environment.secrets),
            branches=list(environment.branches),
            protected_branches=environment.protected_branches or None,
        )
        if approvals is not None:
            item.approvals = {
                "required": approvals.required,
                "timeout": approvals.timeout,
                "approvers": None if approvals.approvers is None else list(approvals.approvers),
                "not_by_starter": approvals.not_by_starter,
            }
        with translated(f"environment {environment.name}"):
            item.save()

    def delete_environment(self, organization: str, project: str, name: str) -> None:
        item = EnvironmentItem(_project_key(organization, project), EnvironmentItem.PREFIX + name)
        try:
            with translated(f"environment {name}"):
                item.delete(EnvironmentItem.pk.exists())
        except Conflict:
            raise NotFound(f"There is no environment {name!r}.") from None


class DynamoLinkStore:
    def __init__(self, table_name: str) -> None:
        bind(LinkItem, table_name)

    def add_link(self, link: ApprovalLink) -> None:
        item = LinkItem(
            LinkItem.PREFIX + link.link_id,
            LinkItem.SK,
            key_sha256=link.key_sha256,
            run_id=link.run_id,
            treatment=link.treatment,
            organization=link.organization,
            project=link.project,
            token_id=link.token_id,
            name=link.name,
            subject=link.subject,
            valid_until=link.expires_at,
            expires_at=link.expires_at,
        )
        with translated("approval link"):
            item.save(LinkItem.pk.does_not_exist())

    def get_link(self, link_id: str) -> ApprovalLink:
        try:
            with translated("approval link"):
                return LinkItem.get(LinkItem.PREFIX + link_id, LinkItem.SK, consistent_read=True).link()
        except LinkItem.DoesNotExist:
            raise NotFound("There is no such approval link.") from None

    def use_link(self, link_id: str, at: datetime) -> None:
        with translated("approval link"):
            LinkItem(LinkItem.PREFIX + link_id, LinkItem.SK).update(
                [LinkItem.used_at.set(at)], condition=LinkItem.pk.exists() & LinkItem.used_at.does_not_exist()
            )
