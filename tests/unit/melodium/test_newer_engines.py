"""What engines since 0.11.0 report: secrets, counts instead of values, interruptions; what they may request."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from cadence.adapters.engine_reports.debug_chunk import ReadEvents
from cadence.adapters.engine_reports.program import redacted_program
from cadence.application.melodium.element_records import Records
from cadence.domain.melodium.certificate import OLD_ROOT_UNTIL, ROOT_G2_UNTIL, expired
from cadence.domain.melodium.events import CountedValues, Event, SecretUsed, SentValues
from cadence.domain.melodium.log_entry import LogEntry
from cadence.domain.melodium.model import ProgramModel
from cadence.domain.melodium.process import ProcessOutcome, Reported
from cadence.domain.melodium.redaction import Masks
from cadence.domain.melodium.request import LaunchRequest, Mode, RequestedSystem, launch_request
from cadence.domain.melodium.stored_program import facts_of, program_of, required_engine
from cadence.domain.melodium.wiring import ProgramWiring
from cadence.domain.placement.engine_placement import candidates
from cadence.domain.placement.pool import Pool
from cadence.domain.runs.engine_outcome import EngineEvidence, outcome
from cadence.domain.runs.states import RunState

RUN, WORKER = "0d0b6c1e-7c52-4c6e-9c0f-52b0a9b1a9d2", "b0f3a7a4-6b9d-4a59-8a36-3d3f5c2f5a77"
AT = "2026-11-27T10:00:00Z"


def identifier(name: str) -> dict[str, Any]:
    *path, name = name.replace("::", "/").split("/")
    return {"version": "0.11.0", "path": path, "name": name}


def port(treatment: str, label: str, name: str) -> dict[str, Any]:
    return {
        "treatment": identifier(treatment),
        "host_treatment": {"treatment": identifier("demo::main")},
        "host_build": 0,
        "build_id": 1,
        "label": label,
        "name": name,
    }


def events(*kinds: Any, masks: Masks | None = None) -> list[tuple[str, Event]]:
    content = json.dumps([{"timestamp": AT, "kind": kind} for kind in kinds], separators=(",", ":")).encode()
    reader = ReadEvents(masks or Masks())
    found = list(reader.read(BytesIO(content), RUN))
    assert reader.unreadable == 0
    return found


def test_values_that_are_only_counted_are_shown_as_such() -> None:
    sent = {"output": port("std/flow::emit", "say", "emit"), "track_id": 0, "data": {"count": {"count": 3}}}
    ((_, event),) = events({"data_sent": sent})
    assert isinstance(event, CountedValues) and event.count == 3
    model = ProgramModel(run_id=RUN)
    ((_, closed),) = events({"output_closed": {"output": sent["output"], "track_id": 0}})
    for each in (event, event, closed):
        model.apply(each)
    records = Records(model, ProgramWiring(model)).of(model.elements)
    (spec,) = [spec for spec, _ in records if spec.name == "main/say"]
    assert spec.element is not None
    assert (spec.element.sent, spec.element.unreported) == ({"emit": 6}, {"emit": 6})
    assert not model.ended  # there is no value to be stored


def test_values_that_are_only_counted_are_missing_where_they_were_received_too() -> None:
    say, said = port("std/flow::emit", "say", "emit"), port("std/engine/log::logBlock", "said", "message")
    built = [
        {key: place[key] for key in ("treatment", "host_treatment", "host_build", "build_id", "label")}
        | {"track_id": 0}
        for place in (say, {**said, "build_id": 2})
    ]
    counted = {"track_id": 0, "data": {"count": {"count": 3}}}
    found = events(
        *({"treatment_started": each} for each in built),
        {"data_sent": {"output": say, **counted}},
        {"data_transmitted": {"output": say, "input": {**said, "build_id": 2}, **counted}},
    )
    model = ProgramModel(run_id=RUN)
    for _, event in found:
        model.apply(event)
    specs = {spec.name: spec.element for spec, _ in Records(model, ProgramWiring(model)).of(model.elements)}
    received = specs["main/said"]
    assert received is not None
    assert (received.unreported_inputs, received.unreported) == ({"message": 3}, {})


def test_uses_of_secrets_are_told_with_the_treatment_that_used_them() -> None:
    place = {"treatment": identifier("work/distant::distant"), "label": "askFor", "track_id": 0}
    built = {**place, "host_treatment": {"treatment": identifier("demo::main")}, "host_build": 0, "build_id": 1}
    used = {
        "secret_id": 1,
        "secret_name": "api_token",
        "element": identifier("work/distant::distant"),
        "label": "askFor",
        "track_id": 0,
    }
    nowhere = {**used, "secret_name": "key", "label": None, "track_id": None, "reason": "not allowed here"}
    found = [
        event
        for _, event in events({"treatment_started": built}, {"secret_revealed": used}, {"secret_denied": nowhere})
    ]
    assert [type(event).__name__ for event in found] == ["Started", "SecretUsed", "SecretUsed"]
    model = ProgramModel(run_id=RUN)
    for event in (*found, *found):
        model.apply(event)
    assert model.elements["main/askFor"].secrets == [f"{AT} api_token revealed"]
    assert model.elements["main"].secrets == [f"{AT} key denied work/distant::distant (not allowed here)"]
    assert isinstance(found[2], SecretUsed)


def test_a_worker_is_read_although_a_masked_secret_breaks_its_json() -> None:
    inner = (
        '{"timestamp":"' + AT + '","kind":{"data_sent":{"output":'
        + json.dumps(port("std/flow::emit", "say", "emit"), separators=(",", ":"))
        + ',"track_id":0,"data":{"values":{"values":[{"string":"the <secret "deploy"> is out"}]}}}}}'
    )  # fmt: skip
    ((run, event),) = events({"distant": {"run_id": WORKER, "text": inner}})
    assert run == WORKER and isinstance(event, SentValues)
    assert json.loads(event.content) == 'the <secret "deploy"> is out'
    ((run, nested),) = events({"distant": {"run_id": RUN, "text": json.dumps({"timestamp": AT, "kind": {"distant": {
        "run_id": WORKER, "text": inner}}}).replace('\\"deploy\\"', '"deploy"')}})  # fmt: skip
    assert run == WORKER and isinstance(nested, SentValues)


def test_a_secret_is_described_without_its_value() -> None:
    told = {"name": "deploy", "datatype": "string", "policy": "default", "locator": "env:MELODIUM_SECRET_DEPLOY"}
    masks = Masks()
    reader = ReadEvents(masks)
    shown = reader.parameters({"to": {"option": {"secret": {**told, "value": {"string": "s3cr3t-value"}}}}})
    assert shown["to"]["type"] == "Option<Secret<string>>"
    assert shown["to"]["value"] == {"secret": "deploy", "redacted": True, "locator": "env:MELODIUM_SECRET_DEPLOY"}
    reader.parameters({"api_token": {"option": {"secret": {**told, "value": {"string": "s3cr3t-value"}}}}})
    assert masks.texts == {"s3cr3t-value"}  # and not "string", "deploy" or the locator


SECRET_MAP = {
    "function": [
        identifier("std/ops/option::wrap"),
        {"T": {"data": {"identifier": identifier("std/data/map::Map"), "implements": ["Display", "Serialize"]}}},
        [{"function": [identifier("std/secret::secret_entry"), {}, [{"raw": {"string": "Authorization"}}]]}],
    ]
}


def test_words_of_a_programs_design_are_no_secrets() -> None:
    """As cicd's `secret_headers` has them: types, traits and the names of headers."""
    declared = {
        "name": "secret_headers",
        "variability": "const",
        "described_type": {"option": {"data": {"identifier": identifier("std/data/map::Map")}}},
        "default": {"option": None},
        "attributes": {},
    }
    plain = {"name": "label", "described_type": "string", "default": {"string": "Authorization Display"}}
    dump = {
        "entrypoint": identifier("demo::main"),
        "collection": {"elements": [{"model": {"parameters": {"secret_headers": declared, "label": plain}}}]},
        "design": {"parameters": {"secret_headers": SECRET_MAP, "password": {"raw": {"string": "hidden-from-all"}}}},
        "elsewhere": ["it is hidden-from-all", "string", "option", "0.11.0", "Display", "Authorization"],
    }
    masks = Masks()
    shown = json.loads(redacted_program(json.dumps(dump).encode(), masks))
    assert masks.texts == {"hidden-from-all"}
    assert shown["elsewhere"] == ["it is ***", "string", "option", "0.11.0", "Display", "Authorization"]
    kept = shown["collection"]["elements"][0]["model"]["parameters"]
    assert kept == {"secret_headers": declared, "label": plain}
    assert shown["design"]["parameters"]["secret_headers"] == {"raw": {"string": "***"}}


def test_a_text_that_a_design_wraps_is_a_secret() -> None:
    wrapped = {"function": [identifier("std/ops/option::wrap"), {"T": "string"}, [{"raw": {"string": "tok-12345"}}]]}
    masks = Masks()
    redacted_program(json.dumps({"parameters": {"api_token": wrapped}}).encode(), masks)
    assert masks.texts == {"tok-12345"}


@pytest.mark.parametrize(
    ("version", "now", "refused"),
    [
        ("0.10.2", OLD_ROOT_UNTIL - timedelta(seconds=1), ""),
        ("0.10.2", OLD_ROOT_UNTIL, "Engines before 0.11.0 can reach no worker"),
        ("0.9.2", OLD_ROOT_UNTIL, "this one is 0.9.2"),
        ("0.11.0", OLD_ROOT_UNTIL + timedelta(days=365), ""),
        ("0.11.0", ROOT_G2_UNTIL, "Install a newer version of the engine"),
    ],
)
def test_each_certificate_has_its_end(version: str, now: datetime, refused: str) -> None:
    found = expired(version, now)
    assert found is None if not refused else refused in (found or "")


def test_an_interrupted_engine_has_not_succeeded() -> None:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    reported = Reported(reporting_at=now, ended_at=now, ended=ProcessOutcome.SUCCESS)
    seen = EngineEvidence(over=True, errors=1, first_error="x", interrupted="interrupted by SIGTERM")
    found = outcome(reported, seen, now + timedelta(minutes=2), timedelta(minutes=1))
    assert found is not None
    assert (found.state, found.cause) == (RunState.CANCELLED, "the engine was interrupted by SIGTERM")


def test_only_the_engines_own_line_tells_of_an_interruption() -> None:
    text = "interrupted by SIGTERM, ending within 10 seconds"
    cases = [
        ("Warning", "melodium", text),
        ("Warning", "build", text),
        ("Info", "melodium", text),
        ("Warning", "melodium", "x"),
    ]
    entries = [
        LogEntry(time=AT, level=level, label=label, message=message, track=None, run_id=None)
        for level, label, message in cases
    ]
    assert [entry.interrupts for entry in entries] == [True, False, False, False]


@pytest.mark.parametrize(
    ("requirement", "engine"),
    [
        ("=0.11.0", "0.11.0"),
        ("0.11.0", "0.11"),
        ("^0.10.2", "0.10"),
        ("~0.11.1", "0.11"),
        ("*", None),
        ("", None),
        (">=0.10.2", None),
    ],
)
def test_the_engine_of_a_program_is_what_its_standard_library_requires(requirement: str, engine: str | None) -> None:
    assert required_engine(requirement) == engine
    tree = {"Compo.toml": f'name = "p"\nversion = "0.1.0"\n[dependencies]\nstd = "{requirement}"\n'.encode()}
    assert facts_of(program_of(tree)).engine == engine
    script = (
        f"#! name = p\n#! require = work:0.9.9 std:{requirement}\n#! require = fs:0.9.9\ntreatment main()\n{{\n}}\n"
    )
    assert facts_of(program_of({"p.mel": script.encode()})).engine == engine


def asks(**said: Any) -> LaunchRequest:
    body = {"version": "0.11.0", "mode": {"distribution_secret_key": {"key": RUN}}, "local_exec": False}
    return launch_request({**body, **said})


def test_a_system_an_image_or_an_edition_is_requested() -> None:
    request = asks(os={"family": "linux", "distribution": "debian"}, image=None, edition=None)
    assert request.mode is Mode.DISTRIBUTION_SECRET_KEY
    assert (request.os, request.image, request.edition) == (RequestedSystem("linux", "debian"), None, None)
    assert asks(image="golden-7").image == "golden-7"
    assert asks().os is None


@pytest.mark.parametrize(
    ("said", "settings", "reason"),
    [
        ({}, {}, None),
        ({"edition": "scratch"}, {}, None),
        ({"os": {"family": "linux"}}, {}, None),
        ({"os": {"family": "windows"}}, {}, "has no operating system windows"),
        (
            {"os": {"family": "linux", "distribution": "Debian", "version": "12"}},
            {},
            "has no operating system linux Debian 12",
        ),
        (
            {"os": {"family": "linux", "distribution": "Debian", "version": "12"}},
            {"os": {"family": "linux", "distribution": "debian", "version": "12.5"}},
            None,
        ),
        ({"image": "golden-7"}, {"images": ["golden-6"]}, "has no machine image golden-7"),
        ({"image": "golden-7"}, {"images": ["golden-6", "golden-7"]}, None),
        ({"edition": "standard"}, {}, None),
        ({"edition": "desktop"}, {}, None),
        ({"edition": "standard"}, {"editions": ["desktop"]}, "has no edition standard of the engine"),
        ({"edition": "standard"}, {"editions": []}, "has no edition standard of the engine"),
        ({"edition": "alpine"}, {"editions": ["alpine"]}, None),
        ({"arch": "riscv64"}, {}, "has no riscv64"),
    ],
)
def test_what_a_pool_lacks_is_named(said: dict[str, Any], settings: dict[str, Any], reason: str | None) -> None:
    pool = Pool(organization="acme", name="near", provider="host", settings={"melodium": settings})
    found = candidates(asks(**said), "site", [pool])
    assert found.pools == (("near",) if reason is None else ())
    assert all(reason is not None and each.startswith(f"pool near {reason}") for each in found.reasons)


@pytest.mark.parametrize("provider", ["kubernetes", "aws_fargate"])
def test_an_engine_in_a_container_is_of_the_usual_editions_unless_its_pool_names_others(provider: str) -> None:
    """As the engine's own images are; a machine satisfies any edition (`work/distant`)."""

    def found(edition: str, **settings: Any) -> tuple[str, ...]:
        pool = Pool(organization="acme", name="near", provider=provider, settings={"melodium": settings})
        return candidates(asks(edition=edition), "site", [pool]).pools

    assert found("standard") == found("container") == found("scratch") == ("near",)
    assert found("desktop") == ()
    assert found("desktop", editions=["desktop"]) == ("near",)
    assert found("standard", editions=["desktop"]) == ()


@pytest.mark.parametrize(
    ("provider", "modes"),
    [
        ("aws_fargate", {"shared", "dedicated"}),
        ("github_actions", {"shared"}),
        ("gitlab", {"shared"}),
        ("kubernetes", {"shared", "self_managed"}),
        ("host", {"self_managed", "dedicated"}),
        ("aws_ec2", {"dedicated"}),
    ],
)
def test_a_pool_satisfies_the_modes_of_its_provider(provider: str, modes: set[str]) -> None:
    pool = Pool(organization="acme", name="near", provider=provider)
    satisfied = {
        mode
        for mode in ("shared", "dedicated", "self_managed")
        if candidates(asks(config={"cluster_mode_requirement": [mode]}), "site", [pool]).pools
    }
    assert satisfied == modes
