"""Converts the runner protocol's JSON to and from the use cases' objects. Requests have been checked before."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cadence.application.logs.ports import LogLine
from cadence.application.runners.claim import HEARTBEAT_SECONDS, LEASE_SECONDS, Assignment
from cadence.application.runners.heartbeat import HeartbeatAnswer
from cadence.application.runners.inputs import InputAnswer
from cadence.application.runners.lease_work import LeaseAnswer
from cadence.application.runners.outputs import OutputAnswer
from cadence.application.runners.report_boot import BootPhase
from cadence.application.values.caches import CacheHit
from cadence.domain.logs.line_block import LineBlock, LineSpan
from cadence.domain.runners.assignment import work_json
from cadence.domain.runners.resources import ResourceSample
from cadence.domain.runners.runner import EngineEndpoint, RunnerOutcome, RunnerResult
from cadence.domain.runs.step_progress import ReportedSteps, StepProgress
from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.values.stream import Chunk, StreamEnd

Json = Mapping[str, Any]

# How long a line waits for others while somebody follows the run, whenever that begins.
_FLUSH_MS = 200


def boot_phase(body: Json) -> BootPhase:
    return BootPhase(body["phase"], body["ok"], body["seconds"], body["detail"])


def samples(body: Sequence[Json]) -> tuple[ResourceSample, ...]:
    return tuple(_sample(sample, f"/samples/{place}") for place, sample in enumerate(body))


def _sample(body: Json, pointer: str) -> ResourceSample:
    measured = {name: amount for name, amount in body.items() if name != "time"}
    at = _time(body["time"], f"{pointer}/time")
    assert at is not None  # the schema requires it
    return ResourceSample(at=at, **measured)


def log_line(body: Json) -> LogLine:
    return LogLine(**body)


def line_block(body: Json) -> LineBlock:
    """Returns a block of lines. Raises InvalidRequest if its texts are not base64."""
    spans = [LineSpan(size=span["bytes"], **{k: v for k, v in span.items() if k != "bytes"}) for span in body["spans"]]
    try:
        packed = base64.b64decode(body["text"], validate=True)
    except ValueError:
        raise InvalidRequest("The block's text is not base64.", [Violation("/block/text", "is not base64")]) from None
    return LineBlock(body["first"], spans, packed)


def chunk(body: Json) -> Chunk:
    return Chunk(body["seq"], body["size"], body["sha256"])


def wanted(body: Json) -> list[Chunk]:
    """Returns the chunks that a request asks to upload, from its `next_seq` on."""
    return [Chunk(seq, each["size"], each["sha256"]) for seq, each in enumerate(body["wanted"], body["next_seq"])]


def stream_end(body: Json | None) -> StreamEnd | None:
    if body is None:
        return None
    try:
        preview = base64.b64decode(body["preview"], validate=True)
    except ValueError:
        raise InvalidRequest("The preview is not base64.", [Violation("/end/preview", "is not base64")]) from None
    return StreamEnd(body["size"], body["sha256"], body["chunks"], preview)


def result(body: Json) -> RunnerResult:
    return RunnerResult(
        outcome=RunnerOutcome(body["outcome"]),
        exit_code=body["exit_code"],
        signal=body["signal"],
        error=body["error"],
        started_at=_time(body["started_at"], "/started_at"),
        finished_at=_time(body["finished_at"], "/finished_at"),
        logs_through=body["logs_through"],
        usage=body["usage"],
        image_digest=body.get("image_digest"),
        samples=samples(body.get("samples", ())),
    )


def reported_steps(body: Json | None) -> ReportedSteps | None:
    if body is None:
        return None
    return ReportedSteps(
        body["revision"], tuple(_step(step, f"/steps/steps/{place}") for place, step in enumerate(body["steps"]))
    )


def _step(body: Json, pointer: str) -> StepProgress:
    return StepProgress(
        state=body["state"],
        started_at=_time(body.get("started_at"), f"{pointer}/started_at"),
        finished_at=_time(body.get("finished_at"), f"{pointer}/finished_at"),
        exit_code=body.get("exit_code"),
    )


def assignment_json(answer: Assignment) -> dict[str, Any]:
    work = work_json(answer.run, answer.spec, answer.runner.attempt, answer.durations)
    if answer.engine:
        retention = answer.runner.retention
        work["engine"] |= {"secrets": dict(answer.engine), "values": str(retention.capture) if retention else "full"}
    for port in work["inputs"]:
        if port["port"] in answer.inputs:
            port["first"] = input_json(answer.inputs[port["port"]])
    return {
        "session_token": answer.session_token,
        **work,
        "secrets": dict(answer.secrets),
        **({"isolation": asdict(answer.isolation)} if answer.isolation else {}),
        **({"registries": dict(answer.registries)} if answer.registries else {}),
        "heartbeat_seconds": HEARTBEAT_SECONDS,
        "lease_seconds": LEASE_SECONDS,
        "log_flush_ms": _FLUSH_MS,
        "follow": answer.followed,
    }


def listening(body: Json) -> EngineEndpoint:
    return EngineEndpoint(tuple(body["addresses"]), body["port"], body["machine"])


def heartbeat_json(answer: HeartbeatAnswer, tunnel_url: str) -> dict[str, Any]:
    shells = [{"id": shell, "by": by} for shell, by in answer.shells.items()]
    return {
        **({"shells": shells, "tunnel": tunnel_url} if shells else {}),
        "cancel": answer.cancel,
        "follow": answer.follow,
        "inputs": {port: {"epoch": source.epoch, "state": str(source.state)} for port, source in answer.inputs.items()},
    }


def output_json(answer: OutputAnswer) -> dict[str, Any]:
    return {
        "uploads": [
            {"seq": upload.seq, "url": upload.url, "headers": dict(upload.headers)} for upload in answer.uploads
        ],
        "retry_after": answer.retry_after,
    }


def input_json(answer: InputAnswer) -> dict[str, Any]:
    end = answer.end
    return {
        "epoch": answer.epoch,
        "state": str(answer.state),
        "end": {"size": end.size, "sha256": end.sha256, "chunks": end.chunks} if end else None,
        "downloads": [{"seq": download.seq, "url": download.url} for download in answer.downloads],
        "retry_after": answer.retry_after,
    }


def found_json(hit: CacheHit | None) -> dict[str, Any]:
    if hit is None:
        return {"found": None}
    entry = hit.entry
    return {"found": {"entry": entry.entry, "key": entry.key, "exact": hit.exact, "size": entry.size}}


def lease_json(answer: LeaseAnswer) -> dict[str, Any]:
    listen = answer.work_notification
    return {
        "assignments": [{"runner_id": handed.runner_id, "token": handed.token} for handed in answer.assignments],
        "stop": list(answer.stop),
        "work_notification": {"url": listen.url, "wait_seconds": listen.wait_seconds} if listen else None,
        "poll_seconds": answer.poll_seconds,
        **({"claim_key": answer.claim_key} if answer.claim_key else {}),
    }


def _time(text: str | None, pointer: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidRequest("There is no such time.", [Violation(pointer, "is no date and time")]) from None
