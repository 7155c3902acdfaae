"""Wiring of the Lambda `live`."""

import json
import time
from typing import Any

from cadence.adapters.aws.gateway_sockets import GatewaySockets
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.token_uses import DynamoTokenUses
from cadence.adapters.dynamodb.logs.arrivals import DynamoArrivals
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.runs.watches import DynamoLiveTickets, DynamoRunWatches
from cadence.adapters.dynamodb.search.connections import DynamoConnections
from cadence.adapters.lines.line_json import line_json
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.access.authenticate import Authenticate
from cadence.application.access.token_uses import NoteTokenUses
from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.runs.watch_runs import WatchRuns
from cadence.application.scheduling.treatment_states import TreatmentStates
from cadence.application.search.find_lines import ReadQuery
from cadence.application.search.follow_lines import FollowLines
from cadence.application.search.live_query import LiveQuery
from cadence.application.search.push_lines import Message, PushLines
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def follow_lines() -> FollowLines:
    config = settings.load(settings.LiveSettings)
    return FollowLines(
        arrivals=DynamoArrivals(config.logs_table),
        segments=S3LogSegments(config.data_bucket, value_buckets=config.value_buckets),
        followers=DynamoRunnerStore(config.runners_table),
        clock=now,
        sleep=time.sleep,
    )


def push_lines(follow: FollowLines) -> PushLines:
    config = settings.load(settings.LiveSettings)
    access, runs = DynamoAccessStore(config.access_table), DynamoRunStore(config.runs_table)
    live = LiveQuery(ReadQuery(VisibleRuns(runs, access), now), follow, TreatmentStates(runs))
    return PushLines(
        connections=DynamoConnections(config.logs_table),
        sockets=GatewaySockets(config.live_endpoint),
        authenticate=Authenticate(access, now, NoteTokenUses(DynamoTokenUses(config.access_table))),
        audit=DynamoAuditTrail(config.access_table),
        live=live,
        clock=now,
        as_message=as_message,
    )


def watch_runs(follow: FollowLines) -> WatchRuns:
    config = settings.load(settings.LiveSettings)
    access = DynamoAccessStore(config.access_table)
    return WatchRuns(
        watches=DynamoRunWatches(config.logs_table),
        tickets=DynamoLiveTickets(config.logs_table),
        sockets=GatewaySockets(config.live_endpoint),
        authenticate=Authenticate(access, now, NoteTokenUses(DynamoTokenUses(config.access_table))),
        visible=VisibleRuns(DynamoRunStore(config.runs_table), access),
        audit=DynamoAuditTrail(config.access_table),
        clock=now,
        hurry=follow.hurry,
        as_message=as_message,
    )


def as_message(message: Message) -> str:
    content: dict[str, Any] = dict(message)
    if "lines" in content:
        content["lines"] = [line_json(hit.segment, hit.index, hit.line) for hit in content["lines"]]
    return json.dumps(content, separators=(",", ":"))
