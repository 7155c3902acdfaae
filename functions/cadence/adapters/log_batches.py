"""Records of a Kinesis event as batches of log lines."""

import base64
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.adapters.log_records import decode
from cadence.application.runner_ports import LogBatch
from cadence.domain.errors import InvalidRequest

_log = logging.getLogger("cadence.log_indexer")


@dataclass(frozen=True)
class NumberedBatch:
    """`number` is the record's sequence number in its shard."""

    number: str
    batch: LogBatch


def grouped_by_run(
    records: Iterable[Mapping[str, Any]],
) -> tuple[Mapping[str, Sequence[NumberedBatch]], list[str]]:
    """Batches by run, in order, and the numbers of records that are none and never will be."""
    runs: dict[str, list[NumberedBatch]] = defaultdict(list)
    poisoned: list[str] = []
    for record in records:
        number = record["kinesis"]["sequenceNumber"]
        try:
            batch = decode(base64.b64decode(record["kinesis"]["data"]))
        except InvalidRequest:
            _log.warning("a record is no batch of log lines", extra={"record": number})
            poisoned.append(number)
        else:
            runs[batch.run_id].append(NumberedBatch(number, batch))
    return runs, poisoned
