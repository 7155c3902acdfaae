"""A gateway and chunk store of the runner protocol in one threaded loopback server.

Every request is checked against the schema and every answer too, so the agent cannot pass here and fail at the real
one. Faults are switched on by the test: ``fail_next`` (5xx), ``lose_next`` (work done, answer lost), ``status`` (a
fixed refusal).
"""

import hashlib
import hmac
import json
import os
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.unit.agent.logs.log_blocks import lines_of

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas/runner-protocol/1.json").read_text())
WINDOW = 16
GRANTED_AT_ONCE = 16


def validator(definition: str) -> Draft202012Validator:
    return Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{definition}"})


class Stream:
    """One producer attempt's output."""

    def __init__(self, epoch: int = 1) -> None:
        self.epoch = epoch
        self.chunks: dict[int, bytes] = {}
        self.committed: dict[int, dict[str, Any]] = {}
        self.end: dict[str, Any] | None = None
        self.state = "open"
        self.consumer_next: int | None = None
        self.granted_through = 0
        self.fetched: Counter[int] = Counter()
        self.downloaded: Counter[int] = Counter()
        self.denied = 0

    def put_all(self, content: bytes, chunk: int = 1 << 20, end: bool = True) -> None:
        """Fill it as a producer that has finished would have."""
        parts = [content[start : start + chunk] for start in range(0, len(content), chunk)]
        self.chunks.update(enumerate(parts))
        if end:
            self.chunks[len(parts)] = b""
            self.end = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "chunks": len(parts)}
            self.state = "ended"

    @property
    def content(self) -> bytes:
        return b"".join(self.chunks[seq] for seq in sorted(self.chunks))


class Runner:
    """What the gateway knows of one runner, and what it has heard from it."""

    def __init__(self, runner_id: str, assignment: dict[str, Any]) -> None:
        self.runner_id = runner_id
        self.assignment = assignment
        self.token = f"once-{runner_id}"
        self.session = assignment["session_token"]
        #: The nonce of the claim, once there was one: only that claim may be repeated.
        self.claimed: str | None = None
        self.lines: dict[int, dict[str, Any]] = {}
        self.batches: list[int] = []
        self.accepted = 0
        self.heartbeats: list[dict[str, Any]] = []
        self.cancel: str | None = None
        #: What answers to its log lines say, if its attempt is over.
        self.stop: str | None = None
        #: Users by the ids of their shells, and where these meet their users.
        self.shells: dict[str, str] = {}
        self.tunnel = ""
        self.follow = True
        self.completed: dict[str, Any] | None = None
        self.done = threading.Event()
        self.listening: dict[str, Any] | None = None
        #: What it gets when it asks for identity tokens, one after the other.
        self.id_tokens: list[str] = []
        self.inputs: dict[str, list[Stream]] = {}
        self.input_done: set[str] = set()
        self.outputs: dict[str, Stream] = {}
        #: Outputs of a failed attempt, apart from those that feed consumers.
        self.kept: dict[str, Stream] = {}

    def text(self, stream: str = "stdout") -> list[str]:
        return [line["text"] for _, line in sorted(self.lines.items()) if line["stream"] == stream]


class FakeGateway:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.runners: dict[str, Runner] = {}
        self.hosts: dict[str, dict[str, Any]] = {}
        self.last_call = 0
        self.calls: list[int] = []  # numbers of the hosts' requests for work
        self.news: list[dict[str, Any] | None] = []  # what each of them said of the machine
        self.offers: list[Runner] = []
        self.stops: list[str] = []
        self.ring = threading.Event()
        #: With it hosts start what notifications name; these are the runners that the next notifications name.
        self.claim_key: str | None = None
        self.named: list[Runner] = []
        #: Which hosts claims said that they came from, by runner.
        self.claimed_by: dict[str, dict[str, Any] | None] = {}
        self.joins = 0
        self.requests: Counter[str] = Counter()
        self.violations: list[str] = []
        #: How many outputs each request spoke of that spoke of several.
        self.together: list[int] = []
        #: What a request of a kind waits for before it is looked at.
        self.before: dict[str, Callable[[], object]] = {}
        self.fail_next: Counter[str] = Counter()
        self.lose_next: Counter[str] = Counter()
        self.status: dict[str, int] = {}
        self.streams: dict[str, Stream] = {}
        #: Caches by key, in the order in which they were saved, and those under way by entry.
        self.caches: dict[str, tuple[str, Stream]] = {}
        self.saving: dict[str, Stream] = {}
        self.no_saving: str | None = None
        self.saved_meanwhile: str | None = None
        #: What engines said to the Mélodium API, in order: path and body.
        self.engine_requests: list[tuple[str, Any]] = []
        self.api_tokens: set[str] = set()
        #: Answers of the Mélodium API by path, where they are not the usual ones.
        self.api_answers: dict[str, Any] = {}
        gateway = self

        class Handler(_Handler):
            owner = gateway

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.ring.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def add_runner(self, run: str, number: int = 1, attempt: int = 1, **assignment: Any) -> Runner:
        run_id = assignment.get("run_id") or f"{os.getpid():013d}{number:013d}"
        runner_id = f"{run_id}-{number:012x}-{attempt}"
        answer = {
            "session_token": f"session-{runner_id}",
            "run_id": run_id,
            "treatment": f"t{number}",
            "attempt": attempt,
            "organization": "default",
            "project": "default",
            "pipeline": "example",
            "run": run,
            "shell": "sh -e",
            "image": None,
            "env": {},
            "secrets": {},
            "parameters": {},
            "event": {},
            "inputs": [],
            "outputs": [],
            "limits": {},
            "max_duration": None,
            "heartbeat_seconds": 0.1,
            "lease_seconds": 5,
            "log_flush_ms": 50,
            "follow": True,
            "services": {},
            **assignment,
        }
        validator("claim_answer").validate(answer)
        runner = Runner(runner_id, answer)
        for port in answer["outputs"]:
            runner.outputs[port["port"]] = self.new_stream(attempt)
        self.runners[runner_id] = runner
        return runner

    def new_stream(self, epoch: int = 1) -> Stream:
        with self.lock:
            stream = Stream(epoch)
            self.streams[str(len(self.streams))] = stream
            return stream

    def connect(self, producer: Runner, output: str, consumer: Runner, port: str) -> None:
        consumer.inputs[port] = [producer.outputs[output]]

    # What each path does. All run under the lock.

    def hosts_(self, body: dict[str, Any]) -> dict[str, Any]:
        self.joins += 1
        host_id = f"host-{self.joins}"
        self.hosts[host_id] = body
        return {"host_id": host_id, "token": f"host-token-{host_id}"}

    def lease(self, body: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(body["call"])
        self.news.append(body.get("facts"))
        given, self.offers = self.offers[: body["free_slots"]], self.offers[body["free_slots"] :]
        stops, self.stops = self.stops, []
        if not self.named:
            self.ring.clear()
        return {
            "assignments": [{"runner_id": runner.runner_id, "token": runner.token} for runner in given],
            "stop": stops,
            "work_notification": {"url": f"{self.url}/work_notification", "wait_seconds": 5},
            "poll_seconds": 1,
            **({"claim_key": self.claim_key} if self.claim_key else {}),
        }

    def claim(self, body: dict[str, Any]) -> dict[str, Any]:
        runner = self.runners[body["runner_id"]]
        runner.claimed = body["nonce"]
        self.claimed_by[runner.runner_id] = body.get("host")
        inputs = [
            {**port, "first": self._next(runner.inputs[port["port"]][-1], 0)} if port["port"] in runner.inputs else port
            for port in runner.assignment["inputs"]
        ]
        return {**runner.assignment, "inputs": inputs}

    def heartbeat(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        runner.heartbeats.append(body)
        inputs = {
            port: {"epoch": streams[-1].epoch, "state": streams[-1].state} for port, streams in runner.inputs.items()
        }
        shells = [{"id": shell, "by": by} for shell, by in runner.shells.items()]
        more = {"shells": shells, "tunnel": runner.tunnel} if shells else {}
        return {"cancel": runner.cancel, "follow": runner.follow, "inputs": inputs, **more}

    def logs(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        lines = lines_of(body["block"])
        runner.batches.append(len(lines))
        for line in lines:
            known = runner.lines.setdefault(line["seq"], line)
            if known != line:
                self.violations.append(f"line {line['seq']} changed from {known} to {line}")
        while runner.accepted + 1 in runner.lines:
            runner.accepted += 1
        stop = {"stop": runner.stop} if runner.stop else {}
        return {"accepted_through": runner.accepted, "follow": runner.follow, **stop}

    def outputs(self, runner: Runner, body: dict[str, Any], port: str) -> dict[str, Any]:
        stream = runner.outputs[port]
        if body.get("kept"):
            if port not in runner.kept:
                runner.kept[port] = self.new_stream()
            stream = runner.kept[port]
        for chunk in body["committed"]:
            held = stream.chunks.get(chunk["seq"])
            if held is None or (len(held), hashlib.sha256(held).hexdigest()) != (chunk["size"], chunk["sha256"]):
                self.violations.append(f"chunk {chunk['seq']} of {port} was committed but is not in the store")
            stream.committed[chunk["seq"]] = chunk
        if body["end"]:
            stream.end = body["end"]
            stream.state = "ended"
        limit = body["next_seq"] + min(len(body["wanted"]), GRANTED_AT_ONCE)
        if stream.consumer_next is not None:
            limit = min(limit, stream.consumer_next + WINDOW)
        granted = range(body["next_seq"], limit)
        stream.granted_through = max(stream.granted_through, limit)
        stream.denied += bool(body["wanted"] and not granted)
        key = next(name for name, each in self.streams.items() if each is stream)
        return {
            "uploads": [
                {"seq": seq, "url": f"{self.url}/store/{key}/{seq}?signature=s3cr3t", "headers": {"X-Test": "1"}}
                for seq in granted
            ],
            "retry_after": 0.02,
        }

    def all_outputs(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        self.together.append(len(body["outputs"]))
        return {"outputs": {port: self.outputs(runner, asked, port) for port, asked in body["outputs"].items()}}

    def inputs(self, runner: Runner, body: dict[str, Any], port: str) -> dict[str, Any]:
        stream = runner.inputs[port][-1]
        start = body["next_seq"] if body["epoch"] in (0, stream.epoch) else 0
        if stream.end is None:
            stream.consumer_next = start
        if body.get("done"):
            stream.consumer_next = None
            runner.input_done.add(port)
        return self._next(stream, start)

    def _next(self, stream: Stream, start: int) -> dict[str, Any]:
        """The answer for the chunks from `start` on, which attaches nobody."""
        key = next(name for name, each in self.streams.items() if each is stream)
        end = {name: stream.end[name] for name in ("size", "sha256", "chunks")} if stream.end else None
        downloads = [
            {"seq": seq, "url": f"{self.url}/store/{key}/{seq}?signature=s3cr3t"}
            for seq in range(start, start + GRANTED_AT_ONCE)
        ]
        for download in downloads:
            if download["seq"] in stream.committed:
                download["sha256"] = stream.committed[download["seq"]]["sha256"]
        return {"epoch": stream.epoch, "state": stream.state, "end": end, "downloads": downloads, "retry_after": 0.05}

    def cache_find(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        found = next((key for key in self.caches if key == body["key"]), None)
        for prefix in body["restore"]:
            found = found or next((key for key in reversed(self.caches) if key.startswith(prefix)), None)
        if not found:
            return {"found": None}
        entry, stream = self.caches[found]
        size = stream.end["size"] if stream.end else 0
        return {"found": {"entry": entry, "key": found, "exact": found == body["key"], "size": size}}

    def cache_read(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        entry, stream = self.caches[body.pop("key")]
        assert entry == body.pop("entry")
        runner.inputs["cache"] = [stream]
        return self.inputs(runner, body, "cache")

    def cache_save(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        if self.no_saving:
            return {"entry": None, "refused": self.no_saving}
        entry = f"{len(self.streams):026d}"
        self.saving[entry] = self.new_stream()
        return {"entry": entry, "refused": None}

    def cache_write(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        key, entry = body.pop("key"), body.pop("entry")
        runner.outputs["cache"] = self.saving[entry]
        answer = self.outputs(runner, body, "cache")
        if body["end"] and self.saved_meanwhile:
            return {**answer, "refused": self.saved_meanwhile}
        if body["end"]:
            self.caches[key] = (entry, self.saving[entry])
        return answer

    def identity(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        return {"token": runner.id_tokens.pop(0)}

    def listening(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        runner.listening = body
        return {}

    def melodium(self, path: str, authorization: str | None, body: Any) -> tuple[int, Any]:
        """The Mélodium API, for engines that report nothing but their status."""
        if authorization not in {f"Bearer {token}" for token in self.api_tokens}:
            return 401, {}
        self.engine_requests.append((path, body))
        if path in self.api_answers:
            return 200, self.api_answers[path]
        if path == "/execution/run/start":
            return 200, {"ok": body["id"]}
        if path == "/execution/report/request":
            return 200, {"run_id": body["run_id"], "group_id": body["group_id"], "dashboard": None}
        return 200, {}

    def complete(self, runner: Runner, body: dict[str, Any]) -> dict[str, Any]:
        runner.completed = body
        runner.done.set()
        return {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer goes out as header and body; the body must not wait for the header's acknowledgement.
    disable_nagle_algorithm = True
    owner: FakeGateway

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/0.1/"):
            with self.owner.lock:
                return self._answer(*self._melodium(json.loads(content)))
        path = self.path.removeprefix("/runner/v1/")
        kind, call, token = self._route(path, json.loads(content))
        owner = self.owner
        owner.before.get(kind, lambda: None)()
        with owner.lock:
            owner.requests[kind] += 1
            if kind in owner.status:
                return self._answer(owner.status[kind], {"title": "told to"})
            if kind == "lease" and json.loads(content)["call"] <= owner.last_call:
                details = {"last_call": owner.last_call}
                return self._answer(409, {"title": "late", "details": details})
            if owner.fail_next[kind] > 0:
                owner.fail_next[kind] -= 1
                return self._answer(503, {"title": "told to"})
            if token is None or self.headers.get("Authorization") != f"Bearer {token}":
                return self._answer(401, {"title": "wrong token"})
            body = json.loads(content)
            for error in validator(f"{kind}_request").iter_errors(body):
                owner.violations.append(f"{kind}: {error.message}")
            answer = call(body)
            for error in validator(f"{kind}_answer").iter_errors(answer):
                owner.violations.append(f"{kind} answer: {error.message}")
            if owner.lose_next[kind] > 0:
                owner.lose_next[kind] -= 1
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return None
        return self._answer(200, answer)

    def _route(self, path: str, body: dict[str, Any]) -> tuple[str, Any, str | None]:
        owner = self.owner
        if path == "hosts":
            return "hosts", owner.hosts_, "join"
        if path == "claim":
            runner = owner.runners.get(body["runner_id"])
            mine = runner and runner.claimed in (None, body.get("nonce"))
            token = runner.token if runner and mine else None
            if token and "host" in body:
                # As a host makes it: a runner that it has leased has the other one.
                words = f"claim {body['runner_id']}".encode()
                token = hmac.new((owner.claim_key or "").encode(), words, hashlib.sha256).hexdigest()
            return "claim", owner.claim, token
        if found := re.fullmatch(r"hosts/([^/]+)/lease", path):
            known = found[1] in owner.hosts
            return "lease", owner.lease, f"host-token-{found[1]}" if known else None
        if found := re.fullmatch(r"runners/([^/]+)/cache/(\w+)", path):
            kind, runner = f"cache_{found[2]}", owner.runners[found[1]]
            return kind, lambda body: getattr(owner, kind)(runner, body), runner.session
        found = re.fullmatch(r"runners/([^/]+)/(\w+)(?:/([\w-]+))?", path)
        assert found, path
        runner = owner.runners[found[1]]
        ports = [found[3]] if found[3] else []
        kind = "all_outputs" if found[2] == "outputs" and not ports else found[2]
        return kind, lambda body: getattr(owner, kind)(runner, body, *ports), runner.session

    def _melodium(self, body: Any) -> tuple[int, Any]:
        return self.owner.melodium(self.path.removeprefix("/0.1"), self.headers.get("Authorization"), body)

    def do_GET(self) -> None:
        if self.path.startswith("/0.1/"):
            with self.owner.lock:
                return self._answer(*self._melodium(None))
        if self.path == "/work_notification":
            self.owner.ring.wait(5)
            with self.owner.lock:
                named, self.owner.named = self.owner.named, []
                if named:
                    self.owner.ring.clear()
            # A part of what SQS answers.
            return self._answer(200, {"Message": [{"Body": f"runner:{runner.runner_id}"} for runner in named]})
        stream, seq = self._chunk()
        with self.owner.lock:
            content = stream.chunks.get(seq)
            stream.fetched[seq] += 1
            stream.downloaded[seq] += content is not None
            refusal = self._store_fault("GET")
        if refusal:
            return self._answer(refusal, {})
        return self._answer(404, {}) if content is None else self._send(200, content)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        stream, seq = self._chunk()
        with self.owner.lock:
            refusal = self._store_fault("PUT")
            if refusal:
                return self._answer(refusal, {})
            if self.headers.get("X-Test") != "1":
                self.owner.violations.append("an upload came without its headers")
            repeated = seq in stream.chunks
            if stream.chunks.setdefault(seq, content) != content:
                self.owner.violations.append(f"chunk {seq} was overwritten with other data")
            if self.owner.lose_next["PUT"] > 0:
                self.owner.lose_next["PUT"] -= 1
                return self._answer(503, {})
        return self._answer(412, {}) if repeated else self._send(200, b"")

    def _store_fault(self, method: str) -> int | None:
        self.owner.requests[method] += 1
        if self.owner.fail_next[method] > 0:
            self.owner.fail_next[method] -= 1
            return self.owner.status.get(method, 503)
        return None

    def _chunk(self) -> tuple[Stream, int]:
        key, _, seq = self.path.partition("?")[0].removeprefix("/store/").rpartition("/")
        return self.owner.streams[key], int(seq)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
