"""Logs of several runs, written as the indexer writes them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.application.scheduling.treatment_states import TreatmentStates
from cadence.application.search.follow_lines import FollowLines
from cadence.application.search.live_ports import LivePosition
from cadence.application.search.ports import SearchScope
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from tests.fakes.logs import FakeFollowers, FakeLogIndex, FakeLogSegments
from tests.fakes.runs import a_run
from tests.fakes.scan_index import ScanIndex, ScanSegments

PROJECTS = {"run-a": "site", "run-b": "site", "run-c": "web", "run-d": "web"}
SCOPE = SearchScope("acme", ("site", "web"))
START = datetime(2026, 1, 1, tzinfo=UTC)


class Treatments:
    def get_treatment(self, run_id: str, treatment: str) -> Treatment:
        state = TreatmentState.FAILED if run_id == "run-a" else TreatmentState.SUCCEEDED
        return Treatment(run_id=run_id, name=treatment, state=state, waiting=0)


@dataclass
class Logs:
    index: FakeLogIndex = field(default_factory=FakeLogIndex)
    segments: FakeLogSegments = field(default_factory=FakeLogSegments)
    followers: FakeFollowers = field(default_factory=FakeFollowers)
    now: datetime = START + timedelta(hours=1)
    organization: str = "acme"

    def __post_init__(self) -> None:
        self.states = TreatmentStates(Treatments())
        self.follow = FollowLines(
            arrivals=self.index,
            segments=self.segments,
            followers=self.followers,
            clock=lambda: self.now,
            sleep=self.sleep,
        )
        self.search = ScanIndex(self._of_project, ScanSegments(self.segments), self.states, lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def write(self, run_id: str, *numbers: int, text: str = "line {}", treatment: str = "build") -> None:
        """Numbers are seconds since `START`, and the lines' sequence numbers."""
        lines = [
            LogLine(
                seq=n,
                time=f"2026-01-01T00:{n // 60:02}:{n % 60:02}.000Z",
                stream="stdout",
                level="info",
                text=text.format(n),
            )
            for n in numbers
        ]
        batch = LogBatch(
            run_id=run_id, runner_id=f"{run_id}-r", treatment=treatment, attempt=1, lines=lines, pool="spot"
        )
        IndexLogs(self.index, self.segments, lambda name: a_run(name, self.organization, PROJECTS[name])).index_batches(
            run_id, [batch]
        )

    def start(self) -> LivePosition:
        return self.follow.start(self.organization)

    def _of_project(self, organization: str, project: str) -> list[Any]:
        return [
            segment
            for segment in self.index.segments
            if (segment.organization, segment.project) == (organization, project)
        ]
