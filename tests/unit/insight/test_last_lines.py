"""The last lines of an attempt among those of a large run."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cadence.application.insight.diagnose import Diagnose
from cadence.application.logs.last_lines import LastLines
from cadence.application.logs.ports import Line, LogHead
from cadence.domain.logs.log import Segment, Watermark
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Log:
    """One segment a second, each with a line of every treatment."""

    def __init__(self, seconds: int, of: dict[str, range]) -> None:
        self.read_keys: list[str] = []
        self.looked_at = 0
        self.all: list[Segment] = []
        self.lines: dict[str, list[Line]] = {}
        for second in range(seconds):
            time = f"{NOW + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}.000Z"
            names = tuple(name for name, during in of.items() if second in during)
            key = str(second)
            self.lines[key] = [line(second, time, name) for name in names]
            self.all.append(
                Segment(
                    organization="o",
                    project="p",
                    pipeline="build",
                    run_id="r",
                    number=second,
                    key=key,
                    first_time=time,
                    last_time=time,
                    lines=len(names),
                    treatments=names,
                    levels=("info",),
                )
            )

    def newest_segments(self, run_id: str, limit: int, before: int | None = None) -> Sequence[Segment]:
        found = [segment for segment in reversed(self.all) if before is None or segment.number < before][:limit]
        self.looked_at += len(found)
        return found

    def list_segments(self, run_id: str, from_number: int, limit: int) -> Sequence[Segment]:
        self.looked_at += limit
        return self.all[from_number : from_number + limit]

    def read(self, key: str) -> Sequence[Line]:
        self.read_keys.append(key)
        return self.lines[key]

    def get_head(self, *_: Any) -> LogHead:
        raise NotImplementedError

    def append(self, head: LogHead, segment: Segment, watermarks: Sequence[Watermark]) -> None:
        raise NotImplementedError

    def write(self, *_: Any) -> str:
        raise NotImplementedError


def line(seq: int, time: str, treatment: str, text: str = "x", attempt: int = 1, stream: str = "stdout") -> Line:
    return {
        "seq": seq, "time": time, "runner": f"{treatment}-1", "treatment": treatment, "attempt": attempt,
        "stream": stream, "level": "info", "text": text,
    }  # fmt: skip


def test_the_lines_of_one_that_ended_early_in_a_long_run_are_found_without_reading_the_rest() -> None:
    log = Log(20_000, {"early": range(50, 60), "late": range(20_000)})
    found = LastLines(log, log).read("r", "early", 1, 5, NOW + timedelta(seconds=60))
    assert [(one["seq"], one["cursor"]) for one in found.lines] == [(seq, f"{seq}:1") for seq in range(55, 60)]
    assert not found.complete
    assert log.looked_at < 400
    assert len(log.read_keys) == 5


def test_all_lines_are_complete_and_another_attempts_are_left_out() -> None:
    log = Log(30, {"t": range(10, 20)})
    log.lines["15"] = [line(15, "x", "t", attempt=2)]
    found = LastLines(log, log).read("r", "t", 1, 100)
    assert [one["seq"] for one in found.lines] == [10, 11, 12, 13, 14, 16, 17, 18, 19]
    assert found.complete
    assert LastLines(log, log).read("r", "none", 1, 100).lines == ()


def test_a_trace_is_linked_to_its_lines_although_another_stream_is_between_them() -> None:
    log = Log(1, {"t": range(1)})
    written = [
        ("stderr", "Traceback (most recent call last):"),
        ("stdout", "order 3"),
        ("stderr", '  File "total.py", line 6, in total'),
        ("stderr", "    added += int(amount)"),
        ("stdout", "order 4"),
        ("stderr", "ValueError: no amount: n/a"),
        ("agent", "the command ended with exit code 1"),
        ("stderr", "error: gave up"),
    ]
    log.lines["0"] = [
        {**line(seq, "x", "t", text, stream=stream), "level": "error" if seq > 6 else "info"}
        for seq, (stream, text) in enumerate(written, 1)
    ]
    treatment = Treatment(
        run_id="r",
        name="t",
        state=TreatmentState.FAILED,
        waiting=0,
        exit_code=1,
        cause="exit code 1",
        history=(StateChange(NOW, 1, "failed"),),
    )
    said = Diagnose(LastLines(log, log)).diagnose(treatment, TreatmentSpec(name="t"), None, 3)
    (linked,) = said.traces
    assert linked.trace.place is not None
    assert linked.lines[linked.trace.place.on]["cursor"] == "0:3"
    assert linked.lines[linked.trace.last]["cursor"] == "0:6"
    assert [one["text"] for one in said.errors] == ["error: gave up"]
    assert [one["seq"] for one in said.last_lines] == [6, 7, 8]
