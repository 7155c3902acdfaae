"""Connects repositories that a GitHub App of the project is installed on."""

from dataclasses import dataclass, replace

from cadence.application.repositories.connect import connected_repository
from cadence.application.repositories.github_app_tokens import AppTokens
from cadence.application.repositories.ports import CodeHosts, RepositorySecrets, RepositoryStore
from cadence.application.repositories.reconcile import RecordHeads
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import Project
from cadence.domain.repositories.github_app import PERMISSIONS, GitHubApp
from cadence.domain.repositories.repository import ForkPolicy, Repository, RepositoryAddress
from cadence.domain.shared.errors import Forbidden, InvalidRequest, Violation


@dataclass(frozen=True, kw_only=True)
class ConnectWithApp:
    """Connects repositories without a token of their own: the App has one webhook for all its repositories."""

    repositories: RepositoryStore
    hosts: CodeHosts
    app_tokens: AppTokens
    record_heads: RecordHeads
    clock: Clock

    def connect(
        self,
        project: Project,
        address: RepositoryAddress,
        app: GitHubApp,
        created_by: str,
        forks: ForkPolicy = ForkPolicy.BASE,
    ) -> Repository:
        """Connects a repository; returns it.

        Raises InvalidRequest if the App is another project's or not installed there, Conflict if the project has the
        repository already, Transient if GitHub does not answer.
        """
        if (app.organization, app.project, app.origin) != (project.organization, project.name, address.origin):
            raise _refused(
                f"The App {app.name} is one of the project {app.project!r}, for repositories on {app.origin}."
            )
        try:
            token = self.app_tokens.token(app.app_id, address.name, PERMISSIONS)
        except (Forbidden, InvalidRequest) as error:
            raise _refused(error.message) from None
        host = self.hosts.open(address, token, as_app=True)
        repository = connected_repository(
            self.clock(), project, address, host.describe(), app.public_url, created_by, forks
        )
        connected = replace(repository, app_id=app.app_id)
        self.repositories.add_repository(connected, RepositorySecrets(webhook=b"", token=b""))
        self.record_heads.record_if_reached(connected.repository_id, host)
        return connected


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation("/app", message, "refused")])
