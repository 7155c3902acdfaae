"""Examines a connected repository: what works, what does not, and what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cadence.application.repositories.github_app_ports import GitHubAppStore
from cadence.application.repositories.github_app_tokens import AppTokens
from cadence.application.repositories.ports import (
    CodeHost,
    CommitReportStore,
    HostedRepository,
    HostedWebhook,
    RepositoryStore,
)
from cadence.application.repositories.repository_secrets import OpenRepository
from cadence.domain.repositories.repository import Repository
from cadence.domain.shared.errors import CadenceError


@dataclass(frozen=True)
class RepositoryCheck:
    """The result of one check. `message` states what was found, and what to do if it is not `ok`."""

    name: str
    ok: bool
    message: str


@dataclass(frozen=True, kw_only=True)
class ExamineRepository:
    """Examines repositories. Nothing is changed."""

    repositories: RepositoryStore
    reports: CommitReportStore
    open_repository: OpenRepository
    apps: GitHubAppStore
    app_tokens: AppTokens

    def examine(self, repository: Repository) -> Sequence[RepositoryCheck]:
        """Returns the results of all checks that could be made. Never raises for a fault of the code host."""
        checks = list(self._on_the_host(repository))
        return (*checks, self._deliveries(repository), self._reports(repository))

    def _on_the_host(self, repository: Repository) -> Iterator[RepositoryCheck]:
        try:
            host = self.open_repository.open(repository)
            hosted = host.describe()
        except CadenceError as error:
            yield RepositoryCheck("reachable", False, f"{error.message} Check the address, and rotate the token.")
            return
        yield RepositoryCheck("reachable", True, f"{hosted.url} can be read with the token.")
        yield _name(repository, hosted)
        if repository.app_id is not None:
            yield from self._app(repository, repository.app_id)
            return
        yield _rights(hosted)
        yield self._webhook(repository, host)

    def _app(self, repository: Repository, app_id: str) -> Iterator[RepositoryCheck]:
        try:
            app = self.apps.get_app(app_id)
            host = self.app_tokens.open(app)
            missing = host.find_installation(repository.name).missing
            hook = host.webhook_url()
        except CadenceError as error:
            yield RepositoryCheck("app", False, f"The GitHub App cannot be examined. {error.message}")
            return
        if missing:
            names = ", ".join(f"{name}: {level}" for name, level in missing.items())
            message = f"The installation of {app.name} lacks {names}. Grant it on GitHub: {app.url}"
            yield RepositoryCheck("rights", False, message)
        else:
            yield RepositoryCheck("rights", True, f"The GitHub App {app.name} has the permissions that it needs.")
        if hook == app.webhook_url:
            yield RepositoryCheck("webhook", True, f"Webhooks of the App are sent to {hook}.")
        else:
            message = (
                f"The App's webhook leads to {hook}, not to {app.webhook_url}. `cadence github-app rotate` sets it."
            )
            yield RepositoryCheck("webhook", False, message)

    def _webhook(self, repository: Repository, host: CodeHost) -> RepositoryCheck:
        try:
            hooks = host.list_webhooks()
        except CadenceError as error:
            return RepositoryCheck("webhook", False, f"The webhooks cannot be listed. {error.message}")
        return _webhook(repository, hooks)

    def _deliveries(self, repository: Repository) -> RepositoryCheck:
        newest = self.repositories.list_deliveries(repository.repository_id, 1)
        if not newest:
            return RepositoryCheck(
                "deliveries",
                False,
                f"No webhook has arrived yet. Push a commit; if none arrives, check that {repository.origin} "
                f"reaches {repository.public_url}.",
            )
        delivery = newest[0]
        when = f"{delivery.received_at:%Y-%m-%d %H:%M:%S} UTC"
        return RepositoryCheck("deliveries", True, f"The last webhook arrived at {when}: {delivery.outcome}")

    def _reports(self, repository: Repository) -> RepositoryCheck:
        problem = self.reports.problem(repository.repository_id)
        if problem is None:
            return RepositoryCheck("reports", True, "No report to the code host is being refused.")
        return RepositoryCheck("reports", False, f"The last report was refused. {problem} It is sent again by itself.")


def _name(repository: Repository, hosted: HostedRepository) -> RepositoryCheck:
    if hosted.name.casefold() == repository.name.casefold():
        return RepositoryCheck("name", True, f"It is named {hosted.name}.")
    message = (
        f"It is named {hosted.name} now, and was connected as {repository.name}. Disconnect it and connect it anew."
    )
    return RepositoryCheck("name", False, message)


def _rights(hosted: HostedRepository) -> RepositoryCheck:
    if hosted.may_administer:
        return RepositoryCheck("rights", True, "The token may administer the repository.")
    message = "The token may not administer webhooks. Give it that right, or rotate to a token that has it."
    return RepositoryCheck("rights", False, message)


def _webhook(repository: Repository, hooks: Sequence[HostedWebhook]) -> RepositoryCheck:
    hook = next((hook for hook in hooks if hook.url == repository.webhook_url), None)
    if hook is None:
        return RepositoryCheck(
            "webhook", False, f"There is no webhook to {repository.webhook_url}. Rotate to create it."
        )
    if not hook.active:
        return RepositoryCheck("webhook", False, "The webhook is switched off. Rotate to switch it on.")
    return RepositoryCheck("webhook", True, f"Webhooks are sent to {repository.webhook_url}.")
