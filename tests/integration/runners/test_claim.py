import dataclasses
import itertools
import logging
from datetime import timedelta
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.id_token_keys import SigningIdTokenKeys
from cadence.adapters.dynamodb.limits.environments import DynamoEnvironmentStore
from cadence.adapters.dynamodb.melodium.sealed_workers import SealedWorkers
from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.presigned import S3DataUrls
from cadence.adapters.s3.report_masks import S3ReportMasks
from cadence.application.melodium.engine_secrets import ReadEngineSecrets
from cadence.application.melodium.run_tokens import RunTokens
from cadence.application.runners.claim import LEASE_SECONDS, ClaimAssignment
from cadence.application.runners.hosts import JoinPool
from cadence.application.runners.lease_work import LeaseAnswer, LeaseWork
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import claim_token, new_token, token_hash
from cadence.application.runners.take_offer import TakeOffer
from cadence.application.scheduling.mark_started import MarkStarted
from cadence.application.scheduling.readiness import Readiness
from cadence.application.shared.run_ports import TreatmentContext
from cadence.application.shared.runner_ports import Host, HostCall
from cadence.application.shared.secret_ports import Binding
from cadence.domain.access.access import Principal
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.access.secret_owner import OF_ORGANIZATION, SecretOwner, pool_owner, team_owner
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.runners.runner import RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared.errors import (
    Cancelled,
    CannotRun,
    Conflict,
    Gone,
    NotFound,
    RunnerLost,
    Transient,
    Unauthenticated,
)
from tests.fakes.services import MemoryWakeUps, no_sources
from tests.integration.runners.conftest import RUN_ID, World
from tests.integration.runners.test_call_counts import calls

NONCE = "nonce-of-the-agent"
CALLS = itertools.count(1)
JoinedHost = tuple[Host, str]
Booting = tuple[str, str]


@pytest.fixture
def claim(world: World) -> ClaimAssignment:
    readiness = Readiness(
        runs=world.runs,
        treatments=world.runs,
        values=world.runs,
        edges=world.runs,
        groups=DynamoGroupStore("runs"),
        machines=world.machines,
        wake_ups=MemoryWakeUps(),
        clock=world.clock,
    )
    begin = MarkStarted(world.runs, readiness, world.machines)
    engine_secrets = ReadEngineSecrets(
        SealedWorkers("runners", KmsCipher(world.key)),
        RunTokens(DynamoAccessStore("access"), world.clock),
        S3DataUrls(Buckets("data")),
        S3ReportMasks(client("s3"), "data"),
    )
    return ClaimAssignment(
        note_spec=lambda run_id, spec: None,
        durations=lambda run, spec: {},
        treatments=world.runs,
        runners=world.runners,
        secrets=world.secrets,
        sources=no_sources(),
        environments=DynamoEnvironmentStore("access"),
        machines=world.machines,
        begin=begin,
        engine_secrets=engine_secrets.read,
        pools=world.pools,
        retentions=world.retentions,
        inputs=world.read_input.first_chunks,
        audit=DynamoAuditTrail("access"),
        id_tokens=SigningIdTokenKeys("access", KmsCipher(world.key)),
        clock=world.clock,
    )


@pytest.fixture
def host(world: World) -> JoinedHost:
    return join(world, "one")


def join(world: World, name: str, **facts: str) -> JoinedHost:
    token = f"default.local.{new_token()}"
    now = world.clock()
    host = Host(
        host_id=f"host-{name}",
        organization="default",
        pool="local",
        name=name,
        slots=4,
        token_hash=token_hash(token),
        joined_at=now,
        last_seen=now,
        facts=facts,
    )
    world.hosts.put_host(host)
    return host, token


def lease(
    world: World, host: JoinedHost, free: int = 4, running: tuple[str, ...] = (), call: int | None = None
) -> LeaseAnswer:
    """Makes the host's next call, unless `call` is its number."""
    number = call or next(CALLS)
    return leases(world).lease(host[0].host_id, f"Bearer {host[1]}", number, free, running)


def leases(world: World) -> LeaseWork:
    return LeaseWork(
        hosts=world.hosts,
        runners=world.runners,
        machines=world.machines,
        work_notification=world.work_notification,
        claim_key=key_of,
        clock=world.clock,
    )


def key_of(host: Host) -> str:
    return f"key of {host.host_id}"


def start_and_take(world: World, host: JoinedHost, runner_id: str, last_call: int) -> str:
    """Lets the host start the runner without a call; returns its one-time token, which its claim has made valid."""
    token = claim_token(key_of(host[0]), runner_id)
    take = TakeOffer(runners=world.runners, hosts=world.hosts, claim_key=key_of, clock=world.clock)
    take.take(runner_id, token, host[0].host_id, last_call)
    return token


@pytest.fixture
def booting(world: World, host: JoinedHost) -> Booting:
    """A runner that a host has taken, and its one-time token."""
    runner_id = world.launch()
    (handed,) = lease(world, host).assignments
    assert handed.runner_id == runner_id
    return runner_id, handed.token


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["security_event"] for record in caplog.records]


def test_a_claim_gives_the_assignment_and_begins_the_treatment(
    world: World, claim: ClaimAssignment, booting: Booting
) -> None:
    assignment = claim.claim(*booting, NONCE, {"arch": "amd64"})
    assert assignment.secrets == {"TOKEN": "s3cr3t-value"}
    assert assignment.spec.run == "make"
    assert world.runs.get_treatment(RUN_ID, "make").state is TreatmentState.RUNNING
    assert world.machines.succeeded == []  # the machine waits for the result
    runner = world.runners.get_runner(booting[0])
    assert (runner.state, runner.facts) == (RunnerState.CLAIMED, {"arch": "amd64"})
    assert runner.lease_until == world.clock() + timedelta(seconds=LEASE_SECONDS)
    assert RunnerSessions(world.runners).check(booting[0], f"Bearer {assignment.session_token}") == runner


def test_the_same_agent_may_repeat_its_claim_and_nobody_else(
    world: World, claim: ClaimAssignment, booting: Booting, caplog: pytest.LogCaptureFixture
) -> None:
    first = claim.claim(*booting, NONCE, {})
    again = claim.claim(*booting, NONCE, {})
    assert (again.session_token, again.secrets) == (first.session_token, first.secrets)
    with caplog.at_level(logging.WARNING), pytest.raises(Unauthenticated):
        claim.claim(*booting, "another-agent-s-nonce", {})
    assert events(caplog) == ["one_time_token_used_twice"]


def test_secrets_that_are_handed_over_are_in_the_audit_log_without_their_values(
    world: World, claim: ClaimAssignment, booting: Booting
) -> None:
    claim.claim(*booting, NONCE, {})
    (entry,) = DynamoAuditTrail("access").entries("default", 10, None).items
    assert (entry.kind, entry.action, entry.project) == (AuditKind.SECRET, "hand_over_secrets", "default")
    assert entry.actor == f"runner:{booting[0]}"
    assert entry.target == f"/v1/runs/{RUN_ID}/treatments/make: git-read (version 1)"
    assert "s3cr3t-value" not in world.items("access")


def test_a_secret_whose_hand_over_cannot_be_recorded_is_not_handed_over(
    world: World, claim: ClaimAssignment, booting: Booting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(trail: DynamoAuditTrail, entry: AuditEntry) -> None:
        raise Transient("the table is busy")

    with monkeypatch.context() as broken:
        broken.setattr(DynamoAuditTrail, "note", fail)
        with pytest.raises(Transient):
            claim.claim(*booting, NONCE, {})
    assert claim.claim(*booting, NONCE, {}).secrets == {"TOKEN": "s3cr3t-value"}


def test_a_host_that_joins_is_in_the_audit_log(world: World) -> None:
    by = Principal(
        token_id="t", name="for hosts", organization="default", project="*", permissions=frozenset({"hosts:join"})
    )
    joined = JoinPool(world.hosts, world.pools, DynamoAuditTrail("access"), world.clock).join(
        by, "local", "one", 1, {}, {}
    )
    (entry,) = DynamoAuditTrail("access").entries("default", 10, None).items
    assert (entry.action, entry.token_name, entry.target) == (
        "join_host", "for hosts", f"/v1/pools/local/hosts/{joined.host_id}",
    )  # fmt: skip


def test_a_wrong_token_is_refused_and_noted(
    world: World, claim: ClaimAssignment, booting: Booting, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(Unauthenticated):
        claim.claim(booting[0], new_token(), NONCE, {})
    assert events(caplog) == ["wrong_one_time_token"]
    other = world.launch("test", task_token="other")
    with pytest.raises(Unauthenticated):
        claim.claim(other, booting[1], NONCE, {})
    with pytest.raises(Unauthenticated):
        claim.claim(f"{RUN_ID}-000000000000-1", booting[1], NONCE, {})


@pytest.mark.parametrize("state", [RunnerState.LOST, RunnerState.RELEASED])
def test_a_token_that_comes_late_is_refused(
    world: World, claim: ClaimAssignment, booting: Booting, state: RunnerState
) -> None:
    world.runners.change_runner(booting[0], {RunnerState.BOOTING}, state=state)
    with pytest.raises(Gone):
        claim.claim(*booting, NONCE, {})
    assert world.machines.succeeded == []


def test_a_cancelled_runner_gets_no_assignment(world: World, claim: ClaimAssignment, booting: Booting) -> None:
    world.runners.change_runner(booting[0], {RunnerState.BOOTING}, cancel_reason="cancelled by ada")
    with pytest.raises(Gone) as refused:
        claim.claim(*booting, NONCE, {})
    assert refused.value.message == f"Runner {booting[0]} is no longer wanted: cancelled by ada"
    assert refused.value.details == {"state": "booting", "cancel": "cancelled by ada"}


def test_a_session_ends_with_its_runner(world: World, claim: ClaimAssignment, booting: Booting) -> None:
    session = claim.claim(*booting, NONCE, {}).session_token
    sessions = RunnerSessions(world.runners)
    with pytest.raises(Unauthenticated):
        sessions.check(booting[0], f"Bearer {booting[1]}")
    with pytest.raises(Unauthenticated):
        sessions.check(booting[0], None)
    world.runners.change_runner(booting[0], {RunnerState.CLAIMED}, state=RunnerState.LOST)
    with pytest.raises(Gone):
        sessions.check(booting[0], f"Bearer {session}")


def share(world: World, owner: SecretOwner, value: str, projects: tuple[str, ...] = ()) -> None:
    world.secrets.put("default", "*", owner.reference("git-read"), value, world.clock(), projects=projects)


def test_a_name_means_the_most_specific_secret_that_reaches(
    world: World, claim: ClaimAssignment, booting: Booting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the project's, which is bound elsewhere, nor another pool's: that of the pool where the treatment runs."""
    of_production = Binding("production")
    world.secrets.put("default", "default", "git-read", "the-projects", world.clock(), of_production)
    share(world, pool_owner("other"), "another-pools")
    share(world, pool_owner("local"), "the-pools")
    share(world, team_owner("dev"), "the-teams", ("default",))
    share(world, OF_ORGANIZATION, "the-organizations", ("*",))
    without_registry(world, monkeypatch)

    assignment = claim.claim(*booting, NONCE, {})

    assert assignment.secrets == {"TOKEN": "the-pools"}
    assert world.runners.get_runner(booting[0]).secret_versions == {"pool:local/git-read": 1}
    (entry,) = DynamoAuditTrail("access").entries("default", 10, None).items
    assert entry.target.endswith(": git-read (version 1 of the pool local)")


def test_logins_of_registries_are_of_no_pool(world: World, claim: ClaimAssignment, booting: Booting) -> None:
    """They are needed before a treatment has a pool."""
    world.secrets.delete("default", "default", "git-read")
    share(world, pool_owner("local"), "the-pools")
    share(world, OF_ORGANIZATION, "the-organizations", ("*",))
    assignment = claim.claim(*booting, NONCE, {})
    assert assignment.registries == {"ghcr.io": "the-organizations"}


@pytest.mark.parametrize(
    ("owner", "projects"),
    [(OF_ORGANIZATION, ("other",)), (team_owner("dev"), ("other",)), (pool_owner("other"), ()), (OF_ORGANIZATION, ())],
    ids=["given to another project", "a team's", "another pool's", "given to none since"],
)
def test_a_secret_that_does_not_reach_is_as_if_it_were_not_there(
    world: World, claim: ClaimAssignment, booting: Booting, owner: SecretOwner, projects: tuple[str, ...]
) -> None:
    world.secrets.delete("default", "default", "git-read")
    share(world, owner, "not-for-you", projects)
    with pytest.raises(CannotRun, match="no secret git-read in project default, and none of that name is given to it"):
        claim.claim(*booting, NONCE, {})
    assert [token for token, _ in world.machines.failed] == ["launch-token"]


def test_a_pool_that_no_longer_serves_the_project_gives_it_no_secret(
    world: World, claim: ClaimAssignment, booting: Booting
) -> None:
    world.secrets.delete("default", "default", "git-read")
    share(world, pool_owner("local"), "the-pools")
    world.pools.pools = [dataclasses.replace(world.pools.pools[0], projects=("other",))]
    with pytest.raises(CannotRun, match="no secret git-read"):
        claim.claim(*booting, NONCE, {})


def test_a_replay_receives_the_version_and_the_owners_secret_of_then(
    world: World, claim: ClaimAssignment, booting: Booting, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(world, OF_ORGANIZATION, "of-then", ("*",))
    share(world, OF_ORGANIZATION, "of-today", ("*",))
    without_registry(world, monkeypatch, secret_versions={"organization/git-read": 1})
    assert claim.claim(*booting, NONCE, {}).secrets == {"TOKEN": "of-then"}


def test_a_replay_whose_secret_is_not_given_any_more_receives_no_other(
    world: World, claim: ClaimAssignment, booting: Booting, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(world, OF_ORGANIZATION, "of-then", ("*",))
    share(world, OF_ORGANIZATION, "of-today", ("other",))
    without_registry(world, monkeypatch, secret_versions={"organization/git-read": 1})
    with pytest.raises(CannotRun, match="git-read of the organization is not given to project default any more"):
        claim.claim(*booting, NONCE, {})


def test_only_what_the_project_has_not_itself_costs_one_more_read(
    world: World, claim: ClaimAssignment, booting: Booting
) -> None:
    def queries() -> int:
        with calls() as made:
            claim.claim(*booting, NONCE, {})
        return made.count("Query")

    claim.claim(*booting, NONCE, {})
    again = queries()
    world.secrets.delete("default", "default", "git-read")
    share(world, OF_ORGANIZATION, "the-organizations", ("*",))
    assert queries() == again + 1


def without_registry(world: World, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Has the treatment name its secret for itself alone."""
    context = world.runs.get_context(RUN_ID, "make")
    spec = dataclasses.replace(context.spec, registries={}, **changes)
    monkeypatch.setattr(world.runs, "get_context", lambda *_: dataclasses.replace(context, spec=spec))


def test_a_missing_secret_fails_the_treatment_with_its_name(
    world: World, claim: ClaimAssignment, booting: Booting
) -> None:
    world.secrets.delete("default", "default", "git-read")
    with pytest.raises(CannotRun, match="git-read"):
        claim.claim(*booting, NONCE, {})
    ((token, error),) = world.machines.failed
    assert (token, type(error)) == ("launch-token", CannotRun)
    assert world.runners.get_runner(booting[0]).state is RunnerState.LOST


def test_a_secret_that_was_bound_since_is_not_given_to_a_treatment_of_another_environment(
    world: World, claim: ClaimAssignment, booting: Booting
) -> None:
    world.secrets.put("default", "default", "git-read", "s3cr3t-value", world.clock(), Binding("production"))
    with pytest.raises(CannotRun, match="git-read is only for treatments of the environment production"):
        claim.claim(*booting, NONCE, {})
    assert [token for token, _ in world.machines.failed] == ["launch-token"]
    assert world.runners.get_runner(booting[0]).state is RunnerState.LOST


def test_a_treatment_of_its_environment_gets_a_bound_secret(
    world: World, claim: ClaimAssignment, booting: Booting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.secrets.put("default", "default", "git-read", "s3cr3t-value", world.clock(), Binding("production"))
    put_environment(protected_branches=True)
    in_production(world, monkeypatch, {"kind": "push", "branch": "main", "branch_protected": True})
    assert "s3cr3t-value" in claim.claim(*booting, NONCE, {}).secrets.values()


@pytest.mark.parametrize(
    ("rules", "event", "reason"),
    [
        (
            {"protected_branches": True},
            {"kind": "push", "branch": "main", "repository_id": "r-1"},
            "whether “main” is protected was not asked when this run was planned: run it again",
        ),
        (
            {"protected_branches": True},
            {"kind": "push", "branch": "main", "branch_protected": False},
            "the code host does not protect “main”",
        ),
        ({"branches": ("release/*",)}, {"kind": "push", "branch": "main"}, "only for runs of release/"),
        (None, {"kind": "push", "branch": "main"}, "no environment 'production'"),
    ],
    ids=["restricted since", "unprotected since", "other branches since", "deleted since"],
)
def test_an_environment_that_was_closed_since_gives_nothing(
    world: World,
    claim: ClaimAssignment,
    booting: Booting,
    monkeypatch: pytest.MonkeyPatch,
    rules: dict[str, Any] | None,
    event: dict[str, Any],
    reason: str,
) -> None:
    if rules is not None:
        put_environment(**rules)
    in_production(world, monkeypatch, event)
    with pytest.raises(CannotRun, match=reason):
        claim.claim(*booting, NONCE, {})
    assert [token for token, _ in world.machines.failed] == ["launch-token"]
    assert world.runners.get_runner(booting[0]).state is RunnerState.LOST


def put_environment(**rules: Any) -> None:
    DynamoEnvironmentStore("access").put_environment("default", "default", EnvironmentSet(name="production", **rules))


def in_production(world: World, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]) -> None:
    """Lets the treatment be one of the environment `production`, in a run with that event."""
    read = world.runs.get_context

    def changed(run_id: str, treatment: str) -> TreatmentContext:
        context = read(run_id, treatment)
        return dataclasses.replace(
            context,
            run=dataclasses.replace(context.run, event=event),
            spec=dataclasses.replace(context.spec, environment="production", registries={}),
        )

    monkeypatch.setattr(world.runs, "get_context", changed)


@pytest.mark.parametrize("event", [{"kind": "pull_request", "fork": True}, {"kind": "pipeline", "fork": True}])
def test_a_pull_request_from_a_fork_gets_no_secrets_even_if_it_comes_this_far(
    world: World, claim: ClaimAssignment, booting: Booting, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]
) -> None:
    read = world.runs.get_context

    def of_a_fork(run_id: str, treatment: str) -> TreatmentContext:
        standing = read(run_id, treatment)
        return dataclasses.replace(standing, run=dataclasses.replace(standing.run, event=event))

    monkeypatch.setattr(world.runs, "get_context", of_a_fork)
    with pytest.raises(CannotRun, match="not given to pull requests from forks"):
        claim.claim(*booting, NONCE, {})
    assert [token for token, _ in world.machines.failed] == ["launch-token"]
    assert world.runners.get_runner(booting[0]).state is RunnerState.LOST


def test_nothing_secret_is_stored_or_logged(
    world: World, claim: ClaimAssignment, booting: Booting, host: JoinedHost, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assignment = claim.claim(*booting, NONCE, {})
    session = assignment.session_token
    stored = world.items("access") + world.items("runners") + world.items("runs") + caplog.text + repr(assignment)
    for secret in (booting[1], session, NONCE, host[1], "s3cr3t-value"):
        assert secret not in stored


def test_two_hosts_cannot_take_one_offer(world: World, host: JoinedHost) -> None:
    runner_id = world.launch()
    offer = world.runners.get_runner(runner_id).as_offer
    second, _ = join(world, "two")
    assert world.hosts.lease(host[0], offer, token_hash("a"), world.clock())
    assert not world.hosts.lease(second, offer, token_hash("b"), world.clock())
    runner = world.runners.get_runner(runner_id)
    assert (runner.host_id, runner.one_time_hash) == (host[0].host_id, token_hash("a"))


def test_a_call_is_noted_with_what_it_hands_out_unless_the_host_has_changed(world: World, host: JoinedHost) -> None:
    first = HostCall(number=1, at=world.clock(), running=(), handed=["a"])
    noted = world.hosts.note_call(host[0], first)
    seen = world.hosts.get_host("default", "local", host[0].host_id)
    assert noted == seen
    assert (seen.last_call, set(seen.running), set(seen.handed)) == (1, set(), {"a"})

    # The late call of a host that was handed a runner, or has called again, since it was read.
    second = HostCall(number=2, at=world.clock(), running=["a"], handed=["b"])
    for late in (host[0], dataclasses.replace(seen, handed=frozenset()), dataclasses.replace(seen, last_call=0)):
        with pytest.raises(Conflict, match="host "):
            world.hosts.note_call(late, second)
    assert world.hosts.get_host("default", "local", host[0].host_id) == seen

    # With one call after the other, as other hosts take what it was to hand out.
    seen = world.hosts.note_call(seen, second)
    seen = world.hosts.note_call(seen, dataclasses.replace(second, handed=["b", "c"]))
    assert (seen.last_call, set(seen.running), set(seen.handed)) == (2, {"a"}, {"b", "c"})
    assert not world.hosts.note_call(seen, HostCall(number=3, at=world.clock(), running=())).handed


def test_a_host_that_works_off_a_chain_takes_each_runner_with_single_writes(world: World, host: JoinedHost) -> None:
    """Its own item, the runner and the offer: three write units, where a transaction would take six."""
    for name in ("make", "test"):
        runner_id = world.launch(name, task_token=name)
        with calls() as made:
            (handed,) = lease(world, host).assignments
        assert handed.runner_id == runner_id
        world.runners.change_runner(runner_id, {RunnerState.BOOTING}, state=RunnerState.COMPLETED)
    assert made == ["GetItem", "BatchGetItem", "Query", "UpdateItem", "UpdateItem", "DeleteItem"]


def test_an_offer_that_went_on_to_another_pool_is_no_longer_to_be_had(world: World, host: JoinedHost) -> None:
    runner_id = world.launch()
    world.runners.change_runner(runner_id, {RunnerState.OFFERED}, pool="elsewhere")
    assert lease(world, host).assignments == []
    assert world.hosts.list_offers("default", "local", 10) == []
    runner = world.runners.get_runner(runner_id)
    assert (runner.state, runner.host_id) == (RunnerState.OFFERED, None)


def test_a_host_gets_no_more_than_it_has_room_for(world: World, host: JoinedHost) -> None:
    launched = {world.launch("make"), world.launch("test", task_token="other")}
    (first,) = lease(world, host, free=1).assignments
    assert lease(world, host, free=0, running=(first.runner_id,)).assignments == []
    (second,) = lease(world, join(world, "two"), free=4).assignments
    assert {first.runner_id, second.runner_id} == launched


def test_offers_that_nobody_can_take_hide_no_others(world: World, host: JoinedHost) -> None:
    """More of them than a host looks at in one call: left by runners that were lost while their release failed."""
    offered = world.runners.get_runner(world.launch("make"))
    for number in range(12):
        stale = dataclasses.replace(offered, runner_id=f"{RUN_ID}-{number:012x}-1")
        world.hosts.put_offer(stale, world.clock())
    lost = world.launch("make")
    world.runners.declare_lost(world.runners.get_runner(lost))
    wanted = world.launch("test", task_token="other")
    assert lease(world, host, free=1).assignments == []
    assert [each.runner_id for each in lease(world, host, free=1).assignments] == [wanted]


def test_work_for_an_engine_goes_to_hosts_that_have_it(world: World, host: JoinedHost) -> None:
    """However much of it there is, it hides nothing from hosts without one."""
    made = world.runners.get_runner(world.launch("make"))
    for number, engine in enumerate(("0.10.2", "0.9.0", *["*"] * 12)):
        offered = dataclasses.replace(made, runner_id=f"{RUN_ID}-{number:012x}-1", engine=engine)
        world.runners.put_runner(offered)
        world.hosts.put_offer(offered, world.clock())
    wanted = world.launch("test", task_token="other")
    assert {each.runner_id for each in lease(world, host, free=4).assignments} == {made.runner_id, wanted}
    equipped = join(world, "two", melodium="0.10.2")
    given = [world.runners.get_runner(each.runner_id).engine for each in lease(world, equipped, free=20).assignments]
    assert sorted(str(engine) for engine in given) == ["*"] * 12 + ["0.10.2"]


def test_offers_are_leased_by_priority_then_fair_share_then_age(world: World, host: JoinedHost) -> None:
    """Also where one project has more of them than a host looks at in one call."""
    made = world.runners.get_runner(world.launch("make"))
    world.hosts.remove_offer("default", "local", made.as_offer)

    def offer(number: int, project: str, priority: int = 0) -> str:
        runner_id = f"{number:026}-{number:012x}-1"
        runner = dataclasses.replace(made, runner_id=runner_id, project=project, priority=priority)
        world.runners.put_runner(runner)
        world.hosts.put_offer(runner, world.clock())
        return runner_id

    many = [offer(number, "big") for number in range(40)]
    few = [offer(number, "small") for number in range(50, 52)]
    urgent = offer(99, "small", 5)
    leased = [each.runner_id for each in lease(world, host, free=5).assignments]
    # The urgent one is of the small project, so the big one is next.
    assert leased == [urgent, many[0], many[1], few[0], many[2]]


def test_work_whose_handing_over_was_lost_is_handed_again(
    world: World, claim: ClaimAssignment, host: JoinedHost
) -> None:
    runner_id = world.launch()
    (lost,) = lease(world, host).assignments
    (again,) = lease(world, host).assignments
    assert again.runner_id == runner_id
    with pytest.raises(Unauthenticated):
        claim.claim(runner_id, lost.token, NONCE, {})
    claim.claim(runner_id, again.token, NONCE, {})
    assert lease(world, host).assignments == []
    assert world.hosts.get_host("default", "local", host[0].host_id).handed == frozenset()


def test_a_host_is_told_what_to_stop(world: World, host: JoinedHost, booting: Booting) -> None:
    unknown = f"{RUN_ID}-000000000000-1"
    answer = lease(world, host, running=(booting[0], unknown))
    assert answer.stop == [unknown]
    world.release.release(booting[0])
    assert lease(world, host, running=(booting[0],)).stop == [booting[0]]


@pytest.mark.parametrize("reported", [True, False])
def test_an_agent_whose_process_is_gone_is_lost_at_once(
    world: World, host: JoinedHost, claim: ClaimAssignment, booting: Booting, reported: bool
) -> None:
    runner_id, token = booting
    claim.claim(runner_id, token, NONCE, {})
    if reported:
        lease(world, host, running=(runner_id,))
    lease(world, host, running=())
    lease(world, host, running=())
    assert world.runners.get_runner(runner_id).state is RunnerState.LOST
    assert [(token, type(error)) for token, error in world.machines.failed] == [("launch-token", RunnerLost)]


def test_a_claim_leases_what_its_host_has_started_by_itself(
    world: World, host: JoinedHost, claim: ClaimAssignment
) -> None:
    """Five calls where a call of the host takes more; the runner is known as the host's from then on."""
    number = next(CALLS)
    assert lease(world, host, call=number).claim_key == key_of(host[0])
    runner_id = world.launch()
    with calls() as made:
        token = start_and_take(world, host, runner_id, number)
    assert sorted(made) == ["DeleteItem", "GetItem", "GetItem", "UpdateItem", "UpdateItem"]
    assert claim.claim(runner_id, token, NONCE, {}).runner.host_id == host[0].host_id
    start_and_take(world, host, runner_id, number)
    assert claim.claim(runner_id, token, NONCE, {}).session_token
    assert world.hosts.list_offers("default", "local", 10) == []
    assert lease(world, host, running=(runner_id,)).assignments == []
    lease(world, host)
    assert world.runners.get_runner(runner_id).state is RunnerState.LOST


def test_a_claim_that_leases_makes_an_earlier_call_of_the_host_too_late(
    world: World, host: JoinedHost, claim: ClaimAssignment
) -> None:
    late, number = next(CALLS), next(CALLS)
    runner_id = world.launch()
    claim.claim(runner_id, start_and_take(world, host, runner_id, number), NONCE, {})
    with pytest.raises(Conflict):
        lease(world, host, call=late)
    with pytest.raises(Conflict):
        lease(world, host, call=number)
    assert world.runners.get_runner(runner_id).state is RunnerState.CLAIMED


def test_a_claim_does_not_lease_after_its_host_has_reported_its_process_gone(world: World, host: JoinedHost) -> None:
    number = next(CALLS)
    lease(world, host, call=number)
    runner_id = world.launch()
    lease(world, host, free=0, running=(runner_id,))
    lease(world, host, free=0)
    with pytest.raises(Gone):
        start_and_take(world, host, runner_id, number)
    assert world.runners.get_runner(runner_id).state is RunnerState.OFFERED


def test_a_claim_leases_nothing_of_another_organization(world: World, host: JoinedHost) -> None:
    runner_id = world.launch()
    world.hosts.put_host(dataclasses.replace(host[0], organization="rival", host_id="host-rival"))
    with pytest.raises(Unauthenticated):
        start_and_take(world, (dataclasses.replace(host[0], host_id="host-rival"), ""), runner_id, 1)
    assert world.runners.get_runner(runner_id).state is RunnerState.OFFERED


def test_an_agent_that_has_given_its_result_is_not_lost(
    world: World, host: JoinedHost, claim: ClaimAssignment, booting: Booting
) -> None:
    runner_id, token = booting
    claim.claim(runner_id, token, NONCE, {})
    world.runners.complete(runner_id, RunnerResult(outcome=RunnerOutcome.SUCCEEDED, exit_code=0))
    lease(world, host, running=())
    assert world.runners.get_runner(runner_id).state is RunnerState.COMPLETED
    assert world.machines.failed == []


def test_a_host_needs_its_own_token(world: World, host: JoinedHost) -> None:
    other = join(world, "two")
    for authorization in (None, "Bearer nonsense", f"Bearer {other[1]}", f"Bearer {host[1]}x"):
        with pytest.raises(Unauthenticated):
            leases(world).lease(host[0].host_id, authorization, 1, 1, ())


def test_a_repeated_start_adopts(world: World, host: JoinedHost, claim: ClaimAssignment) -> None:
    runner_id = world.launch(task_token="first")
    world.launch(task_token="second")
    assert [offer.runner_id for offer in world.hosts.list_offers("default", "local", 10)] == [runner_id]
    (handed,) = lease(world, host).assignments
    claim.claim(runner_id, handed.token, NONCE, {})
    world.launch(task_token="third")
    assert world.machines.succeeded == []
    assert world.runners.get_runner(runner_id).task_token == "third"
    world.runners.complete(runner_id, RunnerResult(outcome=RunnerOutcome.SUCCEEDED))
    world.launch(task_token="fourth")
    ((token, told),) = world.machines.succeeded
    assert (token, told["next"], told["function"]) == ("fourth", "settle", "provider-host")
    assert world.hosts.list_offers("default", "local", 10) == []
    assert world.deadlines.runners == [(runner_id, timedelta(seconds=120))] * 4


def test_a_stopped_run_starts_no_runner(world: World, host: JoinedHost) -> None:
    world.runs.request_stop(RUN_ID, RunState.CANCELLED, "cancelled by ada")
    with pytest.raises(Cancelled, match="cancelled by ada"):
        world.launch()
    assert lease(world, host).assignments == []


def test_a_released_runner_is_not_started_again(world: World) -> None:
    runner_id = world.launch()
    world.release.release(runner_id)
    world.release.release(runner_id)
    with pytest.raises(RunnerLost):
        world.launch()
    assert world.hosts.list_offers("default", "local", 10) == []


def test_releasing_what_never_was_is_no_error(world: World) -> None:
    world.release.release(f"{RUN_ID}-000000000000-1")
    with pytest.raises(NotFound):
        world.runners.get_runner(f"{RUN_ID}-000000000000-1")
