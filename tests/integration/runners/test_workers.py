"""A Mélodium worker's runner on moto: what it is told at its claim, and how it says that it listens."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema_rs
import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.token_uses import DynamoTokenUses
from cadence.adapters.dynamodb.limits.environments import DynamoEnvironmentStore
from cadence.adapters.dynamodb.melodium.sealed_workers import SealedWorkers
from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.presigned import S3DataUrls
from cadence.adapters.s3.report_masks import S3ReportMasks
from cadence.application.access.audited_request import note_hourly
from cadence.application.access.authenticate import issue_token
from cadence.application.access.token_uses import NoteTokenUses
from cadence.application.melodium.engine_secrets import ReadEngineSecrets
from cadence.application.melodium.note_listening import NoteListening
from cadence.application.melodium.run_tokens import RunTokens
from cadence.application.melodium.worker_ports import WorkerSecrets
from cadence.application.runners.claim import Assignment, ClaimAssignment
from cadence.application.runners.runner_tokens import new_token, token_hash
from cadence.application.scheduling.mark_started import MarkStarted
from cadence.application.scheduling.readiness import Readiness
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.access.engine_tokens import ENGINE_PERMISSIONS, engine_token_id
from cadence.domain.melodium.specification import ContainerSpec, WorkerSpec
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import EngineEndpoint, Runner, RunnerState
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict, Gone, NotFound
from cadence.domain.shared.schemas import schema as schema_of
from runner_gateway import wire
from tests.fakes.services import MemoryWakeUps, PlainIdTokens, no_sources
from tests.integration.runners.conftest import World
from tests.permissions import within_the_role_of

RUN = "0d0b6c1e-7c52-4c6e-9c0f-52b0a9b1a9d2"
KEYS = WorkerSecrets(
    "c6f4b1f8-2d3c-4f6b-8d0e-6f0a4f0f7a10", "0f8c3c8e-58a0-4d0e-9f53-1f6a1f0c2b11", {"build": "p" * 9000}
)
WORKER = WorkerSpec(
    version="0.10.2",
    group_id="6f2d9a2a-4b0a-4a24-9f1a-3f7f6a6c4d31",
    duration=60,
    volumes={"data": 500},
    containers=(ContainerSpec(name="build", image="ubuntu:noble", memory=500, mounts={"data": "/mnt/data"}),),
)
HERE = EngineEndpoint(("127.0.0.1",), 41237, "boot:4026531840")


@pytest.fixture
def sealed(world: World) -> SealedWorkers:
    return SealedWorkers("runners", KmsCipher(world.key))


@pytest.fixture
def claimed(world: World, sealed: SealedWorkers) -> Callable[[TreatmentSpec], Assignment]:
    def claim(spec: TreatmentSpec) -> Assignment:
        world.runs.create_run(
            Run(
                run_id=RUN,
                organization="default",
                project="default",
                pipeline="melodium",
                state=RunState.PENDING,
                created_at=world.clock(),
                document_sha256="d" * 64,
                plan_sha256="p" * 64,
            )
        )
        world.runs.begin_run(RUN, "run-token", world.clock())
        world.runs.admit(
            RUN, [spec], [Treatment(run_id=RUN, name=spec.name, state=TreatmentState.BOOTING, waiting=0)], []
        )
        sealed.keep(RUN, KEYS)
        runner_id, one_time = ids.runner_id(RUN, spec.name, 1), new_token()
        booting = RunnerState.BOOTING
        runner = Runner(
            runner_id=runner_id,
            run_id=RUN,
            treatment=spec.name,
            attempt=1,
            organization="default",
            project="default",
            pool="local",
            provider="host",
            state=booting,
            created_at=world.clock(),
        )
        world.runners.put_runner(replace(runner, one_time_hash=token_hash(one_time)))
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
        secrets = ReadEngineSecrets(
            sealed,
            RunTokens(DynamoAccessStore("access"), world.clock),
            S3DataUrls(Buckets("data")),
            S3ReportMasks(client("s3"), "data"),
        )
        claim = ClaimAssignment(
            note_spec=lambda run_id, spec: None,
            durations=lambda run, spec: {},
            treatments=world.runs,
            runners=world.runners,
            secrets=world.secrets,
            sources=no_sources(),
            environments=DynamoEnvironmentStore("access"),
            machines=world.machines,
            begin=begin,
            engine_secrets=secrets.read,
            pools=world.pools,
            retentions=world.retentions,
            inputs=world.read_input.first_chunks,
            audit=DynamoAuditTrail("access"),
            id_tokens=PlainIdTokens(),
            clock=world.clock,
        )
        # The engine's token is written to the table of tokens.
        with within_the_role_of("runner_gateway", pytest.MonkeyPatch()):
            return claim.claim(runner_id, one_time, "nonce-of-the-agent", {})

    return claim


def test_a_workers_keys_come_once_with_its_assignment_and_are_in_no_table(
    world: World, claimed: Callable[[TreatmentSpec], Assignment]
) -> None:
    answer = wire.assignment_json(claimed(TreatmentSpec(name="worker", engine=WORKER)))
    schema = {**schema_of("runner-protocol"), "$ref": "#/$defs/claim_answer"}
    jsonschema_rs.Draft202012Validator(schema).validate(answer)
    assert answer["engine"]["worker"]["containers"][0]["mounts"] == {"data": "/mnt/data"}
    token = answer["engine"]["secrets"].pop("api_token")
    assert token.startswith("cad_")
    assert answer["engine"]["secrets"] == {
        "receive_key": KEYS.receive_key,
        "send_key": KEYS.send_key,
        "pull_secrets": dict(KEYS.pull_secrets),
    }
    assert KEYS.receive_key in json.dumps(answer)
    for table in ("runs", "runners", "access"):
        assert token not in world.items(table)
        assert KEYS.receive_key not in world.items(table)
        assert KEYS.send_key not in world.items(table)


def test_of_two_who_keep_a_workers_keys_the_first_is_right(sealed: SealedWorkers) -> None:
    assert sealed.keep(RUN, KEYS) == KEYS
    assert sealed.keep(RUN, WorkerSecrets("other", "keys")) == KEYS
    assert sealed.get(RUN) == KEYS
    with pytest.raises(NotFound):
        sealed.get("another run")


def test_a_runner_says_that_its_engine_listens(world: World, claimed: Callable[[TreatmentSpec], Assignment]) -> None:
    runner = claimed(TreatmentSpec(name="worker", engine=WORKER)).runner
    note = NoteListening(world.runs.get_spec, world.runners)
    for _ in range(2):
        note.note(runner, HERE)
    assert world.runners.get_runner(runner.runner_id).listening == HERE
    world.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, state=RunnerState.LOST)
    with pytest.raises(Gone, match=f"{runner.runner_id} is lost: stop its work") as refused:
        note.note(runner, HERE)
    assert refused.value.details == {"state": "lost"}


def test_a_runner_without_an_engine_cannot_listen(world: World, claimed: Callable[[TreatmentSpec], Assignment]) -> None:
    runner = claimed(TreatmentSpec(name="make", run="make")).runner
    with pytest.raises(Conflict, match="no engine"):
        NoteListening(world.runs.get_spec, world.runners).note(runner, HERE)


@pytest.mark.parametrize("folder", ["runner_gateway", "settle", "watchdog"])
def test_whoever_ends_a_runner_may_end_its_engines_token_and_no_other_item(
    world: World, claimed: Callable[[TreatmentSpec], Assignment], folder: str
) -> None:
    claimed(TreatmentSpec(name="worker", engine=WORKER))
    store = DynamoAccessStore("access")
    with within_the_role_of(folder, pytest.MonkeyPatch()) as done:
        RunTokens(store, world.clock).revoke(world.runs.get_run(RUN))
    assert [(action, key[:6]) for action, _, key in done if action != "GetItem"] == [("DeleteItem", "ENGINE")]
    with within_the_role_of(folder, pytest.MonkeyPatch()), pytest.raises(AssertionError, match="ORG#default"):
        store.remove_pool("default", "local")


@pytest.mark.parametrize("folder", ["api", "live", "melodium", "runner_gateway", "sign_in", "tunnel"])
def test_whoever_records_may_write_to_the_audit_log(world: World, folder: str) -> None:
    entry = AuditEntry(
        organization="default", project="*", at=world.clock(), kind=AuditKind.REFUSAL, actor="a", token_id="t",
        token_name="n", action="x", target="/",
    )  # fmt: skip
    with within_the_role_of(folder, pytest.MonkeyPatch()) as done:
        DynamoAuditTrail("access").note(entry)
        note_hourly(DynamoAuditTrail("access"), entry, "same")
    assert [key.partition("#")[0] for _, _, key in done] == ["AUDIT", "AUDITED", "AUDIT"]


def test_the_gateway_cannot_change_who_may_do_what(world: World) -> None:
    """The conditions are evaluated: with the same code, other items of the same table are refused."""
    store = DynamoAccessStore("access")
    with within_the_role_of("runner_gateway", pytest.MonkeyPatch()), pytest.raises(AssertionError, match="PutItem"):
        store.put_pool(Pool(organization="default", name="local", provider="host"))


@pytest.mark.parametrize("folder", ["api", "live", "melodium", "runner_gateway", "tunnel"])
def test_whoever_accepts_tokens_may_note_their_use(world: World, folder: str) -> None:
    uses = DynamoTokenUses("access")
    with within_the_role_of(folder, pytest.MonkeyPatch()) as done:
        NoteTokenUses(uses).note("a", world.clock())
        if folder == "api":
            assert uses.last_uses(["a", "b"]) == {"a": world.clock()}
    assert {key for _, _, key in done} <= {"TOKENUSE#a", "TOKENUSE#b"}


OWNER, _ = issue_token("default", "*", "owner", frozenset({"*"}), "a test", datetime.now(UTC))


@pytest.mark.parametrize("folder", ["runner_gateway", "settle", "watchdog"])
def test_only_tokens_of_engines_can_be_written_and_ended_with_runners(world: World, folder: str) -> None:
    store = DynamoAccessStore("access")
    with within_the_role_of(folder, pytest.MonkeyPatch()):
        with pytest.raises(AssertionError, match="may not PutItem 'TOKEN#"):
            store.put_run_token(OWNER)
        with pytest.raises(AssertionError, match="may not DeleteItem 'TOKEN#"):
            store.delete_run_token(OWNER.token_id)
        with pytest.raises(AssertionError, match="may not PutItem 'TOKEN#"):
            store.add_token(OWNER)


def test_a_token_that_is_stored_as_an_engines_is_worth_no_more_than_an_engines(world: World) -> None:
    """Whatever the gateway writes below the keys that its role allows, no route but those of engines accepts it."""
    store, engine = DynamoAccessStore("access"), engine_token_id(OWNER.token_id)
    with within_the_role_of("runner_gateway", pytest.MonkeyPatch()):
        store.put_run_token(replace(OWNER, token_id=engine, permissions=frozenset({"*"}), subject="member:someone"))
    for stored in (store.get_token(engine), store.credentials(engine, None).token):
        assert stored.permissions <= ENGINE_PERMISSIONS
        assert (stored.run, stored.subject) == ("", None)
    store.put_run_token(
        replace(OWNER, token_id=engine, permissions=frozenset({"melodium:report", "secrets:write"}), run=RUN)
    )
    assert store.credentials(engine, None).token.permissions == {"melodium:report"}
    assert store.credentials(engine, None).token.run == RUN
