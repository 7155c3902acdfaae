"""The secrets of the webhooks of connected repositories and of GitHub Apps, beside those of git hosts."""

from dataclasses import dataclass

from cadence.application.repositories.github_app_ports import GitHubAppStore
from cadence.application.repositories.github_app_tokens import app_webhook_context
from cadence.application.repositories.ports import RepositoryStore
from cadence.application.repositories.repository_secrets import webhook_context
from cadence.application.triggers.ports import WebhookKey, WebhookKeys
from cadence.domain.repositories.github_app import APP_PREFIX
from cadence.domain.repositories.repository import ID_PREFIX
from cadence.domain.shared.errors import NotFound
from cadence.domain.triggers.githost import GitHostKind


@dataclass(frozen=True)
class RepositoryWebhookKeys:
    """Implements WebhookKeys; `others` has the keys of the addresses that are neither a repository's nor an App's."""

    repositories: RepositoryStore
    apps: GitHubAppStore
    others: WebhookKeys

    def find(self, hook_id: str) -> WebhookKey | None:
        if hook_id.startswith(APP_PREFIX):
            return self._of_app(hook_id)
        if not hook_id.startswith(ID_PREFIX):
            return self.others.find(hook_id)
        try:
            repository = self.repositories.get_repository(hook_id)
            secrets = self.repositories.repository_secrets(hook_id)
        except NotFound:
            return None
        return WebhookKey(kind=repository.kind, encrypted_secret=secrets.webhook, context=webhook_context(hook_id))

    def _of_app(self, app_id: str) -> WebhookKey | None:
        try:
            encrypted = self.apps.app_secrets(app_id).webhook
        except NotFound:
            return None
        return WebhookKey(kind=GitHostKind.GITHUB, encrypted_secret=encrypted, context=app_webhook_context(app_id))
