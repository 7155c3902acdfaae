"""Secrets as parameters of Mélodium programs: named in the document, told to the runner, never written down."""

from datetime import UTC, datetime

import pytest

from cadence.adapters.engine_reports.debug_chunk import ReadEvents
from cadence.domain.access.secret_owner import KnownSecret
from cadence.domain.melodium.redaction import Masks, digest
from cadence.domain.melodium.specification import ProgramSpec
from cadence.domain.melodium.stored_program import facts_of, program_of
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.document import Checked, Context, validate
from cadence.domain.pipelines.document.findings import Code, Severity
from cadence.domain.pipelines.planning import RunFacts, instantiate
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.assignment import work_json
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState

PARAMETERS = (
    "const token: string, const maybe: Option<string> = _, const n: u8 = 1, "
    "const sealed: Option<Secret<string>> = _, const open: Option<u8> = _"
)
PROGRAM = facts_of(
    program_of(
        {
            "Compo.toml": b'name = "p"\n[entrypoints]\nmain = "p::main"',
            "lib-root.mel": f"treatment main({PARAMETERS})\n{{\n}}\n".encode(),
        }
    )
)
CONTEXT = Context(secrets=(KnownSecret("deploy-key"),), programs={"p": PROGRAM})


def checked(said: str, more: str = "") -> Checked:
    document = f"cadence: 1\nname: sample\n{more}treatments:\n  t: {{melodium: {{program: p, {said}}}}}\n"
    return validate(document, context=CONTEXT)


def specs(said: str) -> dict[str, TreatmentSpec]:
    found = checked(said)
    assert found.pipeline is not None, found.findings
    made = instantiate(found.pipeline, {}, {"kind": "api"}, RunFacts("run-1", "sample", "web"), None)
    assert made.plan is not None
    return {spec.name: spec for spec in made.plan.treatments}


def test_a_parameter_is_given_a_secret_by_its_name() -> None:
    spec = specs("secrets: {token: deploy-key, maybe: deploy-key}, parameters: {n: 2}")["t"]
    assert spec.secrets == {"CADENCE_PARAMETER_token": "deploy-key", "CADENCE_PARAMETER_maybe": "deploy-key"}
    assert isinstance(spec.engine, ProgramSpec)
    assert spec.engine.parameters == {"n": 2}
    assert list(plan.decode(plan.encode([spec]))) == [spec]
    at = datetime(2026, 3, 4, tzinfo=UTC)
    work = work_json(
        Run(
            run_id="r",
            organization="acme",
            project="site",
            pipeline="p",
            state=RunState.RUNNING,
            created_at=at,
            document_sha256="",
            plan_sha256="",
        ),
        spec,
        1,
    )
    assert work["engine"]["program"]["secrets"] == {
        "token": {"type": "string", "variable": "CADENCE_PARAMETER_token"},
        "maybe": {"type": "Option<string>", "variable": "CADENCE_PARAMETER_maybe"},
    }


def test_a_parameter_may_be_a_secret_by_its_type() -> None:
    spec = specs("secrets: {token: deploy-key, sealed: deploy-key}")["t"]
    assert isinstance(spec.engine, ProgramSpec)
    assert spec.engine.types == {"token": "string", "sealed": "Option<Secret<string>>"}
    (found,) = checked("parameters: {sealed: x}, secrets: {token: deploy-key}").findings
    assert (found.code, found.pointer) == (Code.BAD_PARAMETER, "/treatments/t/melodium/parameters/sealed")


@pytest.mark.parametrize(
    ("said", "code", "pointer"),
    [
        ("secrets: {token: deploy-keys}", Code.UNKNOWN_SECRET, "/treatments/t/melodium/secrets/token"),
        (
            "secrets: {token: deploy-key, tokn: deploy-key}",
            Code.UNKNOWN_PARAMETER,
            "/treatments/t/melodium/secrets/tokn",
        ),
        ("secrets: {token: deploy-key, n: deploy-key}", Code.BAD_PARAMETER, "/treatments/t/melodium/secrets/n"),
        (
            "secrets: {token: deploy-key}, parameters: {token: x}",
            Code.CONTRADICTION,
            "/treatments/t/melodium/secrets/token",
        ),
        ("secrets: {maybe: deploy-key}", Code.MISSING_PARAMETER, "/treatments/t/melodium"),
    ],
)
def test_what_is_wrong_with_them_is_said_where_it_is(said: str, code: Code, pointer: str) -> None:
    (found,) = checked(said).findings
    assert (found.code, found.pointer) == (code, pointer)


def test_pull_requests_from_forks_are_told_to_skip_it() -> None:
    found = checked("secrets: {token: deploy-key}", "on: {pull_request: {}}\n").findings
    assert [(one.code, one.severity) for one in found] == [(Code.SECRETS_IN_PULL_REQUEST, Severity.WARNING)]


def test_what_a_process_was_given_is_masked_whatever_it_is_called() -> None:
    """Known by its digest from the start, and once it was met as a whole also within other texts."""
    masks = Masks({digest("s3cr3t, (with) signs")})
    keep = ReadEvents(masks)
    assert keep.parameters({"pw": {"string": "s3cr3t, (with) signs"}}) == {"pw": {"type": "string", "value": "***"}}
    assert masks.masked("curl -u me:s3cr3t, (with) signs x") == "curl -u me:*** x"
    assert masks.masked_bytes(b"a s3cr3t, (with) signs b") == b"a *** b"
