"""The runner protocol: from a path and a body to one use case and its answer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cadence.adapters.http.request_schema import check_request
from cadence.adapters.lambda_runtime.agent_file import agent_digest, agent_file
from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import TokenRefused, require
from cadence.application.runners.runner_tokens import bearer
from cadence.composition.runner_gateway import Gateway
from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.scopes import pool_scope
from cadence.domain.runners.runner import Runner
from cadence.domain.shared.errors import Forbidden, NotFound
from cadence.domain.shared.ids import kept_port
from cadence.domain.values.stream import StreamProgress
from runner_gateway import wire


@dataclass(frozen=True)
class GatewayRequest:
    """`names` are the varying parts of the path; `audit` records why it is refused; `origin` is the address called."""

    names: Mapping[str, str]
    authorization: str | None
    body: Mapping[str, Any]
    audit: AuditedRequest
    origin: str = ""


Answer = dict[str, Any]
Route = Callable[[Gateway, GatewayRequest], Answer]


def join(gateway: Gateway, request: GatewayRequest) -> Answer:
    principal = gateway.authenticate(request.authorization)
    body = request.body
    try:
        joined = gateway.join.join(
            _joining(principal, body["pool"]),
            body["pool"],
            body["name"],
            body["slots"],
            body["facts"],
            body.get("labels", {}),
        )
    except Forbidden as error:
        request.audit.refuse(principal, error)
        raise
    return {"host_id": joined.host_id, "token": joined.token}


def _joining(principal: Principal, pool: str) -> Principal:
    principal = require(principal, Permission.HOSTS_JOIN)
    if principal.rights is not None and not principal.covers(pool_scope(pool)):
        raise Forbidden(f"The account {principal.name!r} may not add hosts to the pool {pool!r}.")
    return principal


def lease(gateway: Gateway, request: GatewayRequest) -> Answer:
    body = request.body
    answer = gateway.lease.lease(
        request.names["host"],
        request.authorization,
        body["call"],
        body["free_slots"],
        body["running"],
        body.get("facts"),
    )
    return wire.lease_json(answer)


def report_boot(gateway: Gateway, request: GatewayRequest) -> Answer:
    gateway.report_boot.report(request.names["runner"], bearer(request.authorization), wire.boot_phase(request.body))
    return {}


def exchange(gateway: Gateway, request: GatewayRequest) -> Answer:
    return {"token": gateway.exchange.exchange(request.body["runner_id"], bearer(request.authorization))}


def claim(gateway: Gateway, request: GatewayRequest) -> Answer:
    body = request.body
    token = bearer(request.authorization)
    if host := body.get("host"):
        gateway.take_offer.take(body["runner_id"], token, host["host_id"], host["last_call"])
    return wire.assignment_json(
        gateway.claim.claim(body["runner_id"], token, body["nonce"], body["facts"], request.origin)
    )


def heartbeat(gateway: Gateway, request: GatewayRequest) -> Answer:
    sender = gateway.session.check_followed(request.names["runner"], request.authorization)
    samples = wire.samples(request.body["samples"])
    steps = wire.reported_steps(request.body.get("steps"))
    beat = gateway.heartbeat.beat(sender, request.body["phase"], samples, steps)
    return wire.heartbeat_json(beat, gateway.tunnel_url)


def renew_id_token(gateway: Gateway, request: GatewayRequest) -> Answer:
    runner = gateway.session.check(request.names["runner"], request.authorization)
    return {"token": gateway.renew_id_token.renew(runner, request.origin)}


def logs(gateway: Gateway, request: GatewayRequest) -> Answer:
    sender = gateway.session.check_sender(request.names["runner"], request.authorization)
    if "block" in request.body:
        accepted = gateway.accept_logs.accept_block(sender, wire.line_block(request.body["block"]))
    else:
        accepted = gateway.accept_logs.accept(sender, [wire.log_line(line) for line in request.body["lines"]])
    stop = {"stop": accepted.stop} if accepted.stop else {}
    return {"accepted_through": accepted.through, "follow": accepted.followed, **stop}


def outputs(gateway: Gateway, request: GatewayRequest) -> Answer:
    return _commit_all(gateway, request, {request.names["port"]: request.body})[request.names["port"]]


def all_outputs(gateway: Gateway, request: GatewayRequest) -> Answer:
    return {"outputs": _commit_all(gateway, request, request.body["outputs"])}


def _commit_all(
    gateway: Gateway, request: GatewayRequest, bodies: Mapping[str, Mapping[str, Any]]
) -> dict[str, Answer]:
    """Commits each output separately: those stored before an error are found stored when the request is repeated."""
    stored_as = {port: kept_port(port) if body.get("kept", False) else port for port, body in bodies.items()}
    runner, progress = gateway.session.check_producer(
        request.names["runner"], request.authorization, stored_as.values()
    )
    return {port: _commit(gateway, runner, port, body, progress[stored_as[port]]) for port, body in bodies.items()}


def _commit(gateway: Gateway, runner: Runner, port: str, body: Mapping[str, Any], seen: StreamProgress) -> Answer:
    committed = [wire.chunk(chunk) for chunk in body["committed"]]
    end = wire.stream_end(body["end"])
    answer = gateway.commit_output.commit(
        runner, port, committed, end, body["next_seq"], wire.wanted(body), kept=body.get("kept", False), seen=seen
    )
    return wire.output_json(answer)


def inputs(gateway: Gateway, request: GatewayRequest) -> Answer:
    runner = gateway.session.check(request.names["runner"], request.authorization)
    body = request.body
    answer = gateway.read_input.read(
        runner, request.names["port"], body["epoch"], body["next_seq"], body.get("done", False)
    )
    return wire.input_json(answer)


def listening(gateway: Gateway, request: GatewayRequest) -> Answer:
    runner = gateway.session.check(request.names["runner"], request.authorization)
    gateway.note_listening.note(runner, wire.listening(request.body))
    return {"tunnel": gateway.tunnel_url}


def complete(gateway: Gateway, request: GatewayRequest) -> Answer:
    gateway.complete.complete(
        request.names["runner"],
        request.authorization,
        wire.result(request.body),
        request.body.get("summary"),
        wire.reported_steps(request.body.get("steps")),
    )
    return {}


def find_cache(gateway: Gateway, request: GatewayRequest) -> Answer:
    runner = gateway.session.check(request.names["runner"], request.authorization)
    return wire.found_json(gateway.find_cache.find(runner, request.body["key"], request.body["restore"]))


def read_cache(gateway: Gateway, request: GatewayRequest) -> Answer:
    runner = gateway.session.check(request.names["runner"], request.authorization)
    body = request.body
    answer = gateway.read_cache.read(runner, body["key"], body["entry"], body["next_seq"], body.get("done", False))
    return wire.input_json(answer)


def save_cache(gateway: Gateway, request: GatewayRequest) -> Answer:
    runner = gateway.session.check(request.names["runner"], request.authorization)
    saving = gateway.save_cache.save(runner, request.body["key"])
    return {"entry": saving.entry, "refused": saving.refused}


def write_cache(gateway: Gateway, request: GatewayRequest) -> Answer:
    runner = gateway.session.check(request.names["runner"], request.authorization)
    body = request.body
    end = wire.stream_end(body["end"])
    committed = [wire.chunk(chunk) for chunk in body["committed"]]
    answer = gateway.write_cache.write(
        runner, body["key"], body["entry"], committed, end, body["next_seq"], wire.wanted(body)
    )
    return {**wire.output_json(answer), **({"refused": answer.refused} if answer.refused else {})}


_RUNNER = r"runners/(?P<runner>[0-9a-z-]{1,64})"
_PORT = r"(?P<port>[A-Za-z_][A-Za-z0-9_-]{0,63})"

# Path below /runner/v1, the request's name in the schema, the route.
_ROUTES: tuple[tuple[re.Pattern[str], str, Route], ...] = (
    (re.compile(r"hosts"), "hosts", join),
    (re.compile(r"hosts/(?P<host>[A-Za-z0-9_-]{1,64})/lease"), "lease", lease),
    (re.compile(r"exchange"), "exchange", exchange),
    (re.compile(r"claim"), "claim", claim),
    (re.compile(rf"{_RUNNER}/boot"), "boot", report_boot),
    (re.compile(rf"{_RUNNER}/heartbeat"), "heartbeat", heartbeat),
    (re.compile(rf"{_RUNNER}/identity"), "identity", renew_id_token),
    (re.compile(rf"{_RUNNER}/logs"), "logs", logs),
    (re.compile(rf"{_RUNNER}/outputs"), "all_outputs", all_outputs),
    (re.compile(rf"{_RUNNER}/outputs/{_PORT}"), "outputs", outputs),
    (re.compile(rf"{_RUNNER}/inputs/{_PORT}"), "inputs", inputs),
    (re.compile(rf"{_RUNNER}/listening"), "listening", listening),
    (re.compile(rf"{_RUNNER}/complete"), "complete", complete),
    (re.compile(rf"{_RUNNER}/cache/find"), "cache_find", find_cache),
    (re.compile(rf"{_RUNNER}/cache/read"), "cache_read", read_cache),
    (re.compile(rf"{_RUNNER}/cache/save"), "cache_save", save_cache),
    (re.compile(rf"{_RUNNER}/cache/write"), "cache_write", write_cache),
)


_AGENT = re.compile(r"agent/(?P<sha256>[0-9a-f]{64})")


def agent() -> Answer:
    """Returns the digest of the agent that this installation's machines run."""
    return {"sha256": agent_digest()}


def file(path: str) -> bytes:
    """Returns the agent with this digest. Raises NotFound.

    The agent is no secret, and a machine that downloads it has only its one-time token.
    """
    match = _AGENT.fullmatch(path)
    if match is None:
        raise NotFound("There is nothing to be read at this path of the runner protocol.")
    return agent_file(match["sha256"])


def answer(
    gateway: Gateway, path: str, authorization: str | None, body: Any, source: str = "", origin: str = ""
) -> Answer:
    """Answers a request to `origin`, which came from the address `source`.

    A refused token of a known caller is recorded.

    Raises NotFound for an unknown path, InvalidRequest for a body that the schema does not allow, Transient if a
    refusal cannot be recorded.
    """
    for pattern, name, route in _ROUTES:
        match = pattern.fullmatch(path)
        if match:
            bearer(authorization)
            check_request("runner-protocol", name, body)
            audit = gateway.audited(route.__name__, f"/runner/v1/{path}", source)
            try:
                return route(gateway, GatewayRequest(match.groupdict(), authorization, body, audit, origin))
            except TokenRefused as error:
                audit.refuse(None, error)
                raise
    raise NotFound("There is nothing at this path of the runner protocol.")
