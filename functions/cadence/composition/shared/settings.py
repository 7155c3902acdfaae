"""One frozen settings class per Lambda; `infra.lambdas` states which Lambda reads which.

A field `runs_table` is read from `CADENCE_RUNS_TABLE`; the infrastructure sets the same names.
"""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

PREFIX = "CADENCE_"

S = TypeVar("S")


def variable(field_name: str) -> str:
    """Returns the name of the environment variable that a field is read from."""
    return PREFIX + field_name.upper()


def environment(settings: type, values: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment variables that `settings` reads, taken from `values` (by field name).

    Raises KeyError, which names the first field that is missing.
    """
    return {variable(f.name): values[f.name] for f in dataclasses.fields(settings)}


def load(settings: type[S], source: Mapping[str, str] | None = None) -> S:
    """Reads `settings` from the environment. Raises KeyError naming the first missing variable."""
    read: Mapping[str, str] = os.environ if source is None else source
    fields = dataclasses.fields(settings)  # type: ignore[arg-type]
    values: dict[str, Any] = {f.name: read[variable(f.name)] for f in fields}
    return settings(**values)


@dataclass(frozen=True)
class DashboardSettings:
    """The Lambda has its files in its archive; its pages may connect to the WebSocket API."""

    live_url: str


@dataclass(frozen=True)
class ApiSettings:
    access_table: str
    pipelines_table: str
    runs_table: str
    runners_table: str
    logs_table: str
    data_bucket: str
    value_buckets: str
    live_url: str
    secrets_key: str
    run_machine_arn: str
    treatment_machine_arn: str
    deadlines_queue_url: str
    deliveries_queue_arn: str
    failed_deliveries_queue_arn: str
    schedules_group: str
    schedules_role_arn: str
    git_hosts: str
    retention_days: str
    project_storage_mebibytes: str
    telemetry_table: str
    exporting_queue_url: str
    outbound_hosts: str
    watched_queues: str
    queue_prefix: str
    alerts_table: str
    alerting_queue_url: str
    alerting_queue_arn: str
    alerts_function: str
    alert_deliveries_function: str
    alert_topic_prefix: str
    search_endpoint: str
    search_region: str
    search_secret: str
    search_prefix: str
    log_indexer_function: str
    search_index_function: str
    provider_function_prefix: str
    repositories_table: str
    delete_projects_function: str
    retention_function: str
    deletion_delay_seconds: str
    secrets_manager_prefix: str
    parameter_store_prefix: str


@dataclass(frozen=True)
class SignInSettings:
    access_table: str
    outbound_hosts: str


@dataclass(frozen=True)
class DirectoriesSettings:
    access_table: str
    secrets_key: str
    directory_hosts: str


@dataclass(frozen=True)
class SealAuditSettings:
    access_table: str
    exporting_queue_url: str
    audit_bucket: str


@dataclass(frozen=True)
class WebhooksSettings:
    access_table: str
    repositories_table: str
    data_bucket: str
    secrets_key: str
    deliveries_queue_url: str


@dataclass(frozen=True)
class DeliveriesSettings:
    access_table: str
    pipelines_table: str
    runs_table: str
    data_bucket: str
    secrets_key: str
    run_machine_arn: str
    treatment_machine_arn: str
    deliveries_queue_arn: str
    failed_deliveries_queue_arn: str
    schedules_group: str
    schedules_role_arn: str
    deadlines_queue_url: str
    git_hosts: str
    repositories_table: str
    commit_reports_function: str
    deliveries_queue_url: str


@dataclass(frozen=True)
class ReadTestReportsSettings:
    runs_table: str
    runners_table: str
    data_bucket: str
    commit_reports_function: str


@dataclass(frozen=True)
class CommitReportsSettings:
    repositories_table: str
    runs_table: str
    secrets_key: str
    git_hosts: str
    commit_reports_function: str
    deliveries_queue_url: str


@dataclass(frozen=True)
class ReconcileSettings:
    repositories_table: str
    secrets_key: str
    git_hosts: str
    commit_reports_function: str
    deliveries_queue_url: str


@dataclass(frozen=True)
class RunnerGatewaySettings:
    access_table: str
    live_url: str
    live_function: str
    logs_table: str
    runs_table: str
    runners_table: str
    data_bucket: str
    value_buckets: str
    secrets_key: str
    log_stream_name: str
    run_machine_arn: str
    treatment_machine_arn: str
    work_notification_prefix: str
    provider_function_prefix: str
    wake_ups_queue_url: str
    cache_mebibytes: str
    project_cache_mebibytes: str
    project_storage_mebibytes: str
    retention_days: str
    id_token_seconds: str
    deadlines_queue_url: str
    git_hosts: str
    outbound_hosts: str
    secrets_manager_prefix: str
    parameter_store_prefix: str


@dataclass(frozen=True)
class MelodiumSettings:
    access_table: str
    live_url: str
    runs_table: str
    runners_table: str
    data_bucket: str
    deadlines_queue_url: str
    secrets_key: str
    run_machine_arn: str
    treatment_machine_arn: str
    log_stream_function: str
    loopback_registries: str
    outbound_hosts: str
    uploads_key_id: str
    uploads_key_secret: str = field(repr=False)


@dataclass(frozen=True)
class MelodiumReportsSettings:
    runs_table: str
    runners_table: str
    data_bucket: str
    log_stream_name: str
    project_storage_mebibytes: str
    retention_days: str


@dataclass(frozen=True)
class AdmitSettings:
    access_table: str
    runs_table: str
    data_bucket: str
    run_machine_arn: str
    treatment_machine_arn: str
    deadlines_queue_url: str
    log_stream_function: str
    wake_ups_queue_url: str
    loopback_registries: str
    outbound_hosts: str
    secrets_key: str
    secrets_manager_prefix: str
    parameter_store_prefix: str


@dataclass(frozen=True)
class PlaceSettings:
    access_table: str
    runs_table: str
    runners_table: str
    run_machine_arn: str
    treatment_machine_arn: str
    deadlines_queue_url: str
    provider_function_prefix: str
    work_notification_prefix: str


@dataclass(frozen=True)
class ProviderHostSettings:
    runs_table: str
    runners_table: str
    run_machine_arn: str
    treatment_machine_arn: str
    deadlines_queue_url: str
    work_notification_prefix: str


@dataclass(frozen=True)
class ProviderSettings:
    """Settings of every provider whose machines call home. `gateway_url` may be a path, on one machine."""

    access_table: str
    runs_table: str
    runners_table: str
    run_machine_arn: str
    treatment_machine_arn: str
    deadlines_queue_url: str
    secrets_key: str
    installation: str
    gateway_url: str
    agent_sha256: str
    git_hosts: str


@dataclass(frozen=True)
class FederatedProviderSettings(ProviderSettings):
    """Settings of a provider whose infrastructure may trust AWS instead of a key."""

    pool_identity_role_arn: str


def provider_settings(name: str) -> type[ProviderSettings]:
    """Returns the settings class of the provider with this name in `cadence.domain.placement.pool`."""
    return FederatedProviderSettings if name == "gcp" else ProviderSettings


@dataclass(frozen=True)
class SweepSettings:
    access_table: str
    runners_table: str
    provider_function_prefix: str


@dataclass(frozen=True)
class SettleSettings:
    access_table: str
    pipelines_table: str
    runs_table: str
    runners_table: str
    data_bucket: str
    run_machine_arn: str
    treatment_machine_arn: str
    deliveries_queue_url: str
    deadlines_queue_url: str
    provider_function_prefix: str
    wake_ups_queue_url: str


@dataclass(frozen=True)
class GroupSettings:
    access_table: str
    runs_table: str
    runners_table: str
    project_storage_mebibytes: str
    retention_days: str
    data_bucket: str
    run_machine_arn: str
    treatment_machine_arn: str
    wake_ups_queue_url: str
    deadlines_queue_url: str


@dataclass(frozen=True)
class ActSettings(GroupSettings):
    pipelines_table: str
    value_buckets: str
    secrets_key: str
    git_hosts: str


@dataclass(frozen=True)
class WakeGroupSettings(GroupSettings):
    pass


@dataclass(frozen=True)
class StopRunSettings:
    access_table: str
    runs_table: str
    runners_table: str
    data_bucket: str
    run_machine_arn: str
    treatment_machine_arn: str
    wake_ups_queue_url: str
    deadlines_queue_url: str


@dataclass(frozen=True)
class WatchdogSettings:
    access_table: str
    pipelines_table: str
    runs_table: str
    runners_table: str
    data_bucket: str
    value_buckets: str
    deliveries_queue_url: str
    run_machine_arn: str
    treatment_machine_arn: str
    deadlines_queue_url: str
    wake_ups_queue_url: str
    provider_function_prefix: str
    retention_days: str


@dataclass(frozen=True)
class ObserveSettings:
    access_table: str
    runs_table: str
    runners_table: str
    alerting_queue_url: str
    exporting_queue_url: str
    commit_reports_function: str
    test_reports_function: str
    deliveries_queue_url: str


@dataclass(frozen=True)
class ExportsSettings:
    access_table: str
    runs_table: str
    runners_table: str
    logs_table: str
    telemetry_table: str
    data_bucket: str
    secrets_key: str
    exporting_queue_url: str
    outbound_hosts: str
    metrics_namespace: str


@dataclass(frozen=True)
class AlertsSettings:
    alerts_table: str
    runs_table: str
    data_bucket: str
    alerting_queue_url: str
    alert_deliveries_function: str


@dataclass(frozen=True)
class AlertDeliveriesSettings:
    alerts_table: str
    secrets_key: str
    alerting_queue_url: str
    alert_deliveries_function: str
    alert_topic_prefix: str
    outbound_hosts: str


@dataclass(frozen=True)
class LogIndexerSettings:
    logs_table: str
    runs_table: str
    data_bucket: str
    value_buckets: str
    live_function: str
    log_mebibytes: str
    project_log_mebibytes: str


@dataclass(frozen=True)
class TunnelSettings:
    access_table: str
    runs_table: str
    runners_table: str
    live_endpoint: str


@dataclass(frozen=True)
class LiveSettings:
    access_table: str
    runs_table: str
    runners_table: str
    logs_table: str
    data_bucket: str
    value_buckets: str
    live_endpoint: str


@dataclass(frozen=True)
class LogStreamSettings:
    access_table: str
    logs_table: str
    runs_table: str
    log_stream_name: str
    failed_log_lines_queue_url: str
    data_bucket: str
    run_machine_arn: str
    log_stream_stack: str
    log_stream_role_arn: str
    log_stream_policy: str


@dataclass(frozen=True)
class RetentionSettings:
    access_table: str
    logs_table: str
    runs_table: str
    runners_table: str
    telemetry_table: str
    data_bucket: str
    value_buckets: str
    retention_days: str


@dataclass(frozen=True)
class DeleteProjectsSettings:
    access_table: str
    alerts_table: str
    logs_table: str
    pipelines_table: str
    repositories_table: str
    runners_table: str
    runs_table: str
    telemetry_table: str
    data_bucket: str
    value_buckets: str
    secrets_key: str
    git_hosts: str
    run_machine_arn: str
    treatment_machine_arn: str
    deadlines_queue_url: str
    deliveries_queue_arn: str
    failed_deliveries_queue_arn: str
    schedules_group: str
    schedules_role_arn: str
    search_endpoint: str
    search_region: str
    search_secret: str
    search_prefix: str
    deletion_delay_seconds: str


@dataclass(frozen=True)
class SearchIndexSettings:
    logs_table: str
    data_bucket: str
    value_buckets: str
    retention_days: str
    search_endpoint: str
    search_region: str
    search_secret: str
    search_prefix: str
