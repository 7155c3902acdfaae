"""Queue `alerting`: judges events by alert rules, and checks alerts again.

Failed messages are delivered again, one by one.
"""

from typing import Any

from cadence.adapters.lambda_runtime.partial_batch import BatchResponse, PartialBatch
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.alerts import judge_message

log = service_logger("alerts")
judge = judge_message()


def handler(event: dict[str, Any], context: Any) -> BatchResponse:
    batch = PartialBatch(log, "an event could not be judged")
    batch.process_each(event, judge)
    log.info("alerts", extra={"judged": len(event["Records"]) - len(batch.failed), "failed": len(batch.failed)})
    return batch.response()
