"""When samples are taken and sent, on a clock of the test's own."""

import os
from typing import Any

from runner_bootstrap.agent.resources.disk import DiskUse
from runner_bootstrap.agent.resources.network import NetworkCounter
from runner_bootstrap.agent.resources.series import MOST_SAMPLES, SampleSeries


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Life:
    """A treatment that is looked at whenever its series wants to."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.taken = 0
        self.series = SampleSeries(self._sample, self.clock)

    def _sample(self) -> dict[str, Any]:
        self.taken += 1
        return {"number": self.taken}

    def go_on(self, seconds: float) -> None:
        until = self.clock.now + seconds
        while self.clock.now + self.series.seconds_to_next() <= until:
            self.clock.now += self.series.seconds_to_next()
            self.series.take()
        self.clock.now = until


def test_a_young_treatment_is_looked_at_often_an_old_one_less() -> None:
    life = Life()
    life.go_on(10)
    assert life.taken == 20
    life.go_on(190)
    young = life.taken
    assert 70 <= young <= 90
    life.go_on(3600)
    assert life.taken - young == 360


def test_samples_wait_for_company_the_longer_the_older_it_is() -> None:
    life = Life()
    life.go_on(9.9)
    assert life.series.due() == []
    life.go_on(0.2)
    sent = life.series.due()
    assert len(sent) == 20
    life.series.accepted(sent)
    assert life.series.rest() == []
    life.go_on(9)
    assert life.series.due() == []
    life.go_on(2000)
    life.series.accepted(life.series.due())
    life.go_on(59)
    assert life.series.due() == []
    life.go_on(2)
    assert life.series.due() != []


def test_what_was_taken_while_sending_is_kept_for_the_next_time() -> None:
    life = Life()
    life.go_on(10)
    sent = life.series.due()
    life.go_on(1.1)
    life.series.accepted(sent)
    assert life.series.rest() == [{"number": 21}, {"number": 22}]


def test_a_gateway_that_stays_away_costs_resolution_and_no_time() -> None:
    life = Life()
    life.go_on(7200)
    kept = [sample["number"] for sample in life.series.rest()]
    assert len(kept) <= MOST_SAMPLES
    assert kept[0] == 1
    assert kept[-1] == life.taken


def test_the_space_of_a_directory_counts_each_file_once(tmp_path: Any) -> None:
    use = DiskUse()
    assert use.bytes() is None
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"x" * 1_000_000)
    os.link(deep / "file", deep / "same")
    (deep / "elsewhere").symlink_to("/")
    use.directory = tmp_path
    seen = use.bytes()
    assert seen is not None
    assert 1_000_000 <= seen < 1_200_000


def test_processes_of_this_machines_network_count_all_of_it() -> None:
    counter = NetworkCounter()
    traffic = counter.count([])
    assert traffic is not None
    assert traffic.shared
    assert traffic.received >= 0
    assert traffic.sent >= 0
