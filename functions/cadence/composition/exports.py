"""Wiring of metrics and exports: of the Lambda `exports`, and of what the API offers about them."""

from collections.abc import Callable

from cadence.adapters.caching.ttl_cached_exports import CachedExports
from cadence.adapters.caching.ttl_cached_pools import CachedPools
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.subscriptions import DynamoSubscriptionStore
from cadence.adapters.dynamodb.exports.export_backlog import DynamoBacklog
from cadence.adapters.dynamodb.exports.export_store import DynamoExportStore
from cadence.adapters.dynamodb.limits.concurrency_limits import DynamoConcurrencyLimitStore
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.metrics.counters import DynamoCounters
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.export_formats.formats import format_of
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.outgoing_http import OutgoingHttp
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.adapters.sqs.depths import SqsDepths
from cadence.adapters.sqs.export_work import SqsExportWork
from cadence.application.exports.backfill_export import LONGEST_RUN, RequestBackfill, WorkOnBackfill
from cadence.application.exports.backfill_metrics import BackfillMetrics
from cadence.application.exports.deliver_exports import DeliverExports
from cadence.application.exports.gauges import ExportGauges
from cadence.application.exports.manage_exports import ManageExports
from cadence.application.exports.process_exports import ProcessExports
from cadence.application.exports.push_metrics import PushMetrics
from cadence.application.exports.send_export import SendExport
from cadence.application.metrics.count_events import CountEvents
from cadence.application.metrics.gauges import ControlPlaneGauges, GaugeSource, PoolGauges, RunGauges
from cadence.application.metrics.render_metrics import RenderMetrics
from cadence.application.shared.ports import PoolStore
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.domain.placement.pool import Price
from cadence.domain.shared.errors import NotFound

_HOSTS_ARE = "outbound hosts"

Either = settings.ApiSettings | settings.ExportsSettings


def exports(report: Callable[[Exception, str], None]) -> ProcessExports:
    """Returns what handles the Lambda's messages. `report` is called with internal errors that hinder an export."""
    config = settings.load(settings.ExportsSettings)
    access, stored = DynamoAccessStore(config.access_table), DynamoExportStore(config.access_table)
    backlog, work, send = (
        DynamoBacklog(config.telemetry_table),
        SqsExportWork(config.exporting_queue_url),
        _send(config),
    )
    hosts, runs, index = (
        DynamoHostStore(config.runners_table),
        DynamoRunStore(config.runs_table),
        DynamoLogIndex(config.logs_table),
    )
    deliver = DeliverExports(send=send, backlog=backlog, work=work, clock=now, report=report)
    count = CountEvents(DynamoCounters(config.telemetry_table), hosts, _prices(CachedPools(access)))
    render = RenderMetrics(DynamoCounters(config.telemetry_table), _gauges(config))
    past = BackfillMetrics(
        runs=runs,
        treatments=runs,
        count=count,
        counters=DynamoCounters(config.telemetry_table),
        projects=access.list_projects,
        send=send,
        formats=format_of,
        longest_run=LONGEST_RUN,
    )
    return ProcessExports(
        count=count,
        exports=stored,
        cached=CachedExports(stored).list_exports,
        deliver=deliver,
        push=PushMetrics(
            tell=render,
            projects=access.list_projects,
            formats=format_of,
            deliver=deliver,
            backlog=backlog,
            work=work,
            clock=now,
        ),
        backfill=WorkOnBackfill(
            runs=runs,
            treatments=runs,
            runners=hosts,
            index=index,
            send=send,
            backlog=backlog,
            work=work,
            clock=now,
            metrics=past.backfill,
        ),
    )


def render_metrics(config: settings.ApiSettings) -> RenderMetrics:
    control_plane = ControlPlaneGauges(SqsDepths(config.watched_queues, config.queue_prefix).read)
    return RenderMetrics(DynamoCounters(config.telemetry_table), (*_gauges(config), control_plane))


def manage_exports(config: settings.ApiSettings) -> ManageExports:
    access, stored = DynamoAccessStore(config.access_table), DynamoExportStore(config.access_table)
    backlog, work, send = (
        DynamoBacklog(config.telemetry_table),
        SqsExportWork(config.exporting_queue_url),
        _send(config),
    )
    deliver = DeliverExports(send=send, backlog=backlog, work=work, clock=now, report=lambda error, name: None)
    return ManageExports(
        exports=stored,
        backlog=backlog,
        work=work,
        cipher=KmsCipher(config.secrets_key),
        outgoing=OutgoingHttp(EgressPolicy.of(config.outbound_hosts, _HOSTS_ARE)),
        subscriptions=DynamoSubscriptionStore(config.access_table),
        send=send,
        formats=format_of,
        push=PushMetrics(
            tell=RenderMetrics(DynamoCounters(config.telemetry_table)),
            projects=access.list_projects,
            formats=format_of,
            deliver=deliver,
            backlog=backlog,
            work=work,
            clock=now,
        ),
        request_backfill=RequestBackfill(access.list_projects, backlog, work, now),
        clock=now,
    )


def _send(config: Either) -> SendExport:
    outgoing = OutgoingHttp(EgressPolicy.of(config.outbound_hosts, _HOSTS_ARE))
    return SendExport(S3LogSegments(config.data_bucket), format_of, outgoing, KmsCipher(config.secrets_key))


def _gauges(config: Either) -> tuple[GaugeSource, ...]:
    access, hosts = DynamoAccessStore(config.access_table), DynamoHostStore(config.runners_table)
    return (
        RunGauges(DynamoConcurrencyLimitStore(config.runs_table)),
        PoolGauges(access, hosts, now),
        ExportGauges(DynamoExportStore(config.access_table), DynamoBacklog(config.telemetry_table)),
    )


def _prices(pools: PoolStore) -> Callable[[str, str], Price | None]:
    def price(organization: str, pool: str) -> Price | None:
        try:
            return pools.get_pool(organization, pool).price
        except NotFound:
            return None

    return price
