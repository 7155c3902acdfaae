"""Wiring of the Lambda `webhooks`, which git hosts wait for: it reads no repositories, and loads nothing that does."""

from cadence.adapters.caching.cached_cipher import CachedCipher
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.repositories.github_apps import DynamoGitHubApps
from cadence.adapters.dynamodb.repositories.repository_store import DynamoRepositoryStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.sqs.deliveries import SqsDeliveryQueue
from cadence.application.repositories.webhook_keys import RepositoryWebhookKeys
from cadence.application.triggers.receive_webhook import GitHostKeys, ReceiveWebhook
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def receive_webhook() -> ReceiveWebhook:
    config = settings.load(settings.WebhooksSettings)
    queue = SqsDeliveryQueue(config.deliveries_queue_url, config.data_bucket)
    repositories = DynamoRepositoryStore(config.repositories_table)
    apps = DynamoGitHubApps(config.repositories_table)
    keys = RepositoryWebhookKeys(repositories, apps, GitHostKeys(DynamoAccessStore(config.access_table)))
    return ReceiveWebhook(keys, CachedCipher(KmsCipher(config.secrets_key)), queue, now)
