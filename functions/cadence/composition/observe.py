"""Wiring of `observe`."""

from cadence.adapters.dynamodb.hosts import DynamoHostStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.dynamodb.subscriptions import DynamoSubscriptionStore
from cadence.adapters.remembered import RememberedSubscriptions
from cadence.adapters.sqs_events import SqsEvents
from cadence.application.observe import Observe
from cadence.composition import settings
from cadence.domain.event import Audience


def observe() -> Observe:
    its = settings.load(settings.ObserveSettings)
    queues = {Audience.ALERTING: its.alerting_queue_url, Audience.EXPORTING: its.exporting_queue_url}
    subscriptions = RememberedSubscriptions(DynamoSubscriptionStore(its.access_table))
    return Observe(DynamoRunStore(its.runs_table), DynamoHostStore(its.runners_table), subscriptions, SqsEvents(queues))
