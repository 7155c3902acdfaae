"""Ten million realistic log lines: indexed, and searched by twenty queries, beside VictoriaLogs on the same data.

    python -m bench search [--lines 10000000]

Both sides get the same lines in the same pieces and must find the same number of them. Splits are made, merged and
searched by the code of the Lambdas; their objects and manifests are kept in this process, so no store is measured.
Rates are by CPU time of all threads, so they hold on a busy machine; queries are by the clock, so they do not.

Lines that waited (an import, or a backlog) become full splits at once, and are never merged. Lines that come a few at a
time become small splits first, which are merged twice; a part of the lines is measured like that.
"""

import gzip
import json
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.figures import Goal, Report, percentile
from bench.log_corpus import FIRST, segments
from bench.logs.victorialogs import VERSION, as_json_lines, binary, victoria_logs
from cadence.adapters.s3.fast_line_parser import quick_lines
from cadence.application.scheduling.treatment_states import TreatmentStates
from cadence.application.search.index_project import IndexingResult, IndexProject
from cadence.application.search.ports import SearchScope
from cadence.application.search.search_lines import SearchLines
from cadence.application.search.split_sources import IndexedSplits
from cadence.application.shared.identifiers import new_ulid
from cadence.domain.logs.log import Segment
from cadence.domain.runs.run import Treatment
from cadence.domain.search.parse import parse
from cadence.domain.search.query import FieldName
from cadence.domain.shared.errors import NotFound
from tests.fakes.splits import MemoryCatalogue, MemorySplits

PROJECTS = ("shop", "platform", "mobile")
PARTS = 4
REPEATED = 9
PAGE = 100
_AS_THEY_COME = 1_000_000
_RETENTION = timedelta(days=90)


@dataclass(frozen=True)
class Asked:
    """One query in both languages; `by` and `every` if lines are counted instead of shown."""

    name: str
    ours: str
    theirs: str
    by: FieldName | None = None
    every: timedelta | None = None
    counted: bool = False


def queries(first: datetime, last: datetime, digest: str) -> Sequence[Asked]:
    middle = first + (last - first) / 2
    day = f"{middle:%Y-%m-%dT%H:%M:%SZ}", f"{middle + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}"
    since = f"since:{day[0]} until:{day[1]}"
    time_range = f"_time:[{day[0]}, {day[1]})"
    hour = timedelta(hours=1)
    return (
        Asked("a common word", "tests", "tests"),
        Asked("a rare word", "deadlock", "deadlock"),
        Asked("a word that is not there", "zyxwvut", "zyxwvut"),
        Asked("one digest", digest, digest),
        Asked("everything", "*", "*"),
        Asked("a phrase", '"no space left on device"', '"no space left on device"'),
        Asked("a frequent phrase", '"Pull complete"', '"Pull complete"'),
        Asked("a prefix", "deadl*", "deadl*"),
        Asked("a wide prefix", "re*", "re*"),
        Asked("two words", "connection identity", "connection identity"),
        Asked("one of two words", "deadlock OR refused", "deadlock OR refused"),
        Asked("a word, without another", "tests -passed", "tests !PASSED"),
        Asked("errors", "level:error", "level:=error"),
        Asked("errors of a treatment", "level:error treatment:deploy", "level:=error treatment:=deploy"),
        Asked("a phrase in a time range", f'{since} "timed out"', f'{time_range} "timed out"'),
        Asked("a regular expression", r"/cannot lock \w+ 12345/", r'~"cannot lock \\w+ 12345"'),
        Asked("a frequent regular expression", r"/took job [0-9a-f]{8}-00/", r'~"took job [0-9a-f]{8}-00"'),
        Asked("how many with a word", "deadlock", "deadlock | stats count() n", counted=True),
        Asked(
            "errors by hour and treatment",
            "level:error",
            "level:=error | stats by (_time:1h, treatment) count() n",
            FieldName.TREATMENT,
            hour,
            counted=True,
        ),
        Asked(
            "lines by hour and level",
            f"{since}",
            f"{time_range} | stats by (_time:1h, level) count() n",
            FieldName.LEVEL,
            hour,
            counted=True,
        ),
    )


def measure(lines: int = 10_000_000) -> Report:
    report = Report(f"Search: {lines:,} lines of build logs, beside VictoriaLogs {VERSION} on the same data")
    with tempfile.TemporaryDirectory(prefix="cadence-bench-search-") as name:
        folder = Path(name)
        corpus = _corpus(folder / "corpus", lines)
        report.add("raw size, text alone", corpus.text_bytes / 1e6, "MB")
        report.add("raw size, as JSON lines", corpus.json_bytes / 1e6, "MB")
        last = datetime.fromisoformat(max(segment.last_time for segment in corpus.listed))
        asked = queries(FIRST, last, _digest(corpus))
        ours = _ours(report, folder / "splits", corpus, asked, last)
        program = binary()
        if program is None:
            report.notes.append("VictoriaLogs could not be built (it needs Go): there is nothing to compare with")
            return report
        theirs = _theirs(report, program, folder / "victoria-logs", corpus, asked)
        differing = [one.name for one in asked if ours[one.name] != theirs[one.name]]
        report.notes.append(f"both found the same number of lines, but for: {', '.join(differing) or 'none'}")
    return report


@dataclass(frozen=True)
class Corpus:
    """Segments as the indexer would have written them, as files named by their keys."""

    folder: Path
    listed: Sequence[Segment]
    text_bytes: int
    json_bytes: int

    def read(self, key: str) -> Sequence[Any]:
        return quick_lines((self.folder / key).read_bytes())

    def write(self, run_id: str, number: int, lines: Sequence[Any], bucket: str | None = None) -> str:
        raise NotImplementedError("the corpus is there already")


def _corpus(folder: Path, lines: int) -> Corpus:
    folder.mkdir()
    with ProcessPoolExecutor(2) as processes:
        parts = list(processes.map(_write_part, [folder] * PARTS, [lines // PARTS] * PARTS, range(PARTS)))
    listed = [segment for part, _, _ in parts for segment in part]
    return Corpus(folder, listed, sum(part[1] for part in parts), sum(part[2] for part in parts))


def _write_part(folder: Path, lines: int, part: int) -> tuple[list[Segment], int, int]:
    listed: list[Segment] = []
    text_bytes = json_bytes = 0
    first = FIRST + part * timedelta(milliseconds=25 * lines)
    for number, one in enumerate(segments(lines, seed=part + 1, first=first)):
        data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in one.lines).encode()
        key = f"{part}-{number}"
        (folder / key).write_bytes(gzip.compress(data, 3))
        times = [line["time"] for line in one.lines]
        text_bytes += sum(len(line["text"].encode()) for line in one.lines)
        json_bytes += len(data)
        treatments = tuple({line["treatment"] for line in one.lines})
        levels = tuple({line["level"] for line in one.lines})
        listed.append(
            Segment(
                organization="acme", project=one.project, pipeline=one.pipeline, run_id=one.run_id, number=one.number, key=key,
                first_time=min(times), last_time=max(times), lines=len(times), treatments=treatments, levels=levels,
            )
        )  # fmt: skip
    return listed, text_bytes, json_bytes


def _ours(report: Report, folder: Path, corpus: Corpus, asked: Sequence[Asked], last: datetime) -> dict[str, int]:
    folder.mkdir()
    catalogue, splits = MemoryCatalogue(), MemorySplits(folder)
    catalogue.fresh = {(segment.run_id, segment.number): segment for segment in corpus.listed}

    began = time.monotonic()

    def clock() -> datetime:
        return last + timedelta(hours=2, seconds=time.monotonic() - began)

    tend = IndexProject(
        catalogue=catalogue, segments=corpus, splits=splits, clock=clock, new_id=new_ulid, longest=_RETENTION
    )
    lines = sum(segment.lines for segment in corpus.listed)
    built = _timed(lambda: [tend.build("acme", project) for project in PROJECTS])
    report.add("built into splits, lines per core and second", lines / built.cpu, "/s", Goal(50_000, at_least=True))
    report.add("built into splits, wall clock", built.wall, "s")
    merged = _timed(lambda: [tend.tend("acme", project, lambda: False) for project in PROJECTS])
    report.add("built, and merged what is small, lines per core and second", lines / (built.cpu + merged.cpu), "/s")
    report.add("largest memory of the process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")
    _as_they_come(report, folder / "as-they-come", corpus)
    size = sum(len(data) for data in splits.objects.values())
    report.add("index with the lines in it", size / 1e6, "MB")
    report.add("index, of raw text", 100 * size / corpus.text_bytes, "%")
    report.add("index, of raw JSON lines", 100 * size / corpus.json_bytes, "%")
    report.add("splits", len(splits.objects), "")
    with ThreadPoolExecutor(2) as workers:
        search = SearchLines(
            catalogue,
            IndexedSplits(catalogue, corpus, splits),
            TreatmentStates(_NoTreatments()),
            clock,
            _RETENTION,
            workers,
        )
        scope = SearchScope("acme", PROJECTS)

        def ask(one: Asked) -> int:
            query = parse(one.ours, clock())
            if one.counted:
                return sum(count.lines for count in search.count(scope, query, one.by, one.every).counts)
            return len(search.search(scope, query, PAGE).hits)

        return _searched(report, asked, ask, peer=False)


def _as_they_come(report: Report, folder: Path, corpus: Corpus) -> None:
    """The first lines again, each segment indexed as it is written: small splits, merged on the way."""
    folder.mkdir()
    catalogue, splits = MemoryCatalogue(), MemorySplits(folder)
    now = FIRST
    tend = IndexProject(
        catalogue=catalogue, segments=corpus, splits=splits, clock=lambda: now, new_id=new_ulid, longest=_RETENTION
    )
    done = IndexingResult()
    cpu = time.process_time()
    for segment in corpus.listed:
        if done.lines >= _AS_THEY_COME:
            break
        catalogue.fresh[segment.run_id, segment.number] = segment
        now = datetime.fromisoformat(segment.last_time)
        one = tend.tend("acme", segment.project, lambda: False)
        done.lines += one.lines
        done.built += one.built
        done.merged += one.merged
    cpu = time.process_time() - cpu
    report.add("built as they come, and merged on the way, lines per core and second", done.lines / cpu, "/s")
    report.notes.append(
        f"as they come: {done.lines:,} lines, built into {done.built} splits, of which (and of whose) "
        f"{done.merged} were merged; {len(catalogue.splits)} are left"
    )


def _theirs(report: Report, program: Path, folder: Path, corpus: Corpus, asked: Sequence[Asked]) -> dict[str, int]:
    with victoria_logs(program, folder) as peer:
        wall = 0.0
        for segment in corpus.listed:
            body = as_json_lines(segment.project, segment.pipeline, segment.run_id, corpus.read(segment.key))
            began = time.perf_counter()
            peer.insert(body)
            wall += time.perf_counter() - began
        peer.flush()
        lines = sum(segment.lines for segment in corpus.listed)
        report.add("taken in, lines per core and second", lines / peer.cpu_seconds(), "/s", peer=True)
        report.add("taken in, wall clock of the requests", wall, "s", peer=True)
        report.add("on disk", peer.bytes_on_disk() / 1e6, "MB", peer=True)
        report.add("on disk, of raw text", 100 * peer.bytes_on_disk() / corpus.text_bytes, "%", peer=True)

        def ask(one: Asked) -> int:
            found = peer.query(one.theirs, None if one.counted else PAGE)
            return sum(int(row["n"]) for row in found) if one.counted else len(found)

        return _searched(report, asked, ask, peer=True)


def _searched(report: Report, asked: Sequence[Asked], ask: Callable[[Asked], int], *, peer: bool) -> dict[str, int]:
    """The number of lines that each query finds. The first round is cold, and stands for itself."""
    found: dict[str, int] = {}
    cold: list[float] = []
    warm: list[float] = []
    slowest: dict[str, float] = {}
    for turn in range(REPEATED + 1):
        for one in asked:
            began = time.perf_counter()
            found[one.name] = ask(one)
            took = 1000 * (time.perf_counter() - began)
            (warm if turn else cold).append(took)
            if turn:
                slowest[one.name] = max(took, slowest.get(one.name, 0.0))
    report.add("query, p50", percentile(warm, 50), "ms", peer=peer)
    report.add("query, p95", percentile(warm, 95), "ms", None if peer else Goal(100), peer=peer)
    report.add("query, first time, p50", percentile(cold, 50), "ms", peer=peer)
    report.add("query, first time, slowest", max(cold), "ms", peer=peer)
    for name in sorted(slowest, key=lambda name: -slowest[name])[:4]:
        report.add(f"slowest of all turns: {name}", slowest[name], "ms", peer=peer)
    return found


def _digest(corpus: Corpus) -> str:
    """One that a line in the middle holds."""
    texts = (line["text"] for line in corpus.read(corpus.listed[len(corpus.listed) // 2].key))
    return str(next(text.partition("request_id=")[2] for text in texts if "request_id=" in text))


class _NoTreatments:
    def get_treatment(self, run_id: str, treatment: str) -> Treatment:
        raise NotFound("there are only lines")


@dataclass(frozen=True)
class _Timed:
    wall: float
    cpu: float


def _timed(work: Callable[[], object]) -> _Timed:
    """Wall clock and CPU time of all threads of this process, in seconds."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return _Timed(time.perf_counter() - began, time.process_time() - cpu)
