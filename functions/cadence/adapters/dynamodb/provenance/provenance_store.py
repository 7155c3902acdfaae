"""`ProvenanceStore` on the `runs` table."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from heapq import merge
from itertools import islice

from cadence.adapters.dynamodb.runs.edge_items import EdgeItem
from cadence.adapters.dynamodb.runs.provenance_items import SHARDS, DigestItem, NextRunItem, PassedItem
from cadence.adapters.dynamodb.runs.run_items import RunsTable, SpecItem, partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.provenance.ports import FollowingRun, ValueArrival, ValueOrigin
from cadence.application.shared.ports import Page
from cadence.domain.pipelines.specification import TreatmentSpec

# Sorts after everything that a name or an id may hold.
_LAST = "\x7f"


class DynamoProvenance:
    def __init__(self, table_name: str) -> None:
        models: tuple[type[RunsTable], ...] = (SpecItem, EdgeItem, DigestItem, NextRunItem, PassedItem)
        for model in models:
            bind(model, table_name)

    def get_specs(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], TreatmentSpec]:
        keys = [(partition(run_id), SpecItem.PREFIX + name) for run_id, name in sorted(set(names))]
        with translated("treatments"):
            items = SpecItem.batch_get(keys, consistent_read=True)
            return {(item.pk.partition("#")[2], item.sk.partition("#")[2]): item.treatment_spec() for item in items}

    def consumers(self, run_id: str, producer: str, limit: int, after: str | None = None) -> Page[str]:
        prefix = f"{EdgeItem.PREFIX}{producer}#"
        first = f"{prefix}{after}#{_LAST}" if after else prefix
        names: dict[str, None] = {}
        with translated(f"run {run_id}"):
            # One consumer may wait for several outputs of the producer.
            for item in EdgeItem.query(
                partition(run_id), EdgeItem.sk.between(first, prefix + _LAST), page_size=2 * limit + 2
            ):
                names[item.consumer] = None
                if len(names) > limit:
                    break
        page = list(names)[:limit]
        return Page(page, page[-1] if len(names) > limit else None)

    def following_runs(self, run_id: str, limit: int, after: str | None = None) -> Page[FollowingRun]:
        prefix = NextRunItem.PREFIX
        first = f"{prefix}{after}{_LAST}" if after else prefix
        with translated(f"the runs that came of {run_id}"):
            items = NextRunItem.query(partition(run_id), NextRunItem.sk.between(first, prefix + _LAST), limit=limit + 1)
            following = [item.following() for item in items]
        page = following[:limit]
        return Page(page, page[-1].run_id if len(following) > limit else None)

    def passed_to(
        self, run_id: str, treatment: str, port: str, limit: int, after: str | None = None
    ) -> Page[ValueArrival]:
        prefix = PassedItem.prefix(treatment, port)
        first = f"{prefix}{after}{_LAST}" if after else prefix
        with translated(f"where {treatment}.{port} of run {run_id} arrived"):
            items = PassedItem.query(partition(run_id), PassedItem.sk.between(first, prefix + _LAST), limit=limit + 1)
            passed = [item.passed() for item in items]
        page = passed[:limit]
        return Page(page, page[-1].position if len(passed) > limit else None)

    def places_of(
        self, organization: str, project: str, sha256: str, limit: int, after: str | None = None
    ) -> Page[ValueOrigin]:
        def of_shard(shard: int) -> list[ValueOrigin]:
            items = DigestItem.query(
                DigestItem.partition(organization, project, sha256, shard),
                DigestItem.sk < after if after else None,
                scan_index_forward=False,
                limit=limit + 1,
            )
            return [item.place() for item in items]

        with translated(f"values {sha256[:12]}"), ThreadPoolExecutor(SHARDS) as pool:
            shards = list(pool.map(of_shard, range(SHARDS)))
        newest = merge(*shards, key=lambda place: place.position, reverse=True)
        places = list(islice(newest, limit + 1))
        page = places[:limit]
        return Page(page, page[-1].position if len(places) > limit else None)
