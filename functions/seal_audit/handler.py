"""Stream of the table `access`: chains new entries of the audit log, and hands the chained records on."""

from typing import Any

from cadence.adapters.dynamodb.access.audit_chain import read_new_entries
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.seal_audit import seal_audit

log = service_logger("seal_audit")
sealing = seal_audit()


def handler(event: dict[str, Any], context: Any) -> None:
    """Seals a batch's entries.

    After an error the whole batch is delivered again: entries that are sealed already are recognized.
    """
    sealed = sealing.seal(read_new_entries(event["Records"]))
    log.info("seal_audit", extra={"records": len(event["Records"]), "sealed": sealed})
