"""Wiring of `tunnel`."""

from datetime import UTC, datetime

from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.runners import DynamoRunnerStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.dynamodb.tunnel_ends import DynamoTunnelEnds
from cadence.adapters.gateway_sockets import GatewaySockets
from cadence.application.authenticate import Authenticate
from cadence.application.melodium.processes import Processes
from cadence.application.melodium.tunnels import Tunnels
from cadence.application.runner_sessions import RunnerSessions
from cadence.composition import settings


def tunnels() -> Tunnels:
    its = settings.load(settings.TunnelSettings)
    return Tunnels(
        DynamoTunnelEnds(its.runners_table),
        GatewaySockets(its.live_endpoint),
        Authenticate(DynamoAccessStore(its.access_table), lambda: datetime.now(UTC)),
        Processes(DynamoRunStore(its.runs_table)),
        RunnerSessions(DynamoRunnerStore(its.runners_table)),
    )
