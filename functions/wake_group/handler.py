"""Queue `wake-ups`: `{"run_id", "group", "failed"}`. Failed messages are delivered again, one by one."""

from typing import Any

from cadence.adapters.lambda_runtime.partial_batch import BatchResponse, PartialBatch
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition import groups

log = service_logger("wake_group")
wake = groups.wake_group()


def handler(event: dict[str, Any], context: Any) -> BatchResponse:
    messages: dict[tuple[str, str, bool], list[str]] = {}
    batch = PartialBatch(log, "a group could not be woken")
    for message_id, body in batch.read_objects(event):
        with batch.attempt([message_id], message_id=message_id):
            # Equal messages wake the group once.
            messages.setdefault((body["run_id"], body["group"], body["failed"]), []).append(message_id)
    for (run_id, group, instance_failed), message_ids in messages.items():
        with batch.attempt(message_ids, run_id=run_id, group=group):
            wake.wake(run_id, group, failed=instance_failed)
    log.info("wake_group", extra={"woken": len(messages), "failed": len(batch.failed)})
    return batch.response()
