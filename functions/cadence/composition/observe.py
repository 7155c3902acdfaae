"""Wiring of the Lambda `observe`."""

from cadence.adapters.caching.ttl_cache import CachedSubscriptions
from cadence.adapters.dynamodb.access.subscriptions import DynamoSubscriptionStore
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.sqs.events import SqsEvents
from cadence.application.exports.observe import Observe
from cadence.composition import settings
from cadence.domain.exports.event import Audience


def observe() -> Observe:
    its = settings.load(settings.ObserveSettings)
    queues = {Audience.ALERTING: its.alerting_queue_url, Audience.EXPORTING: its.exporting_queue_url}
    subscriptions = CachedSubscriptions(DynamoSubscriptionStore(its.access_table))
    return Observe(DynamoRunStore(its.runs_table), DynamoHostStore(its.runners_table), subscriptions, SqsEvents(queues))
