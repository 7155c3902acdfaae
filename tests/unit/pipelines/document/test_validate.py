"""What comes of whole documents: the pipeline of a valid one, all findings of another, and never an exception."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import cadence.domain.pipelines.document.syntax.yaml_text as yaml_text
from cadence.domain.access.secret_owner import KnownSecret
from cadence.domain.pipelines.document import (
    Connection,
    Context,
    Flow,
    Parameter,
    Pipeline,
    PoolOffer,
    Port,
    Severity,
    TreatmentDeclaration,
    bind_parameters,
    validate,
)
from cadence.domain.pipelines.document.connections.types import Option, Scalar
from cadence.domain.pipelines.planning import RunFacts, instantiate
from cadence.domain.pipelines.specification import RetrySpec, TreatmentSpec
from cadence.domain.triggers.triggers import GitTrigger, Schedule, Triggers

FULL = """\
cadence: 1
name: build-and-test
on:
  push: {branches: [main, "release/*"], paths: ["src/**"]}
  schedule: [{cron: "0 3 * * *", timezone: Europe/Paris}]
parameters:
  ref: {type: string, default: main, description: What to build}
  jobs: {type: Option<u8>}
max_duration: 7200
defaults: {pools: [on-prem, aws-spot], memory: 2048, max_duration: 1800, retry: {infrastructure: 3}}
treatments:
  fetch:
    run: |
      git archive HEAD > "$CADENCE_OUT_source"
    outputs: {source: Stream<byte>}
    secrets: {GIT_TOKEN: git-read}
    memory: 512
  build:
    image: python:3.13
    shell: bash -euo pipefail
    inputs: {source: Stream<byte>}
    outputs: {count: "Block<u64>"}
    env: {DEBUG: true, LEVEL: 3, MODE: on, EMPTY: ""}
    run: make
    cpu: 1000
    storage: 10000
    arch: amd64
    retry: {failure: 1}
  alarm:
    inputs: {trigger: "Block<void>"}
    after: [fetch]
    run: echo failed
connections:
  - fetch.source -> build.source
  - build.failed->alarm.trigger
"""
DEFAULTS = {
    "pools": ["on-prem", "aws-spot"],
    "memory": 2048,
    "max_duration": 1800,
    "retry": {"infrastructure": 3},
}
BUILD = {
    "image": "python:3.13",
    "shell": "bash -euo pipefail",
    "inputs": {"source": "Stream<byte>"},
    "outputs": {"count": "Block<u64>"},
    "env": {"DEBUG": True, "LEVEL": 3, "MODE": "on", "EMPTY": ""},
    "run": "make",
    "cpu": 1000,
    "storage": 10000,
    "arch": "amd64",
    "retry": {"infrastructure": 3, "failure": 1},
}
MINIMAL = {"cadence": 1, "name": "a", "treatments": {"a": {"run": "x"}}}


def valid(source: str, context: Context | None = None) -> Pipeline:
    checked = validate(source, context=context)
    assert not [finding for finding in checked.findings if finding.severity is Severity.ERROR]
    assert checked.pipeline is not None
    return checked.pipeline


def test_a_valid_document_becomes_a_complete_pipeline() -> None:
    pipeline = valid(FULL)

    assert pipeline == Pipeline(
        name="build-and-test",
        treatments={
            "fetch": TreatmentDeclaration(
                name="fetch",
                body={
                    **DEFAULTS,
                    "run": 'git archive HEAD > "$CADENCE_OUT_source"\n',
                    "outputs": {"source": "Stream<byte>"},
                    "secrets": {"GIT_TOKEN": "git-read"},
                    "memory": 512,
                },
                outputs={"source": Port(name="source", flow=Flow.STREAM, type=Scalar.BYTE)},
            ),
            "build": TreatmentDeclaration(
                name="build",
                body={**DEFAULTS, **BUILD},
                inputs={"source": Port(name="source", flow=Flow.STREAM, type=Scalar.BYTE)},
                outputs={"count": Port(name="count", flow=Flow.BLOCK, type=Scalar.U64)},
            ),
            "alarm": TreatmentDeclaration(
                name="alarm",
                body={**DEFAULTS, "run": "echo failed", "inputs": {"trigger": "Block<void>"}, "after": ["fetch"]},
                inputs={"trigger": Port(name="trigger", flow=Flow.BLOCK, type=Scalar.VOID)},
                after=("fetch",),
            ),
        },
        connections=(
            Connection("fetch", "source", "build", "source"),
            Connection("build", "failed", "alarm", "trigger"),
        ),
        parameters={
            "ref": Parameter(
                name="ref", type=Scalar.STRING, description="What to build", has_default=True, default="main"
            ),
            "jobs": Parameter(name="jobs", type=Option(Scalar.U8)),
        },
        triggers=Triggers(
            push=GitTrigger(("main", "release/*"), ("src/**",)), schedule=(Schedule("0 3 * * *", "Europe/Paris"),)
        ),
        max_duration=7200,
    )


def test_json_and_yaml_mean_the_same() -> None:
    data = yaml_text.read_yaml(FULL).data

    assert valid(json.dumps(data)) == valid(json.dumps(data, indent=2)) == valid(FULL)


def test_what_is_not_said_has_a_default() -> None:
    plan = instantiate(valid(json.dumps(MINIMAL)), {}, {}, RunFacts()).plan

    assert plan is not None
    assert plan.treatments == (TreatmentSpec(name="a", run="x", shell="sh -e", max_duration=3600, retry=RetrySpec()),)


@pytest.mark.parametrize(
    "text",
    ["on", "off", "yes", "no", "0o17", "0755", "0x1F", "1_000", "1:30", "+5", "2024-01-01", "<<", "=", "- x", ".5"],
)
def test_yaml_gives_text_where_json_would_know_no_other_value(text: str) -> None:
    assert yaml_text.read_yaml(f"key: {text if text != '- x' else chr(34) + text + chr(34)}").data == {"key": text}


def test_on_is_a_key_like_any_other() -> None:
    assert valid(FULL.replace("\non:", '\n"on":')) == valid(FULL)


def test_aliases_stand_for_what_they_name() -> None:
    source = "cadence: 1\nname: a\ntreatments:\n  a: {run: x, env: &env {A: b}}\n  b: {run: x, env: *env}\n"

    assert valid(source).treatments["b"].body["env"] == {"A": "b"}


def test_all_mistakes_are_found_at_once_and_in_order() -> None:
    source = (
        FULL.replace("run: make", "run: [make]").replace("git-read", "git-reed").replace("fetch.source", "fetch.sorce")
    )
    source = source.replace("name: build", "name: Build")

    findings = validate(source, context=Context(secrets=(KnownSecret("git-read"),))).findings

    assert [(finding.code, finding.line) for finding in findings] == [
        ("bad-name", 2),
        ("unknown-secret", 16),
        ("wrong-type", 24),
        ("unknown-port", 34),
    ]


def test_a_misspelt_port_is_one_finding() -> None:
    source = FULL.replace("-> build.source", "-> build.sorce")

    assert [finding.code for finding in validate(source).findings] == ["unknown-port"]


def test_a_treatment_may_use_any_pool_that_satisfies_it() -> None:
    small = PoolOffer(
        architectures=frozenset({"amd64"}), max_cpu=1_000, max_memory=1_024, max_storage=1_000, images=False
    )
    large = PoolOffer(
        architectures=frozenset({"arm64", "amd64"}), max_cpu=8_000, max_memory=65_536, max_storage=100_000, images=True
    )
    context = Context(pools={"on-prem": small, "aws-spot": large})

    assert valid(FULL, context)
    assert [finding.code for finding in validate(FULL, context=Context(pools={"on-prem": small})).findings] == [
        "unknown-pool", "image-not-offered", "pool-too-small",
    ]  # fmt: skip


def test_every_separate_cycle_is_told() -> None:
    treatments = {
        name: {"run": "x", "after": [other]}
        for one, two in (("a", "b"), ("c", "d"), ("e", "f"))
        for name, other in ((one, two), (two, one))
    }

    findings = validate(json.dumps({**MINIMAL, "treatments": treatments})).findings

    assert [finding.message.split(": ")[1] for finding in findings] == ["b → a → b.", "d → c → d.", "f → e → f."]


def test_a_long_cycle_is_told_briefly() -> None:
    count = 3_000
    treatments = {f"t{n}": {"run": "x", "after": [f"t{(n - 1) % count}"]} for n in range(count)}

    (finding,) = validate(json.dumps({**MINIMAL, "treatments": treatments})).findings

    assert "…" in finding.message
    assert len(finding.message) < 200


def test_as_many_treatments_as_allowed_are_accepted() -> None:
    treatments = {f"t{n}": {"run": "x", "after": [f"t{n - 1}"] if n else []} for n in range(10_000)}
    treatments["t0"].pop("after")

    assert len(valid(json.dumps({**MINIMAL, "treatments": treatments})).treatments) == 10_000


def test_a_document_full_of_mistakes_is_not_checked_to_its_end() -> None:
    connections = [f"fetc{number}.x -> buil{number}.y" for number in range(100_000)]

    findings = validate(json.dumps({**MINIMAL, "connections": connections})).findings

    assert len(findings) == 501
    assert findings[-1].code == "too-many-findings"
    assert sum(finding.hint is not None for finding in findings) < 200


@given(st.binary(max_size=200))
def test_no_bytes_raise(source: bytes) -> None:
    validate(source)
    validate(source, "json")
    validate(source, "yaml")


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["a.b -> c.d", "Block<u8>"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
keys = [
    "run",
    "inputs",
    "outputs",
    "env",
    "secrets",
    "pools",
    "after",
    "cpu",
    "retry",
    "arch",
    "image",
    "use",
    "matrix",
]
documents = st.fixed_dictionaries(
    {"cadence": st.just(1), "name": st.just("a") | plain},
    optional={
        "treatments": plain
        | st.dictionaries(
            st.sampled_from(["a", "b", "C"]),
            plain | st.dictionaries(st.sampled_from(keys), plain | st.lists(st.sampled_from("abc")), max_size=6),
            max_size=3,
        ),
        "connections": plain | st.lists(plain, max_size=3),
        "parameters": plain
        | st.dictionaries(st.just("p"), st.dictionaries(st.sampled_from(["type", "default"]), plain)),
        "defaults": plain,
        "on": plain,
        "what": plain,
    },
)


@settings(max_examples=300)
@given(documents)
def test_no_document_raises_and_findings_point_into_it(document: Any) -> None:
    context = Context(
        secrets=(),
        pools={
            "p": PoolOffer(architectures=frozenset({"amd64"}), max_cpu=1, max_memory=1, max_storage=1, images=False)
        },
    )
    source = json.dumps(document, indent=1)
    lines = source.count("\n") + 1

    checked = validate(source, "json", context)

    assert checked.pipeline is not None or checked.findings
    assert all(1 <= finding.line <= lines and finding.column >= 1 for finding in checked.findings)


@given(documents)
def test_yaml_is_read_alike_without_the_c_parser(document: Any) -> None:
    source = yaml.safe_dump(document)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_text, "_Loader", yaml.SafeLoader)
        slow = validate(source)

    assert validate(source) == slow


def test_defaults_and_given_values_make_a_run_s_parameters() -> None:
    pipeline = valid(FULL)

    assert bind_parameters(pipeline, {}).values == {"ref": "main"}
    assert bind_parameters(pipeline, {"ref": "5", "jobs": "5"}).values == {"ref": "5", "jobs": 5}
    assert bind_parameters(pipeline, {"jobs": None}).values == {"ref": "main", "jobs": None}
    assert [str(found.code) for found in bind_parameters(pipeline, {"ref": "x" * 100_001}).findings] == ["wrong-size"]
