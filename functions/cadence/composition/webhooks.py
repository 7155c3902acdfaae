"""Wiring of the Lambda `webhooks`, which git hosts wait for: it reads no repositories, and loads nothing that does."""

from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.sqs.deliveries import SqsDeliveryQueue
from cadence.application.triggers.receive_webhook import ReceiveWebhook
from cadence.composition import settings


def receive_webhook() -> ReceiveWebhook:
    its = settings.load(settings.WebhooksSettings)
    queue = SqsDeliveryQueue(its.deliveries_queue_url, its.data_bucket)
    return ReceiveWebhook(DynamoAccessStore(its.access_table), KmsCipher(its.secrets_key), queue)
