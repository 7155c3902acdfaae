"""Wiring of searching and following lines."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from cadence.adapters.dynamodb.arrivals import DynamoArrivals
from cadence.adapters.dynamodb.splits import DynamoSplitCatalogue
from cadence.adapters.quick_lines import quick_lines
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.application.find_lines import FindLines
from cadence.application.follow_lines import FollowLines
from cadence.application.live_query import LiveQuery
from cadence.application.ports import Clock, RunStore
from cadence.application.runner_ports import Followers
from cadence.application.search_lines import SearchLines
from cadence.application.split_sources import IndexedSplits
from cadence.application.stored_lines import IndexedInStore
from cadence.application.treatment_states import TreatmentStates
from cadence.application.visible_runs import VisibleRuns
from cadence.composition.search_index import line_store, splits
from cadence.composition.settings import ApiSettings

# They mostly wait for the store.
_WORKERS = 8


@dataclass(frozen=True)
class Search:
    """`live_url` is the WebSocket API's address; if it begins with a slash, below that of the HTTP API."""

    find: FindLines
    live: LiveQuery
    live_url: str


def search(its: ApiSettings, visible: VisibleRuns, runs: RunStore, followers: Followers, clock: Clock) -> Search:
    arrivals = DynamoArrivals(its.logs_table)
    segments = S3LogSegments(its.data_bucket, quick_lines)
    states = TreatmentStates(runs)

    catalogue = DynamoSplitCatalogue(its.logs_table)
    in_splits = IndexedSplits(catalogue, segments, splits(its.data_bucket))
    store = line_store(its, clock)
    index = SearchLines(
        catalogue,
        in_splits if store is None else IndexedInStore(in_splits, store),
        states,
        clock,
        timedelta(days=int(its.retention_days)),
        ThreadPoolExecutor(_WORKERS),
    )
    find = FindLines(visible, clock, index)
    follow = FollowLines(arrivals, segments, followers, clock, time.sleep)
    return Search(find, LiveQuery(find, follow, states), its.live_url)
