"""Every metric that Cadence tells, in one place: docs/monitoring.md lists them, and a test holds it to that."""

from cadence.domain.metrics.model import Family, Kind

_SHORT = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_LONG = (1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600)

RUNS = Family("cadence_runs", Kind.COUNTER, "Runs that came to an end, by how.")
RUN_DURATION = Family(
    "cadence_run_duration_seconds", Kind.HISTOGRAM, "From the start of a run to its end.", "seconds", _LONG
)
RUN_QUEUE = Family(
    "cadence_run_queue_seconds",
    Kind.HISTOGRAM,
    "From the creation of a run to its start: how long it waited for its turn.",
    "seconds",
    _SHORT,
)
TREATMENTS = Family("cadence_treatments", Kind.COUNTER, "Treatments that came to an end, by how.")
TREATMENT_DURATION = Family(
    "cadence_treatment_duration_seconds",
    Kind.HISTOGRAM,
    "From the start of a treatment's command to its end.",
    "seconds",
    _LONG,
)
ATTEMPTS = Family("cadence_treatment_attempts", Kind.COUNTER, "Runners asked for, each further attempt among them.")
QUEUE = Family(
    "cadence_treatment_queue_seconds",
    Kind.HISTOGRAM,
    "From when a treatment is ready until the infrastructure begins to make its runner: approvals, slots, waiting for a host.",
    "seconds",
    _SHORT,
)
BOOT = Family(
    "cadence_treatment_boot_seconds",
    Kind.HISTOGRAM,
    "From when the infrastructure begins until the runner calls home.",
    "seconds",
    _SHORT,
)
RUNNER_TIME = Family("cadence_runner_seconds", Kind.COUNTER, "How long runners were held, booting included.", "seconds")
CPU = Family("cadence_cpu_seconds", Kind.COUNTER, "Processor time that treatments used.", "seconds")
READ = Family("cadence_disk_read_bytes", Kind.COUNTER, "Bytes that treatments read from disk.", "bytes")
WRITTEN = Family("cadence_disk_written_bytes", Kind.COUNTER, "Bytes that treatments wrote to disk.", "bytes")
MEMORY = Family(
    "cadence_memory_peak_bytes",
    Kind.HISTOGRAM,
    "The most memory that a treatment used at a time.",
    "bytes",
    tuple(float(2**power) for power in range(24, 38, 2)),
)
COST = Family("cadence_cost", Kind.COUNTER, "What runners cost, by the price of their pool for an hour.")
ACTIVE_RUNS = Family("cadence_active_runs", Kind.GAUGE, "Runs that have begun and not ended.")
WAITING_RUNS = Family("cadence_waiting_runs", Kind.GAUGE, "Runs that wait for others of their organization to end.")
HOSTS = Family("cadence_pool_hosts", Kind.GAUGE, "Machines of a pool that were there within the last minute.")
SLOTS = Family("cadence_pool_slots", Kind.GAUGE, "Runners that a pool's present machines can hold, by whether they do.")
QUEUE_MESSAGES = Family(
    "cadence_queue_messages", Kind.GAUGE, "Messages between parts of the control plane that were not processed yet."
)
FAILED_MESSAGES = Family(
    "cadence_failed_messages", Kind.GAUGE, "Messages in dead-letter queues, which could not be processed."
)
EXPORT_PENDING = Family(
    "cadence_export_pending", Kind.GAUGE, "What an export has still to deliver: it could not before."
)
EXPORT_DEAD = Family("cadence_export_dead_letters", Kind.GAUGE, "What an export gave up to deliver.")
EXPORT_FAILING = Family(
    "cadence_export_failing", Kind.GAUGE, "1 while an export's receiver refuses or does not answer."
)
TRUNCATED = Family(
    "cadence_metrics_truncated",
    Kind.GAUGE,
    "1 if there were more series than are told at a time, and some are missing.",
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
