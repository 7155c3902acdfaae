"""Wiring of searching and following lines."""

import time
from dataclasses import dataclass

from cadence.adapters.dynamodb.arrivals import DynamoArrivals
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.application.find_lines import FindLines
from cadence.application.follow_lines import FollowLines
from cadence.application.live_query import LiveQuery
from cadence.application.ports import Clock, RunStore
from cadence.application.runner_ports import Followers
from cadence.application.search_ports import SearchIndex
from cadence.application.treatment_states import TreatmentStates
from cadence.application.visible_runs import VisibleRuns


@dataclass(frozen=True)
class Search:
    """`live_url` is the WebSocket API's address, relative to that of the HTTP API if it has no scheme."""

    find: FindLines
    live: LiveQuery
    live_url: str


def live_query(
    find: FindLines, logs_table: str, data_bucket: str, followers: Followers, runs: RunStore, clock: Clock
) -> LiveQuery:
    follow = FollowLines(DynamoArrivals(logs_table), S3LogSegments(data_bucket), followers, clock, time.sleep)
    return LiveQuery(find, follow, TreatmentStates(runs))


def find_lines(index: SearchIndex, visible: VisibleRuns, clock: Clock) -> FindLines:
    return FindLines(index, visible, clock)
