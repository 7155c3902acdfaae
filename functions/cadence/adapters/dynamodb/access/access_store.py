"""The `access` table: organizations, projects, pools, tokens, git hosts, and deliveries and requests seen before."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pynamodb.expressions.update import Action

from cadence.adapters.dynamodb.access.access_items import (
    ITEMS,
    AccessTable,
    GitHostItem,
    OrganizationItem,
    OrganizationNameItem,
    ProjectItem,
    SeenItem,
    TokenItem,
    organization_key,
)
from cadence.adapters.dynamodb.access.access_queries import create_item, read_item, read_under, write_together
from cadence.adapters.dynamodb.access.credentials import CredentialReader
from cadence.adapters.dynamodb.access.people_items import PolicyItem, PrincipalItem
from cadence.adapters.dynamodb.access.pool_store import DynamoPoolStore
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.ports import Credentials, SeenRequest
from cadence.domain.access.access import ApiToken, Organization, Project
from cadence.domain.limits.quotas import Quotas
from cadence.domain.shared.errors import Conflict, NotFound, Transient
from cadence.domain.triggers.githost import GitHost


class DynamoAccessStore(DynamoPoolStore):
    """Implements TokenStore, Directory (with PoolStore), GitHostStore and SeenStore."""

    def __init__(self, table_name: str) -> None:
        for item in ITEMS:
            bind(item, table_name)
        for other in (PrincipalItem, PolicyItem):
            bind(other, table_name)
        self._credentials = CredentialReader()

    # Organizations, projects, pools

    def add_organization(self, organization: Organization) -> None:
        listed = OrganizationNameItem(OrganizationNameItem.PK, organization.name)
        _create_pair(
            (OrganizationItem.of(organization), listed),
            f"The organization {organization.name!r} exists already, or has existed: a name is used once.",
        )

    def get_organization(self, name: str) -> Organization:
        return read_item(
            OrganizationItem, organization_key(name), OrganizationItem.SK, f"There is no organization {name!r}."
        ).organization()

    def list_organizations(self) -> Sequence[Organization]:
        with translated("the list of organizations"):
            names = [item.sk for item in OrganizationNameItem.query(OrganizationNameItem.PK, consistent_read=True)]
            keys = [(organization_key(name), OrganizationItem.SK) for name in names]
            found = [item.organization() for item in OrganizationItem.batch_get(keys, consistent_read=True)]
        return sorted(found, key=lambda organization: organization.name)

    def rename_organization(self, name: str, display_name: str) -> None:
        item = OrganizationItem(organization_key(name), OrganizationItem.SK)
        there = OrganizationItem.pk.exists() & OrganizationItem.deletion.does_not_exist()
        try:
            with translated(f"organization {name}"):
                item.update([OrganizationItem.display_name.set(display_name)], condition=there)
        except Conflict:
            raise NotFound(f"There is no organization {name!r}.") from None

    def get_quotas(self, organization: str) -> Quotas:
        try:
            return read_item(OrganizationItem, organization_key(organization), OrganizationItem.SK, "").quotas()
        except NotFound:
            return Quotas()

    def put_quotas(self, organization: str, quotas: Quotas) -> None:
        item = OrganizationItem(organization_key(organization), OrganizationItem.SK)
        runners = OrganizationItem.max_runners
        actions: list[Action] = [
            OrganizationItem.max_running_runs.set(quotas.max_running_runs),
            runners.remove() if quotas.max_runners is None else runners.set(quotas.max_runners),
        ]
        try:
            with translated(f"organization {organization}"):
                item.update(actions, condition=OrganizationItem.pk.exists())
        except Conflict:
            raise NotFound(f"There is no organization {organization!r}.") from None

    def add_project(self, project: Project) -> None:
        create_item(ProjectItem.of(project), f"The project {project.name!r} exists already.")

    def get_project(self, organization: str, name: str) -> Project:
        return read_item(
            ProjectItem, organization_key(organization), ProjectItem.PREFIX + name, f"There is no project {name!r}."
        ).project()

    def list_projects(self, organization: str) -> Sequence[Project]:
        return [item.project() for item in read_under(ProjectItem, organization_key(organization), ProjectItem.PREFIX)]

    # Tokens

    def credentials(self, token_id: str, organization: str | None) -> Credentials:
        return self._credentials.read(token_id, organization)

    def add_token(self, token: ApiToken) -> None:
        _create_pair(TokenItem.pair(token), "This token id is taken.")

    def get_token(self, token_id: str) -> ApiToken:
        return read_item(TokenItem, *TokenItem.key(token_id), f"There is no token {token_id!r}.").token()

    def list_tokens(self, organization: str) -> Sequence[ApiToken]:
        return [item.token() for item in read_under(TokenItem, organization_key(organization), TokenItem.PREFIX)]

    def end_token(self, organization: str, token_id: str, at: datetime) -> None:
        keys = (
            TokenItem.key(token_id),
            (organization_key(organization), TokenItem.PREFIX + token_id),
        )
        try:
            with translated(f"token {token_id}"), write_together() as transaction:
                for key in keys:
                    transaction.update(
                        TokenItem(*key), [TokenItem.valid_until.set(at)], condition=TokenItem.pk.exists()
                    )
        except Conflict:
            raise NotFound(f"There is no token {token_id!r}.") from None

    def delete_token(self, organization: str, token_id: str) -> None:
        with write_together() as transaction:
            transaction.delete(TokenItem(*TokenItem.key(token_id)))
            transaction.delete(TokenItem(organization_key(organization), TokenItem.PREFIX + token_id))

    def put_run_token(self, token: ApiToken) -> None:
        itself, _ = TokenItem.pair(token)
        with translated("token of a run"):
            itself.save()

    def delete_run_token(self, token_id: str) -> None:
        with translated("token of a run"):
            TokenItem(*TokenItem.key(token_id)).delete()

    # Git hosts

    def add_githost(self, githost: GitHost, encrypted_secret: bytes, encrypted_token: bytes | None = None) -> None:
        _create_pair(GitHostItem.pair(githost, encrypted_secret, encrypted_token), "This git host's id is taken.")

    def get_githost(self, githost_id: str) -> GitHost:
        return _githost(githost_id).githost()

    def webhook_secret(self, githost_id: str) -> bytes:
        return _githost(githost_id).encrypted_secret or b""

    def access_token(self, githost_id: str) -> bytes | None:
        return _githost(githost_id).encrypted_token

    def put_webhook_secret(self, githost_id: str, encrypted_secret: bytes) -> None:
        _change_githost(githost_id, GitHostItem.encrypted_secret.set(encrypted_secret))

    def put_access_token(self, githost_id: str, encrypted_token: bytes | None) -> None:
        token = GitHostItem.encrypted_token
        _change_githost(githost_id, token.set(encrypted_token) if encrypted_token else token.remove())

    def delete_githost(self, organization: str, githost_id: str) -> None:
        with translated(f"git host {githost_id}"), write_together() as transaction:
            transaction.delete(GitHostItem(GitHostItem.PREFIX + githost_id, GitHostItem.SK))
            transaction.delete(GitHostItem(organization_key(organization), GitHostItem.PREFIX + githost_id))

    def list_githosts(self, organization: str) -> Sequence[GitHost]:
        return [item.githost() for item in read_under(GitHostItem, organization_key(organization), GitHostItem.PREFIX)]

    # Deliveries and requests seen before

    def first_seen(self, key: str, fingerprint: str, at: datetime, keep: timedelta) -> SeenRequest:
        item = SeenItem(key, _kind(key), first_seen=at, fingerprint=fingerprint, expires_at=at + keep)
        try:
            create_item(item, "It was seen before.")
        except Conflict:
            try:
                item = read_item(SeenItem, key, _kind(key), "")
            except NotFound:
                raise Transient("The earlier request has just expired. Send it again.") from None
        return SeenRequest(item.first_seen, item.fingerprint, bool(item.done))

    def mark_done(self, key: str) -> None:
        SeenItem(key, _kind(key)).update([SeenItem.done.set(True)])


def _githost(githost_id: str) -> GitHostItem:
    return read_item(
        GitHostItem, GitHostItem.PREFIX + githost_id, GitHostItem.SK, f"There is no git host {githost_id!r}."
    )


def _change_githost(githost_id: str, change: Action) -> None:
    item = GitHostItem(GitHostItem.PREFIX + githost_id, GitHostItem.SK)
    try:
        with translated(f"git host {githost_id}"):
            item.update([change], condition=GitHostItem.pk.exists())
    except Conflict:
        raise NotFound(f"There is no git host {githost_id!r}.") from None


def _kind(key: str) -> str:
    return key.partition("#")[0]


def _create_pair(items: tuple[AccessTable, AccessTable], taken: str) -> None:
    try:
        with translated(items[0].sk), write_together() as transaction:
            for item in items:
                transaction.save(item, condition=AccessTable.pk.does_not_exist())
    except Conflict:
        raise Conflict(taken) from None
