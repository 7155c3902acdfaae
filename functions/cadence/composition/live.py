"""Wiring of `live`."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.arrivals import DynamoArrivals
from cadence.adapters.dynamodb.connections import DynamoConnections
from cadence.adapters.dynamodb.runners import DynamoRunnerStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.gateway_sockets import GatewaySockets
from cadence.adapters.line_json import line_json
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.application.authenticate import Authenticate
from cadence.application.connections import Message, PushLines
from cadence.application.find_lines import ReadQuery
from cadence.application.follow_lines import FollowLines
from cadence.application.live_query import LiveQuery
from cadence.application.treatment_states import TreatmentStates
from cadence.application.visible_runs import VisibleRuns
from cadence.composition import settings


def push_lines() -> PushLines:
    its = settings.load(settings.LiveSettings)
    access, runs = DynamoAccessStore(its.access_table), DynamoRunStore(its.runs_table)
    follow = FollowLines(
        DynamoArrivals(its.logs_table),
        S3LogSegments(its.data_bucket),
        DynamoRunnerStore(its.runners_table),
        _now,
        time.sleep,
    )
    live = LiveQuery(ReadQuery(VisibleRuns(runs, access), _now), follow, TreatmentStates(runs))
    return PushLines(
        DynamoConnections(its.logs_table),
        GatewaySockets(its.live_endpoint),
        Authenticate(access, _now),
        access,
        live,
        _now,
        as_message,
    )


def as_message(message: Message) -> str:
    told: dict[str, Any] = dict(message)
    if "lines" in told:
        told["lines"] = [line_json(one.segment, one.index, one.line) for one in told["lines"]]
    return json.dumps(told, separators=(",", ":"))


def _now() -> datetime:
    return datetime.now(UTC)
