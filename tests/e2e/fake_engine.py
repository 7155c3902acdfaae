"""What an engine sends, without one: as fast as asked, and as much."""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

AT = "2026-11-25T10:20:{:02}.{:09}Z"


@dataclass
class FakeEngine:
    """One process that reports to `url` (`/0.1` included)."""

    url: str
    token: str
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    group_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    destinations: dict[str, Any] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def say(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.token}", "user-agent": "work-mel/0.10.2"}
        answer = self.session.post(f"{self.url}/{path}", json=body, headers=headers, timeout=60)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return dict(answer.json())

    def start(self) -> None:
        self.say(
            "execution/run/start",
            {
                "config": None, "id": self.run_id, "organization_id": None, "edition": None, "version": "0.10.2",
                "mode": "direct", "max_duration": None, "memory": None, "cpu": None, "storage": None, "arch": None,
                "volumes": [], "containers": [], "service_containers": [], "tags": ["entrypoint=main"],
                "group_id": self.group_id, "parent_id": None, "local_exec": True,
            },
        )  # fmt: skip
        self.destinations = self.say("execution/report/request", {"run_id": self.run_id, "group_id": self.group_id})
        entrypoint = {"version": "0.1.0", "path": ["fake"], "name": "main"}
        self.say(
            f"execution/report/run/{self.run_id}/program/details",
            {"run_id": self.run_id, "group_id": self.group_id, "entrypoint": entrypoint, "parameters": {}},
        )
        self.say("execution/run/launched", {"run_id": self.run_id, "response": {"started": None}})

    def upload(self, stream: str, number: int, content: bytes) -> None:
        """As the engine does: the answer is not looked at by it, but is here."""
        form = self.destinations[stream]["presigned_post_s3"]
        fields = {**form["fields"], "key": f"{form['path']}/{stream}_{number}.json"}
        answer = self.session.post(
            form["uri"], data=fields, files={"file": (f"{stream}.json", content, "application/json")}, timeout=120
        )
        assert answer.ok, f"{answer.status_code} {answer.text[:500]}"
        self.say(f"execution/report/run/{self.run_id}/{stream}/chunks", {"chunks": number + 1})

    def end(self) -> None:
        self.say("execution/run/ended", {"run_id": self.run_id, "result": {"success": None}})

    def lines(self, first: int, count: int) -> bytes:
        entries = [
            {
                "timestamp": AT.format(number // 1000 % 60, number), "level": "Info", "label": "step",
                "message": f"line {number}", "track_id": 1, "run_id": self.run_id, "group_id": self.group_id,
            }
            for number in range(first, first + count)
        ]  # fmt: skip
        return _compact(entries)


def reading(sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Events of a treatment that sends as many bytes each time, after all that has to be said before."""
    yield {
        "track_added": {
            "info": {"id": 1, "parent_id": None, "ancestry_level": 0, "results": None},
            "creation": "direct",
        }
    }
    place = _place("readLocal", "source")
    built = {"environment": {"track_id": 1, "contexts": {}, "variables": {}}}
    yield {"treatment_built": {**{k: v for k, v in place.items() if k != "name"}, **built}}
    yield {"treatment_started": {**{k: v for k, v in place.items() if k != "name"}, "track_id": 1}}
    for size in sizes:
        yield {"data_sent": {"output": place, "track_id": 1, "data": {"values": {"values": size}}}}
    yield {"output_closed": {"output": place, "track_id": 1}}
    yield {"treatment_finished": {**{k: v for k, v in place.items() if k != "name"}, "track_id": 1}}
    yield "continuous_models_finished"  # type: ignore[misc]
    yield {"track_finished": {"info": {"id": 1, "parent_id": None, "ancestry_level": 0, "results": "all_ok"}}}


def debug_chunk(sizes: Sequence[int]) -> bytes:
    """`sizes` are how many bytes each event sends; each takes about 13 bytes of JSON."""
    texts = []
    for number, kind in enumerate(reading(sizes)):
        event: dict[str, Any] = {"timestamp": AT.format(number % 60, number), "kind": kind}
        text = _compact(event)
        if b'"values":{"values":' in text:
            size = kind["data_sent"]["data"]["values"]["values"]
            text = text.replace(b'"values":%d}' % size, b'"values":[' + _bytes(size) + b"]}")
        texts.append(text)
    return b"[" + b",".join(texts) + b"]"


def sent(sizes: Sequence[int]) -> bytes:
    """What the treatment sent."""
    return b"".join((_PATTERN * (size // len(_PATTERN) + 1))[:size] for size in sizes)


_PATTERN = bytes(range(256))


def _bytes(size: int) -> bytes:
    block = b",".join(b'{"byte":%d}' % value for value in _PATTERN)
    whole = b",".join([block] * (size // len(_PATTERN)))
    rest = b",".join(b'{"byte":%d}' % value for value in _PATTERN[: size % len(_PATTERN)])
    return b",".join(part for part in (whole, rest) if part)


def _place(treatment: str, label: str) -> dict[str, Any]:
    return {
        "treatment": {"version": "0.10.2", "path": ["fs", "local"], "name": treatment},
        "host_treatment": {"treatment": {"version": "0.1.0", "path": ["fake"], "name": "main"}},
        "host_build": 0, "build_id": 0, "label": label, "name": "data",
    }  # fmt: skip


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
