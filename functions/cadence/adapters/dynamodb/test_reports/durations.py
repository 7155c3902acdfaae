"""`DurationStore` and `DurationWriter` on the `runs` table."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from cadence.adapters.dynamodb.shared.plain_items import query
from cadence.adapters.dynamodb.test_reports.items import branch_prefix, expiry, get, partition_of, put, put_newest
from cadence.application.test_reports.ports import BranchScope, DurationStore, DurationWriter, PipelineScope
from cadence.domain.shared.errors import Conflict
from cadence.domain.test_reports.durations import MeasuredInstance, decode_durations, encode_durations

_FIXED = "SPLIT#"


class DynamoDurations(DurationStore, DurationWriter):
    """Each instance's durations are kept for its branch and for any branch of its repository."""

    def __init__(self, runs_table: str) -> None:
        self._table = runs_table

    def put_durations(
        self, pipeline: PipelineScope, branch: BranchScope, measured: MeasuredInstance, at: datetime
    ) -> None:
        content = encode_durations(measured.seconds)
        for prefix in (branch_prefix(branch), _any_branch(branch.repository)):
            put_newest(
                self._table,
                {
                    "pk": partition_of("TESTDURATIONS", pipeline),
                    "sk": prefix + measured.treatment,
                    "position": measured.position,
                    "seconds": content,
                    **expiry(at),
                },
            )

    def branch_durations(self, pipeline: PipelineScope, branch: BranchScope, group: str) -> Sequence[MeasuredInstance]:
        return self._of_group(pipeline, branch_prefix(branch), group)

    def newest_durations(self, pipeline: PipelineScope, repository: str, group: str) -> Sequence[MeasuredInstance]:
        return self._of_group(pipeline, _any_branch(repository), group)

    def run_durations(self, run_id: str, group: str) -> Mapping[str, float] | None:
        item = get(self._table, f"RUN#{run_id}", _FIXED + group)
        return decode_durations(item["seconds"]) if item else None

    def fix_run_durations(self, run_id: str, group: str, durations: Mapping[str, float]) -> Mapping[str, float]:
        content = encode_durations(durations)
        try:
            put(
                self._table,
                {"pk": f"RUN#{run_id}", "sk": _FIXED + group, "seconds": content},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except Conflict:
            return self.run_durations(run_id, group) or {}
        return decode_durations(content)

    def _of_group(self, pipeline: PipelineScope, prefix: str, group: str) -> Sequence[MeasuredInstance]:
        partition = partition_of("TESTDURATIONS", pipeline)
        return [
            MeasuredInstance(
                treatment=str(item["sk"]).removeprefix(prefix),
                position=item["position"],
                seconds=decode_durations(item["seconds"]),
            )
            for item in query(self._table, partition, f"{prefix}{group}:")
        ]


def _any_branch(repository: str) -> str:
    """Returns the beginning of sort keys of any branch; no branch's has its length."""
    return hashlib.sha256(repository.encode()).hexdigest()[:24] + "#"
