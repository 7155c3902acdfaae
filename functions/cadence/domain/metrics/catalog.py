"""The metrics of Cadence, all in one place: docs/monitoring.md lists them, and a test compares both."""

from cadence.domain.metrics.model import Family, MetricKind

_SHORT = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_LONG = (1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600)

RUNS = Family(name="cadence_runs", kind=MetricKind.COUNTER, help="Runs that came to an end, by how.")
RUN_DURATION = Family(
    name="cadence_run_duration_seconds",
    kind=MetricKind.HISTOGRAM,
    help="From the start of a run to its end.",
    unit="seconds",
    bounds=_LONG,
)
RUN_QUEUE = Family(
    name="cadence_run_queue_seconds",
    kind=MetricKind.HISTOGRAM,
    help="From the creation of a run to its start: how long it waited for its turn.",
    unit="seconds",
    bounds=_SHORT,
)
TREATMENTS = Family(name="cadence_treatments", kind=MetricKind.COUNTER, help="Treatments that came to an end, by how.")
TREATMENT_DURATION = Family(
    name="cadence_treatment_duration_seconds",
    kind=MetricKind.HISTOGRAM,
    help="From the start of a treatment's command to its end.",
    unit="seconds",
    bounds=_LONG,
)
ATTEMPTS = Family(
    name="cadence_treatment_attempts",
    kind=MetricKind.COUNTER,
    help="Runners requested, each further attempt among them.",
)
QUEUE = Family(
    name="cadence_treatment_queue_seconds",
    kind=MetricKind.HISTOGRAM,
    help="From when a treatment is ready until the infrastructure begins to make its runner: approvals, slots, waiting for a host.",
    unit="seconds",
    bounds=_SHORT,
)
BOOT = Family(
    name="cadence_treatment_boot_seconds",
    kind=MetricKind.HISTOGRAM,
    help="From when the infrastructure begins until the runner calls home.",
    unit="seconds",
    bounds=_SHORT,
)
RUNNER_TIME = Family(
    name="cadence_runner_seconds",
    kind=MetricKind.COUNTER,
    help="How long runners were held, booting included.",
    unit="seconds",
)
CPU = Family(
    name="cadence_cpu_seconds", kind=MetricKind.COUNTER, help="Processor time that treatments used.", unit="seconds"
)
READ = Family(
    name="cadence_disk_read_bytes", kind=MetricKind.COUNTER, help="Bytes that treatments read from disk.", unit="bytes"
)
WRITTEN = Family(
    name="cadence_disk_written_bytes",
    kind=MetricKind.COUNTER,
    help="Bytes that treatments wrote to disk.",
    unit="bytes",
)
MEMORY = Family(
    name="cadence_memory_peak_bytes",
    kind=MetricKind.HISTOGRAM,
    help="The most memory that a treatment used at a time.",
    unit="bytes",
    bounds=tuple(float(2**power) for power in range(24, 38, 2)),
)
COST = Family(
    name="cadence_cost", kind=MetricKind.COUNTER, help="Cost of runners, by the price of their pool for an hour."
)
ACTIVE_RUNS = Family(name="cadence_active_runs", kind=MetricKind.GAUGE, help="Runs that have begun and not ended.")
WAITING_RUNS = Family(
    name="cadence_waiting_runs", kind=MetricKind.GAUGE, help="Runs that wait for others of their organization to end."
)
HOSTS = Family(
    name="cadence_pool_hosts", kind=MetricKind.GAUGE, help="Machines of a pool that reported within the last minute."
)
SLOTS = Family(
    name="cadence_pool_slots",
    kind=MetricKind.GAUGE,
    help="Runners that a pool's present machines can hold, by whether they do.",
)
QUEUE_MESSAGES = Family(
    name="cadence_queue_messages",
    kind=MetricKind.GAUGE,
    help="Messages between parts of the control plane that were not processed yet.",
)
FAILED_MESSAGES = Family(
    name="cadence_failed_messages",
    kind=MetricKind.GAUGE,
    help="Messages that could not be processed, and became dead letters.",
)
EXPORT_PENDING = Family(
    name="cadence_export_pending",
    kind=MetricKind.GAUGE,
    help="Batches that an export has still to deliver after a failure.",
)
EXPORT_DEAD = Family(
    name="cadence_export_dead_letters", kind=MetricKind.GAUGE, help="Batches that an export gave up to deliver."
)
EXPORT_FAILING = Family(
    name="cadence_export_failing",
    kind=MetricKind.GAUGE,
    help="1 while an export's receiver refuses or does not answer.",
)
TRUNCATED = Family(
    name="cadence_metrics_truncated",
    kind=MetricKind.GAUGE,
    help="1 if there were more series than one scrape returns, and some are missing.",
)

ALL: tuple[Family, ...] = (
    RUNS,
    RUN_DURATION,
    RUN_QUEUE,
    TREATMENTS,
    TREATMENT_DURATION,
    ATTEMPTS,
    QUEUE,
    BOOT,
    RUNNER_TIME,
    CPU,
    READ,
    WRITTEN,
    MEMORY,
    COST,
    ACTIVE_RUNS,
    WAITING_RUNS,
    HOSTS,
    SLOTS,
    QUEUE_MESSAGES,
    FAILED_MESSAGES,
    EXPORT_PENDING,
    EXPORT_DEAD,
    EXPORT_FAILING,
    TRUNCATED,
)
