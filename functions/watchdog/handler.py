"""Queue `deadlines`: `{"run_id", "admitted"?}`, `{"runner_id", "task_token"?}`, `{"concurrency_limit"}`,
`{"approval", "of_run"}`, `{"values_of", "treatment"?}`, `{"late_values_of"}` or the event of a broken execution.

Failed messages are delivered again, one by one.
"""

import json
from typing import Any

from cadence.adapters.lambda_runtime.execution_events import broken_execution, is_execution_event
from cadence.adapters.lambda_runtime.partial_batch import BatchResponse, PartialBatch
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition import scheduling

log = service_logger("watchdog")
watchdog, execution_failed = scheduling.watchdog()
remove_passed = scheduling.remove_passed()


def handler(event: dict[str, Any], context: Any) -> BatchResponse:
    batch = PartialBatch(log, "the watchdog could not look")
    batch.process_each(event, lambda body: look(json.loads(body)))
    log.info("watchdog", extra={"looked": len(event["Records"]), "failed": len(batch.failed)})
    return batch.response()


def look(subject: dict[str, Any]) -> None:
    """Looks at the subject of one message: a broken execution, a run, a limit, an approval, values or a runner."""
    if is_execution_event(subject):
        broken = broken_execution(subject)
        log.warning("an execution broke: %s", broken.error.name, extra={"execution": broken.name})
        if broken.treatment is None:
            execution_failed.of_run(broken.run_id, broken.number, broken.error)
        else:
            execution_failed.of_treatment(broken.run_id, broken.treatment, broken.error)
    elif "run_id" in subject:
        watchdog.run(subject["run_id"], subject.get("admitted", False))
    elif "concurrency_limit" in subject:
        watchdog.concurrency_limit(subject["concurrency_limit"])
    elif "approval" in subject:
        watchdog.approval(subject["of_run"], subject["approval"])
    elif "values_of" in subject:
        remove_passed.purge(subject["values_of"], subject.get("treatment"))
    elif "late_values_of" in subject:
        remove_passed.late(subject["late_values_of"])
    else:
        watchdog.runner(subject["runner_id"], subject.get("task_token"))
