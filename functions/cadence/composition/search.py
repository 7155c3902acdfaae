"""Wiring of searching and following lines."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cadence.adapters.dynamodb.arrivals import DynamoArrivals
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.application.find_lines import FindLines
from cadence.application.follow_lines import FollowLines
from cadence.application.live_ports import LANES
from cadence.application.live_query import LiveQuery
from cadence.application.ports import Clock, RunStore
from cadence.application.runner_ports import Followers
from cadence.application.scan_index import ScanIndex
from cadence.application.scan_segments import ScanSegments
from cadence.application.treatment_states import TreatmentStates
from cadence.application.visible_runs import VisibleRuns
from cadence.composition.settings import ApiSettings
from cadence.domain.log import Segment


@dataclass(frozen=True)
class Search:
    """`live_url` is the WebSocket API's address; if it begins with a slash, below that of the HTTP API."""

    find: FindLines
    live: LiveQuery
    live_url: str


def search(its: ApiSettings, visible: VisibleRuns, runs: RunStore, followers: Followers, clock: Clock) -> Search:
    arrivals = DynamoArrivals(its.logs_table)
    segments = S3LogSegments(its.data_bucket)
    states = TreatmentStates(runs)

    def all_segments(organization: str, project: str) -> Sequence[Segment]:
        return [
            arrival.segment
            for lane in range(LANES)
            for arrival in arrivals.list_arrivals(organization, lane, 0, 100_000)
            if arrival.segment.project == project
        ]

    find = FindLines(visible, clock, ScanIndex(all_segments, ScanSegments(segments), states, clock))
    follow = FollowLines(arrivals, segments, followers, clock, time.sleep)
    return Search(find, LiveQuery(find, follow, states), its.live_url)
