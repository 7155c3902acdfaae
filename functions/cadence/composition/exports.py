"""Wiring of metrics and exports: of the Lambda `exports`, and of what the API offers about them."""

from collections.abc import Callable
from datetime import UTC, datetime

from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.counters import DynamoCounters
from cadence.adapters.dynamodb.export_backlog import DynamoBacklog
from cadence.adapters.dynamodb.exports import DynamoExportStore
from cadence.adapters.dynamodb.hosts import DynamoHostStore
from cadence.adapters.dynamodb.logs import DynamoLogIndex
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.dynamodb.subscriptions import DynamoSubscriptionStore
from cadence.adapters.dynamodb.turnstiles import DynamoTurnstileStore
from cadence.adapters.exporting.formats import format_of
from cadence.adapters.kms_cipher import KmsCipher
from cadence.adapters.outgoing_http import OutgoingHttp
from cadence.adapters.reach import Reach
from cadence.adapters.remembered_exports import RememberedExports
from cadence.adapters.remembered_pools import RememberedPools
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.adapters.sqs_depths import SqsDepths
from cadence.adapters.sqs_export_work import SqsExportWork
from cadence.application.backfill_export import LONGEST_RUN, RequestBackfill, WorkOnBackfill
from cadence.application.backfill_metrics import BackfillMetrics
from cadence.application.count_events import CountEvents
from cadence.application.deliver_exports import DeliverExports
from cadence.application.gauges import ControlPlaneGauges, ExportGauges, GaugeSource, PoolGauges, RunGauges
from cadence.application.manage_exports import ManageExports
from cadence.application.ports import PoolStore
from cadence.application.process_exports import ProcessExports
from cadence.application.push_metrics import PushMetrics
from cadence.application.send_export import SendExport
from cadence.application.tell_metrics import TellMetrics
from cadence.composition import settings
from cadence.domain.errors import NotFound
from cadence.domain.pool import Price

_HOSTS_ARE = "outbound hosts"

Either = settings.ApiSettings | settings.ExportsSettings


def now() -> datetime:
    return datetime.now(UTC)


def exports(report: Callable[[Exception, str], None]) -> ProcessExports:
    """`report` is told of errors of ours that hinder an export."""
    its = settings.load(settings.ExportsSettings)
    access, stored = DynamoAccessStore(its.access_table), DynamoExportStore(its.access_table)
    backlog, work, send = DynamoBacklog(its.telemetry_table), SqsExportWork(its.exporting_queue_url), _send(its)
    hosts, runs, index = (
        DynamoHostStore(its.runners_table),
        DynamoRunStore(its.runs_table),
        DynamoLogIndex(its.logs_table),
    )
    deliver = DeliverExports(send, backlog, work, now, report)
    count = CountEvents(DynamoCounters(its.telemetry_table), hosts, _prices(RememberedPools(access)))
    tell = TellMetrics(DynamoCounters(its.telemetry_table), _gauges(its))
    past = BackfillMetrics(
        runs, count, DynamoCounters(its.telemetry_table), access.list_projects, send, format_of, LONGEST_RUN
    )
    return ProcessExports(
        count,
        stored,
        RememberedExports(stored),
        deliver,
        PushMetrics(tell, access.list_projects, format_of, deliver, backlog, work, now),
        WorkOnBackfill(runs, hosts, index, send, backlog, work, now, past),
    )


def tell_metrics(its: settings.ApiSettings) -> TellMetrics:
    control_plane = ControlPlaneGauges(SqsDepths(its.watched_queues, its.queue_prefix))
    return TellMetrics(DynamoCounters(its.telemetry_table), (*_gauges(its), control_plane))


def manage_exports(its: settings.ApiSettings) -> ManageExports:
    access, stored = DynamoAccessStore(its.access_table), DynamoExportStore(its.access_table)
    backlog, work, send = DynamoBacklog(its.telemetry_table), SqsExportWork(its.exporting_queue_url), _send(its)
    deliver = DeliverExports(send, backlog, work, now, lambda error, name: None)
    return ManageExports(
        stored,
        backlog,
        work,
        KmsCipher(its.secrets_key),
        OutgoingHttp(Reach.of(its.outbound_hosts, _HOSTS_ARE)),
        DynamoSubscriptionStore(its.access_table),
        send,
        format_of,
        PushMetrics(
            TellMetrics(DynamoCounters(its.telemetry_table)),
            access.list_projects,
            format_of,
            deliver,
            backlog,
            work,
            now,
        ),
        RequestBackfill(access.list_projects, backlog, work, now),
        now,
    )


def _send(its: Either) -> SendExport:
    outgoing = OutgoingHttp(Reach.of(its.outbound_hosts, _HOSTS_ARE))
    return SendExport(S3LogSegments(its.data_bucket), format_of, outgoing, KmsCipher(its.secrets_key))


def _gauges(its: Either) -> tuple[GaugeSource, ...]:
    access, hosts = DynamoAccessStore(its.access_table), DynamoHostStore(its.runners_table)
    return (
        RunGauges(DynamoTurnstileStore(its.runs_table)),
        PoolGauges(access, hosts, now),
        ExportGauges(DynamoExportStore(its.access_table), DynamoBacklog(its.telemetry_table)),
    )


def _prices(pools: PoolStore) -> Callable[[str, str], Price | None]:
    def price(organization: str, pool: str) -> Price | None:
        try:
            return pools.get_pool(organization, pool).price
        except NotFound:
            return None

    return price
