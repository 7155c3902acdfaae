"""`SampleStore` on the `runners` table."""

from collections.abc import Sequence

from cadence.adapters.dynamodb.runners.runner_items import SamplesItem, runner_partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.runners.resources import ResourceSample, decode, in_order


class DynamoSampleStore:
    def __init__(self, table_name: str) -> None:
        bind(SamplesItem, table_name)

    def add(self, runner_id: str, samples: Sequence[ResourceSample]) -> None:
        with translated(f"samples of runner {runner_id}"):
            SamplesItem.of(runner_id, samples).save()

    def list_samples(self, runner_id: str) -> Sequence[ResourceSample]:
        with translated(f"samples of runner {runner_id}"):
            items = SamplesItem.query(
                runner_partition(runner_id), SamplesItem.sk.startswith(SamplesItem.PREFIX), consistent_read=True
            )
            return in_order(sample for item in items for sample in decode(item.samples))
