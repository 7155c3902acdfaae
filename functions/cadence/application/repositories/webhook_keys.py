"""The secrets of the webhooks of connected repositories, beside those of git hosts."""

from dataclasses import dataclass

from cadence.application.repositories.ports import RepositoryStore
from cadence.application.repositories.repository_secrets import webhook_context
from cadence.application.triggers.ports import WebhookKey, WebhookKeys
from cadence.domain.repositories.repository import ID_PREFIX
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True)
class RepositoryWebhookKeys:
    """Implements WebhookKeys; `others` has the keys of all addresses that are no repository's."""

    repositories: RepositoryStore
    others: WebhookKeys

    def find(self, hook_id: str) -> WebhookKey | None:
        if not hook_id.startswith(ID_PREFIX):
            return self.others.find(hook_id)
        try:
            repository = self.repositories.get_repository(hook_id)
            secrets = self.repositories.repository_secrets(hook_id)
        except NotFound:
            return None
        return WebhookKey(kind=repository.kind, encrypted_secret=secrets.webhook, context=webhook_context(hook_id))
