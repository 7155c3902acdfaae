"""Wiring of the Lambda `tunnel`."""

from functools import partial

from cadence.adapters.aws.gateway_sockets import GatewaySockets
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.token_uses import DynamoTokenUses
from cadence.adapters.dynamodb.melodium.tunnel_ends import DynamoTunnelEnds
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import Authenticate
from cadence.application.access.token_uses import NoteTokenUses
from cadence.application.melodium.processes import Processes
from cadence.application.melodium.tunnels import Tunnels
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.shells import JoinShell, PermittedShells
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def tunnels() -> Tunnels:
    config = settings.load(settings.TunnelSettings)
    runs, runners = DynamoRunStore(config.runs_table), DynamoRunnerStore(config.runners_table)
    authenticate = Authenticate(
        DynamoAccessStore(config.access_table), now, NoteTokenUses(DynamoTokenUses(config.access_table))
    )
    audited, sessions = partial(AuditedRequest, DynamoAuditTrail(config.access_table), now), RunnerSessions(runners)
    return Tunnels(
        ends=DynamoTunnelEnds(config.runners_table),
        sockets=GatewaySockets(config.live_endpoint),
        audited=audited,
        authenticate=authenticate.authenticate,
        processes=Processes(runs),
        sessions=sessions,
        shells=JoinShell(
            runners=runners, sessions=sessions, permitted=PermittedShells(authenticate, runs), audited=audited
        ),
    )
