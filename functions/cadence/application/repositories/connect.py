"""Connects repositories to projects, renews their credentials, and disconnects them."""

from dataclasses import dataclass, replace
from datetime import datetime

from cadence.application.repositories.ports import (
    CodeHost,
    CodeHosts,
    HostedRepository,
    RepositoryStore,
)
from cadence.application.repositories.reconcile import RecordHeads
from cadence.application.repositories.repository_secrets import RepositoryKeys
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import Project
from cadence.domain.repositories.repository import ID_PREFIX, ForkPolicy, Repository, RepositoryAddress
from cadence.domain.shared.errors import CadenceError, Forbidden, InvalidRequest, NotFound, Violation


@dataclass(frozen=True, kw_only=True)
class ConnectRepository:
    """Connects repositories: the code host, the webhook there and the credentials are one object."""

    repositories: RepositoryStore
    hosts: CodeHosts
    keys: RepositoryKeys
    record_heads: RecordHeads
    clock: Clock

    def connect(
        self,
        project: Project,
        address: RepositoryAddress,
        token: str,
        public_url: str,
        created_by: str,
        forks: ForkPolicy = ForkPolicy.BASE,
    ) -> Repository:
        """Connects a repository and creates its webhook; returns it.

        `public_url` is the address at which the code host reaches the API. Raises InvalidRequest if the code host
        refuses the token or the webhook (then nothing is kept), Conflict if the project has the repository already,
        Transient if the code host does not answer.
        """
        host = self.hosts.open(address, token)
        try:
            hosted = host.describe()
        except Forbidden as error:
            raise _refused("/token", f"The code host refuses the token. {error.message}") from None
        except NotFound:
            message = f"The token does not see a repository {address.name!r} at {address.origin}. Check both."
            raise _refused("/url", message) from None
        repository = connected_repository(self.clock(), project, address, hosted, public_url, created_by, forks)
        secret = self.keys.new_secret()
        secrets = self.keys.encrypted(repository.repository_id, secret, token)
        # Stored first: a webhook that nothing here knows would be refused for good, and never removed.
        self.repositories.add_repository(repository, secrets)
        try:
            connected = replace(repository, webhook_id=host.put_webhook(None, repository.webhook_url, secret))
        except CadenceError as error:
            self.repositories.remove_repository(repository)
            if isinstance(error, Forbidden | NotFound | InvalidRequest):
                message = f"The webhook could not be created; the token needs the right to. {error.message}"
                raise _refused("/token", message) from None
            raise
        self.repositories.replace_repository(connected, secrets)
        self.record_heads.record_if_reached(connected.repository_id, host)
        return connected

    def rotate(self, repository: Repository, token: str | None = None) -> Repository:
        """Renews the webhook's secret, and replaces the token if one is given; returns the repository.

        A webhook that is missing is created again. Webhooks that arrive between the two writes are refused: the code
        host shows them as failed and can send them again. Raises InvalidRequest if the code host refuses the token.
        """
        if repository.app_id is not None:
            message = (
                f"{repository.name} is connected with a GitHub App: `cadence github-app rotate` renews its secrets."
            )
            raise InvalidRequest(message)
        stored = self.repositories.repository_secrets(repository.repository_id)
        token = token or self.keys.token(repository.repository_id, stored)
        host = self.hosts.open(repository.address, token)
        secret = self.keys.new_secret()
        secrets = self.keys.encrypted(repository.repository_id, secret, token)
        try:
            webhook_id = self._existing_webhook(host, repository)
            # First here: a step that fails between the two is mended by the same call again.
            self.repositories.replace_repository(repository, secrets)
            webhook_id = host.put_webhook(webhook_id, repository.webhook_url, secret)
        except Forbidden as error:
            raise _refused("/token", f"The code host refuses the token. {error.message}") from None
        except NotFound as error:
            raise _refused(
                "/token", f"The token does not see the repository or its webhooks. {error.message}"
            ) from None
        rotated = replace(repository, webhook_id=webhook_id)
        self.repositories.replace_repository(rotated, secrets)
        return rotated

    def _existing_webhook(self, host: CodeHost, repository: Repository) -> str | None:
        """Returns the id of the repository's webhook: also one whose creation was never recorded here."""
        return next((hook.webhook_id for hook in host.list_webhooks() if hook.url == repository.webhook_url), None)

    def disconnect(self, repository: Repository, *, force: bool = False) -> str | None:
        """Removes the webhook, the credentials and the repository.

        Returns None, or with `force` the reason why the webhook may remain on the code host. Without it, raises the
        code host's refusal.
        """
        remains = None
        try:
            if repository.app_id is None:  # the webhook of an App is that of all its repositories
                self._remove_webhook(repository)
        except CadenceError as error:
            if not force:
                raise InvalidRequest(
                    f"The webhook could not be removed. {error.message} Rotate the token and try again, or disconnect "
                    "by force and remove the webhook on the code host."
                ) from None
            remains = error.message
        self.repositories.remove_repository(repository)
        return remains

    def _remove_webhook(self, repository: Repository) -> None:
        stored = self.repositories.repository_secrets(repository.repository_id)
        host = self.hosts.open(repository.address, self.keys.token(repository.repository_id, stored))
        webhook_id = repository.webhook_id or self._existing_webhook(host, repository)
        if webhook_id is None:
            return
        try:
            host.remove_webhook(webhook_id)
        except NotFound:
            return  # it was removed there already


def connected_repository(
    now: datetime,
    project: Project,
    address: RepositoryAddress,
    hosted: HostedRepository,
    public_url: str,
    created_by: str,
    forks: ForkPolicy,
) -> Repository:
    """Returns a new repository of a project, with what its code host states about it."""
    return Repository(
        repository_id=ID_PREFIX + new_ulid(now),
        kind=address.kind,
        organization=project.organization,
        project=project.name,
        name=hosted.name,
        url=hosted.url,
        clone_url=hosted.clone_url,
        origin=address.origin,
        default_branch=hosted.default_branch,
        public_url=public_url,
        created_at=now,
        created_by=created_by,
        forks=forks,
    )


def _refused(pointer: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation(pointer, message, "refused")])
