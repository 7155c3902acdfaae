"""Wiring of the Lambda `observe`."""

from cadence.adapters.aws.commit_report_requests import LambdaCommitReports
from cadence.adapters.aws.reading_requests import LambdaReadingRequests
from cadence.adapters.caching.known_runs import KnownRuns
from cadence.adapters.caching.ttl_cache import CachedSubscriptions
from cadence.adapters.dynamodb.access.subscriptions import DynamoSubscriptionStore
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.sqs.events import SqsEvents
from cadence.application.exports.observe import Observe
from cadence.composition.shared import settings
from cadence.domain.exports.event import Audience


def observe() -> Observe:
    config = settings.load(settings.ObserveSettings)
    queues = {Audience.ALERTING: config.alerting_queue_url, Audience.EXPORTING: config.exporting_queue_url}
    subscriptions = CachedSubscriptions(DynamoSubscriptionStore(config.access_table))
    return Observe(
        runs_of=KnownRuns(DynamoRunStore(config.runs_table).get_runs),
        runners=DynamoHostStore(config.runners_table),
        subscriptions=subscriptions,
        events=SqsEvents(queues),
        reports=LambdaCommitReports(config.commit_reports_function, config.deliveries_queue_url),
        test_reports=LambdaReadingRequests(config.test_reports_function),
    )
