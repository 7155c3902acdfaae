"""Lines as build servers print them: what tools of many languages say, with paths, numbers, digests and
stack traces.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cadence.application.logs.ports import Line
from cadence.domain.logs.log import detected_level
from cadence.domain.shared.ids import runner_id

FIRST = datetime(2026, 6, 1, tzinfo=UTC)
PIPELINES = ("build-and-test", "nightly", "release", "docs", "images", "integration", "lint", "benchmarks")
TREATMENTS = ("fetch", "compile", "unit-tests", "package", "image", "deploy", "end-to-end", "report")
_PACKAGES = (
    "serde",
    "tokio",
    "lodash",
    "react",
    "requests",
    "numpy",
    "axum",
    "clap",
    "webpack",
    "eslint",
    "boto3",
    "jinja2",
)
_MODULES = ("billing", "orders", "search", "gateway", "auth", "catalogue", "shipping", "ledger", "reports", "notifier")
_NOUNS = ("invoice", "cart", "token", "session", "customer", "refund", "schedule", "webhook", "payload", "snapshot")
_VERBS = ("creates", "rejects", "updates", "expires", "retries", "validates", "merges", "restores", "locks", "renames")
_HOSTS = ("db-primary", "db-replica", "cache-1", "cache-2", "queue", "registry", "artifacts", "identity")

Template = Callable[[random.Random], str]


def _hex(rng: random.Random, digits: int) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def _path(rng: random.Random) -> str:
    return f"src/{rng.choice(_MODULES)}/{rng.choice(_NOUNS)}_{rng.choice(_VERBS)}"


def _pytest(rng: random.Random) -> str:
    outcome = "FAILED" if rng.random() < 0.01 else "PASSED"
    return f"tests/{rng.choice(_MODULES)}/test_{rng.choice(_NOUNS)}.py::test_{rng.choice(_VERBS)}_{rng.choice(_NOUNS)}[{rng.randrange(400)}] {outcome} [{rng.randrange(101):3}%]"


def _request(rng: random.Random) -> str:
    status = rng.choices((200, 201, 204, 304, 404, 500, 503), (70, 8, 6, 6, 6, 2, 2))[0]
    return f'10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(256)} - "{rng.choice(("GET", "POST", "PUT"))} /api/v{rng.randrange(1, 4)}/{rng.choice(_MODULES)}/{rng.randrange(100000)} HTTP/1.1" {status} {rng.randrange(90000)} {rng.random():.3f}s request_id={_hex(rng, 16)}'


def _json_event(rng: random.Random) -> str:
    return f'{{"level":"{rng.choices(("debug", "info", "warn", "error"), (30, 60, 7, 3))[0]}","logger":"{rng.choice(_MODULES)}.{rng.choice(_NOUNS)}","msg":"{rng.choice(_NOUNS)} {rng.choice(_VERBS)} {rng.choice(_NOUNS)}","duration_ms":{rng.randrange(5000)},"trace_id":"{_hex(rng, 32)}"}}'


_TEMPLATES: Sequence[tuple[int, Template]] = (
    (16, _pytest),
    (10, _request),
    (9, _json_event),
    (9, lambda r: f"   Compiling {r.choice(_PACKAGES)} v{r.randrange(4)}.{r.randrange(40)}.{r.randrange(20)} (/work/{r.choice(_MODULES)})"),
    (7, lambda r: f"[{r.randrange(1, 900)}/{r.randrange(900, 1800)}] Building CXX object CMakeFiles/{r.choice(_MODULES)}.dir/{_path(r)}.cpp.o"),
    (6, lambda r: f"npm http fetch GET 200 https://registry.example/{r.choice(_PACKAGES)} {r.randrange(2000)}ms (cache {r.choice(('hit', 'miss'))})"),
    (6, lambda r: f"Step {r.randrange(1, 30)}/30 : RUN install -m 0755 /build/{_path(r)}.so /usr/lib/{r.choice(_MODULES)}"),
    (5, lambda r: f" ---> {_hex(r, 12)}"),
    (5, lambda r: f"{_hex(r, 12)}: {r.choice(('Pulling fs layer', 'Download complete', 'Pull complete', 'Verifying Checksum', 'Waiting'))}"),
    (5, lambda r: f"[INFO] Downloaded from central: org/{r.choice(_MODULES)}/{r.choice(_NOUNS)}/{r.randrange(9)}.{r.randrange(30)}/{r.choice(_NOUNS)}-{r.randrange(9)}.{r.randrange(30)}.jar ({r.randrange(1, 900)} kB at {r.random() * 9:.1f} MB/s)"),
    (4, lambda r: f"ok  \tgithub.example/acme/{r.choice(_MODULES)}/{r.choice(_NOUNS)}\t{r.random() * 9:.3f}s\tcoverage: {r.random() * 100:.1f}% of statements"),
    (3, lambda r: f"{_path(r)}.c:{r.randrange(1, 3000)}:{r.randrange(1, 90)}: warning: unused variable '{r.choice(_NOUNS)}_{r.randrange(60)}' [-Wunused-variable]"),
    (3, lambda r: f"    at com.acme.{r.choice(_MODULES)}.{r.choice(_NOUNS).title()}Service.{r.choice(_VERBS)}({r.choice(_NOUNS).title()}Service.java:{r.randrange(1, 900)})"),
    (3, lambda r: f"DEBUG acquired connection {r.randrange(64)} of pool {r.choice(_HOSTS)} in {r.randrange(4000)} us"),
    (3, lambda r: f"Uploaded s3://acme-artifacts/{r.choice(_MODULES)}/{_hex(r, 40)}.tar.zst ({r.randrange(1, 2000)} MiB)"),
    (2, lambda r: f"WARN retrying {r.choice(_HOSTS)}: connection {r.choice(('timed out', 'reset by peer'))} after {r.randrange(30000)} ms (attempt {r.randrange(1, 6)})"),
    (1, lambda r: f"ERROR {r.choice(_MODULES)}: cannot {r.choice(('read', 'write', 'lock'))} {r.choice(_NOUNS)} {r.randrange(10**9)}: {r.choice(('permission denied', 'no space left on device', 'connection refused', 'deadlock detected'))}"),
    (1, lambda r: f"/work/{_path(r)}.py:{r.randrange(1, 900)}: DeprecationWarning: {r.choice(_NOUNS)}.{r.choice(_VERBS)}() is deprecated, use {r.choice(_NOUNS)}.{r.choice(_VERBS)}() instead"),
    (1, lambda r: f"Zeile {r.randrange(1, 9000)}: Übertragung für Größe {r.randrange(9000)} abgeschlossen ✓"),
    (1, lambda r: f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02} INFO worker-{r.randrange(64)} took job {_hex(r, 8)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 12)} from {r.choice(_HOSTS)}"),
)  # fmt: skip


@dataclass(frozen=True)
class CorpusSegment:
    """One segment of one run: what the log indexer would have written."""

    project: str
    pipeline: str
    run_id: str
    number: int
    lines: Sequence[Line]


def segments(
    total: int, seed: int = 1, first: datetime = FIRST, per_segment: int = 2000, per_run: int = 8000
) -> Iterator[CorpusSegment]:
    """At least `total` lines in time order of their segments; four runs are under way at any time. Always the same
    ones.

    They lie 25 ms apart, from `first` on.
    """
    rng = random.Random(seed)
    templates = rng.choices([t for _, t in _TEMPLATES], [w for w, _ in _TEMPLATES], k=1 << 16)
    at, written, runs_begun = first, 0, 0
    under_way: list[_Run] = []
    while written < total:
        while len(under_way) < 4:
            runs_begun += 1
            under_way.append(_Run(rng, seed, runs_begun, per_run))
        run = rng.choice(under_way)
        lines = run.next_lines(rng, at, per_segment, templates)
        yield CorpusSegment(run.project, run.pipeline, run.run_id, run.segments, lines)
        run.segments += 1
        written += len(lines)
        at += timedelta(milliseconds=per_segment * 25)
        if run.left <= 0:
            under_way.remove(run)


class _Run:
    def __init__(self, rng: random.Random, seed: int, number: int, lines: int) -> None:
        self.project = rng.choices(("shop", "platform", "mobile"), (6, 3, 1))[0]
        self.pipeline = rng.choice(PIPELINES)
        self.run_id = f"01k{seed:03}{number:020}"
        self.left = lines
        self.segments = 0
        self._sequence: dict[str, int] = {}

    def next_lines(self, rng: random.Random, at: datetime, count: int, templates: Sequence[Template]) -> list[Line]:
        count = min(count, self.left)
        self.left -= count
        treatment = TREATMENTS[self.segments * len(TREATMENTS) // 4 % len(TREATMENTS) + rng.randrange(2)]
        runner = runner_id(self.run_id, treatment, 1)
        seq = self._sequence.get(runner, 0)
        self._sequence[runner] = seq + count
        started = at.timestamp() * 1000
        lines: list[Line] = []
        for index in range(count):
            milliseconds = int(started + index * 100 + rng.randrange(100))
            stream = "stderr" if rng.random() < 0.1 else "stdout"
            text = templates[rng.getrandbits(16)](rng)
            lines.append(
                {
                    "seq": seq + index + 1,
                    "time": f"{datetime.fromtimestamp(milliseconds // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z",
                    "runner": runner,
                    "treatment": treatment,
                    "attempt": 1,
                    "pool": "linux",
                    "stream": stream,
                    "level": detected_level("info", text),
                    "text": text,
                }
            )
        return lines
