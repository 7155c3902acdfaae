"""Spans by OpenTelemetry's semantic conventions for CI/CD."""

from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status
from opentelemetry.semconv._incubating.attributes import cicd_attributes
from opentelemetry.semconv.attributes import error_attributes

from cadence.adapters.export_formats.formats import format_of
from cadence.domain.exports.export import Export, ExportKind, Signal
from tests.fakes.services import ManualClock

RUN = "01kb0000000000000000000000"
KNOWN = {getattr(cicd_attributes, name) for name in dir(cicd_attributes) if name.startswith("CICD_")}
RUN_END: dict[str, Any] = {
    "id": "run:x",
    "kind": "run",
    "organization": "acme",
    "project": "web",
    "pipeline": "ci",
    "run_id": RUN,
    "state": "failed",
    "cause": "build failed: exit code 1",
    "created_at": "2026-03-01T12:00:00.000Z",
    "started_at": "2026-03-01T12:00:02.000Z",
    "finished_at": "2026-03-01T12:01:00.500Z",
    "created_by": "alice",
}
TREATMENT_END: dict[str, Any] = {
    "id": "treatment:x",
    "kind": "treatment",
    "organization": "acme",
    "project": "web",
    "pipeline": "ci",
    "run_id": RUN,
    "treatment": "build",
    "state": "failed",
    "cause": "exit code 1",
    "attempt": 2,
    "exit_code": 1,
    "pool": "spot",
    "ready_at": "2026-03-01T12:00:02.000Z",
    "placed_at": "2026-03-01T12:00:03.000Z",
    "started_at": "2026-03-01T12:00:20.000Z",
    "finished_at": "2026-03-01T12:01:00.000Z",
    "usage": {"cpu_ms": 1500.0},
}


def exported(*ends: dict[str, Any]) -> list[tuple[dict[str, Any], Span, dict[str, Any]]]:
    """(resource, span, its attributes) of each span, read back from the request."""
    import gzip

    now = ManualClock().now
    to = Export(
        organization="acme",
        name="otel",
        kind=ExportKind.OTLP,
        url="https://o.example",
        signals=frozenset(Signal),
        created_at=now,
        updated_at=now,
        origin="https://c.example",
    )
    found = []
    for request in format_of(ExportKind.OTLP).spans(to, ends):
        message = ExportTraceServiceRequest.FromString(gzip.decompress(request.body))
        for one in message.resource_spans:
            span = one.scope_spans[0].spans[0]
            found.append((values(one.resource), span, values(span)))
    return found


def values(holder: ResourceSpans | Span | Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in holder.attributes}


def test_a_run_is_a_server_span_with_its_treatments_below_it() -> None:
    (resource, run, of_run), (_, treatment, of_treatment) = exported(RUN_END, TREATMENT_END)

    assert (run.name, run.kind) == ("RUN ci", Span.SPAN_KIND_SERVER)
    assert (treatment.name, treatment.kind) == ("build", Span.SPAN_KIND_INTERNAL)
    assert run.trace_id == treatment.trace_id and len(run.trace_id) == 16
    assert treatment.parent_span_id == run.span_id and run.parent_span_id == b""
    assert resource[cicd_attributes.CICD_PIPELINE_RUN_ID] == RUN
    assert resource["cicd.pipeline.run.url.full"] == f"https://c.example/v1/runs/{RUN}"
    assert of_run[cicd_attributes.CICD_PIPELINE_RESULT] == "failure"
    assert of_treatment[cicd_attributes.CICD_PIPELINE_TASK_RUN_RESULT] == "failure"
    required = ("task.name", "task.run.id", "task.run.result", "task.run.url.full")
    assert {f"cicd.pipeline.{name}" for name in required} <= set(of_treatment)
    assert of_treatment[error_attributes.ERROR_TYPE] == "failed"
    assert (run.status.code, run.status.message) == (Status.STATUS_CODE_ERROR, "build failed: exit code 1")
    assert run.end_time_unix_nano - run.start_time_unix_nano == 60_500_000_000
    assert [event.name for event in treatment.events] == ["placed", "started"]


def test_no_attribute_of_the_conventions_is_made_up() -> None:
    named = {
        key for found in exported(RUN_END, TREATMENT_END) for key in (*found[0], *found[2]) if key.startswith("cicd.")
    }
    # Newer than the installed release of the conventions.
    assert named - KNOWN <= {"cicd.pipeline.run.url.full", "cicd.pipeline.action.name", "cicd.worker.id"}


@pytest.mark.parametrize(
    ("state", "result", "error"),
    [
        ("succeeded", "success", None),
        ("failed", "failure", "failed"),
        ("timed_out", "timeout", "timeout"),
        ("cancelled", "cancellation", None),
        ("skipped", "skip", None),
        ("lost", "error", "runner_lost"),
    ],
)
def test_states_in_the_words_of_the_conventions(state: str, result: str, error: str | None) -> None:
    ((_, span, attributes),) = exported({**TREATMENT_END, "state": state})
    assert attributes["cicd.pipeline.task.run.result"] == result
    assert attributes.get("error.type") == error
    assert (span.status.code == Status.STATUS_CODE_ERROR) == (error is not None)


def test_a_replay_has_a_link_to_what_it_replays() -> None:
    other = "01kb0000000000000000000001"
    ((_, span, _),) = exported({**RUN_END, "replay_of": {"run_id": other, "treatment": "build"}})
    assert span.links[0].trace_id != span.trace_id
    ((_, plain, _),) = exported({**RUN_END, "run_id": other})
    assert span.links[0].trace_id == plain.trace_id


def test_a_span_that_is_sent_twice_is_the_same() -> None:
    assert exported(RUN_END, TREATMENT_END) == exported(RUN_END, TREATMENT_END)
