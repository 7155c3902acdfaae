"""Wiring of searching and following lines."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from cadence.adapters.dynamodb.logs.arrivals import DynamoArrivals
from cadence.adapters.dynamodb.search.splits import DynamoSplitCatalogue
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.fast_line_parser import quick_lines
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.scheduling.treatment_states import TreatmentStates
from cadence.application.search.find_lines import FindLines
from cadence.application.search.follow_lines import FollowLines
from cadence.application.search.live_query import LiveQuery
from cadence.application.search.search_lines import SearchLines
from cadence.application.search.split_sources import IndexedSplits
from cadence.application.search.stored_lines import IndexedInStore
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import TreatmentStore
from cadence.application.shared.runner_ports import Followers
from cadence.composition.search_index import splits
from cadence.composition.shared.line_store import line_store
from cadence.composition.shared.settings import ApiSettings

# Threads mostly wait for the store.
_WORKERS = 8


@dataclass(frozen=True)
class Search:
    """Searching and following. `live_url` is the WebSocket API's address, or a path below the HTTP API's."""

    find: FindLines
    live: LiveQuery
    live_url: str


def search(
    config: ApiSettings, visible: VisibleRuns, treatments: TreatmentStore, followers: Followers, clock: Clock
) -> Search:
    arrivals = DynamoArrivals(config.logs_table)
    segments = S3LogSegments(config.data_bucket, quick_lines, value_buckets=config.value_buckets)
    states = TreatmentStates(treatments)

    catalogue = DynamoSplitCatalogue(config.logs_table)
    in_splits = IndexedSplits(catalogue, segments, splits(Buckets.of(config.data_bucket, config.value_buckets)))
    store = line_store(config, clock)
    index = SearchLines(
        catalogue,
        in_splits if store is None else IndexedInStore(in_splits, store),
        states,
        clock,
        timedelta(days=int(config.retention_days)),
        ThreadPoolExecutor(_WORKERS),
    )
    find = FindLines(visible, clock, index)
    follow = FollowLines(arrivals=arrivals, segments=segments, followers=followers, clock=clock, sleep=time.sleep)
    return Search(find, LiveQuery(find, follow, states), config.live_url)
