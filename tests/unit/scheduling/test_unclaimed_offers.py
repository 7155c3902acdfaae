"""Runners that are offered to machines and that none takes: the reason is told, and who can begin elsewhere does."""

import dataclasses
from datetime import timedelta

import pytest

from cadence.application.placement.unclaimed_offers import UnclaimedOffers
from cadence.application.runners.hosts import EnginesOfHosts, HostsAtWork
from cadence.application.scheduling.watchdog import CHECK
from cadence.application.shared.runner_ports import HOST_GONE, HOST_SILENT, Host
from cadence.domain.melodium import engines
from cadence.domain.melodium.specification import WorkerSpec
from cadence.domain.placement.pool import HOST, Pool
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotReady, ProviderRejected
from tests.fakes.hosts import MemoryHosts
from tests.unit.scheduling.setting import RUN, Setting, spec
from tests.unit.scheduling.test_races import ends_at

RUNNER = ids.runner_id(RUN, "build", 1)
WORKER = ids.runner_id(RUN, "worker", 1)
ENGINE = "0.11.0"
NO_ENGINE = f"no machine of pool first has the Mélodium engine {ENGINE}"


@pytest.fixture
def hosts(setting: Setting) -> MemoryHosts:
    """Those of the pools `first` and `second`, which fit both; none asks for work yet."""
    found = MemoryHosts(setting.offers)
    at_work, known = HostsAtWork(found, setting.clock), EnginesOfHosts(found, setting.clock)
    setting.pools.pools = (
        Pool(organization="acme", name="first", provider=HOST),
        Pool(organization="acme", name="second", provider=HOST),
    )
    setting.placing = dataclasses.replace(setting.placing, hosts_at_work=at_work.count, engines=known.list)
    checks = UnclaimedOffers(
        treatments=setting.runs,
        pools=setting.pools,
        offers=setting.offers,
        clock=setting.clock,
        at_work=at_work.count,
        engines=known.list_with_draining,
    )
    setting.watchdog = dataclasses.replace(setting.watchdog, unclaimed_offers=checks.check)
    setting.admitted(spec("build"), spec("worker", engine=WorkerSpec(version=ENGINE, group_id="group")))
    return found


def ask_for_work(
    setting: Setting, hosts: MemoryHosts, pool: str, name: str = "host", engine: str | None = None
) -> Host:
    host = Host(
        host_id=f"{name}-{pool}",
        organization="acme",
        pool=pool,
        name=pool,
        slots=4,
        token_hash="hash",
        joined_at=setting.clock.now,
        last_seen=setting.clock.now,
        facts={engines.FACT: engine} if engine else {},
    )
    hosts.put_host(host)
    return host


def waits_for(setting: Setting) -> str | None:
    return setting.treatment("build").waiting_for


def test_a_notification_names_what_any_host_can_start(setting: Setting, hosts: MemoryHosts) -> None:
    setting.place("build")
    assert setting.work_notification.named == [RUNNER]
    ask_for_work(setting, hosts, "first", engine=ENGINE)
    setting.place("worker")
    assert (setting.work_notification.named, setting.work_notification.rings) == ([RUNNER], ["first", "first"])


def test_it_is_told_that_nobody_is_there(setting: Setting, hosts: MemoryHosts) -> None:
    setting.place("build")
    setting.deadlines.runners.clear()
    setting.watchdog.runner(RUNNER, "build-1")
    assert waits_for(setting) == "a machine of pool first: none asks for work (`cadence host join` adds one)"
    assert setting.deadlines.runners == [(RUNNER, CHECK)]
    assert "build-1" not in setting.machines.answers


def test_it_is_told_how_many_are_taken_and_no_more_once_it_begins(setting: Setting, hosts: MemoryHosts) -> None:
    host = ask_for_work(setting, hosts, "first")
    hosts.put_host(dataclasses.replace(host, running=frozenset({"a", "b"}), handed=frozenset({"b", "c"})))
    setting.place("build")
    setting.watchdog.runner(RUNNER, "build-1")
    assert waits_for(setting) == "a machine of pool first: 3 of 4 slots are taken"
    (offer,) = hosts.list_offers("acme", "first", 1)
    assert hosts.lease(host, offer, "hash", setting.clock.now)
    setting.beginning.mark(setting.runners.get_runner(RUNNER), setting.runs.get_spec(RUN, "build"))
    assert waits_for(setting) is None


def test_a_place_that_ended_before_its_treatment_boots_is_repeated(
    setting: Setting, hosts: MemoryHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ends_at(monkeypatch, setting.runs, "advance"):
        setting.place("build")
    setting.watchdog.run(RUN)
    assert setting.machines.answers == {}
    setting.clock.advance(CHECK)
    setting.watchdog.run(RUN)
    error = setting.machines.answers.pop("build-1")
    assert isinstance(error, NotReady)
    assert error.message == "build was to be offered to pool first, and was not"
    setting.place("build")
    assert [offer.runner_id for offer in hosts.list_offers("acme", "first", 9)] == [RUNNER]


def test_a_place_that_ended_before_its_offer_is_completed(
    setting: Setting, hosts: MemoryHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ends_at(monkeypatch, setting.offers, "put_offer"):
        setting.place("build")
    setting.watchdog.run(RUN)
    assert hosts.list_offers("acme", "first", 9) == []
    setting.clock.advance(CHECK)
    ask_for_work(setting, hosts, "first")
    setting.watchdog.run(RUN)
    assert [offer.runner_id for offer in hosts.list_offers("acme", "first", 9)] == [RUNNER]
    assert setting.machines.answers == {}


def test_one_that_begins_while_it_is_looked_at_is_left_alone(setting: Setting, hosts: MemoryHosts) -> None:
    host = ask_for_work(setting, hosts, "first")
    setting.place("build")
    setting.clock.advance(CHECK)
    read = setting.runners.get_runner(RUNNER)
    assert hosts.lease(host, read.as_offer, "hash", setting.clock.now)
    setting.beginning.mark(setting.runners.get_runner(RUNNER), setting.runs.get_spec(RUN, "build"))
    assert setting.watchdog.unclaimed_offers(read) is None
    assert hosts.list_offers("acme", "first", 9) == []


def test_it_goes_on_where_machines_are(setting: Setting, hosts: MemoryHosts) -> None:
    gone = ask_for_work(setting, hosts, "first")
    setting.place("build")
    assert setting.runners.get_runner(RUNNER).pool == "first"
    setting.clock.advance(HOST_SILENT)
    there = ask_for_work(setting, hosts, "second")

    setting.watchdog.runner(RUNNER, "build-1")
    error = setting.machines.answers.pop("build-1")
    assert isinstance(error, NotReady)
    assert error.message == "no machine of it asks for work: pool first; pool second can hold build, too"
    # What the machine does with it.
    setting.place("build")
    runner = setting.runners.get_runner(RUNNER)
    assert (runner.pool, runner.state, runner.task_token) == ("second", RunnerState.OFFERED, "build-1")
    assert setting.treatment("build").pool == "second"

    assert not hosts.lease(gone, runner.as_offer, "hash", setting.clock.now)
    assert hosts.lease(there, runner.as_offer, "hash", setting.clock.now)


def test_it_goes_on_to_a_cloud(setting: Setting, hosts: MemoryHosts) -> None:
    setting.pools.pools = (
        Pool(organization="acme", name="first", provider=HOST),
        Pool(organization="acme", name="second", provider="cloud"),
    )
    ask_for_work(setting, hosts, "first")
    setting.place("build")
    setting.clock.advance(HOST_SILENT)
    setting.watchdog.runner(RUNNER, "build-1")
    assert isinstance(setting.machines.answers.pop("build-1"), NotReady)
    assert setting.place("build").pool == "second"


def test_a_machine_that_drains_counts_as_none(setting: Setting, hosts: MemoryHosts) -> None:
    host = ask_for_work(setting, hosts, "first")
    setting.place("build")
    hosts.drain("acme", "first", host.host_id, True)
    ask_for_work(setting, hosts, "second")
    setting.watchdog.runner(RUNNER, "build-1")
    assert isinstance(setting.machines.answers["build-1"], NotReady)


def test_a_pool_that_is_gone_by_now_is_no_other(setting: Setting, hosts: MemoryHosts) -> None:
    ask_for_work(setting, hosts, "first")
    setting.place("build")
    setting.clock.advance(HOST_SILENT + timedelta(seconds=1))
    setting.pools.pools = (Pool(organization="acme", name="first", provider=HOST),)
    setting.watchdog.runner(RUNNER, "build-1")
    assert "build-1" not in setting.machines.answers
    assert (waits_for(setting) or "").startswith("a machine of pool first: none")


def test_a_treatment_of_a_removed_pool_goes_on_in_another(setting: Setting, hosts: MemoryHosts) -> None:
    ask_for_work(setting, hosts, "first")
    setting.place("build")
    setting.clock.advance(HOST_SILENT)
    setting.pools.pools = (Pool(organization="acme", name="second", provider=HOST),)

    setting.watchdog.runner(RUNNER, "build-1")

    error = setting.machines.answers.pop("build-1")
    assert isinstance(error, NotReady)
    assert error.message == "pool first was removed before a machine of it took build"
    setting.place("build")
    assert setting.treatment("build").pool == "second"


def test_a_treatment_whose_last_pool_was_removed_ends_with_the_cause(setting: Setting, hosts: MemoryHosts) -> None:
    setting.place("build")
    setting.pools.pools = ()

    setting.watchdog.runner(RUNNER, "build-1")

    assert isinstance(setting.machines.answers.pop("build-1"), NotReady)
    with pytest.raises(ProviderRejected, match="no pool can hold build: there is no pool"):
        setting.place("build")


def test_a_pool_whose_host_with_the_engine_is_silent_comes_last(setting: Setting, hosts: MemoryHosts) -> None:
    """The silent host counts as having the engine for a while; the one that asks for work has none."""
    ask_for_work(setting, hosts, "first", engine=ENGINE)
    setting.clock.advance(HOST_SILENT)
    ask_for_work(setting, hosts, "first", "bare")
    ask_for_work(setting, hosts, "second", engine=ENGINE)
    setting.place("worker")
    assert setting.runners.get_runner(WORKER).pool == "second"


def test_what_waits_for_an_engine_goes_on_where_a_host_has_it(setting: Setting, hosts: MemoryHosts) -> None:
    ask_for_work(setting, hosts, "first", engine=ENGINE)
    setting.place("worker")
    assert setting.runners.get_runner(WORKER).pool == "first"
    setting.clock.advance(HOST_SILENT)
    ask_for_work(setting, hosts, "first", "bare")
    ask_for_work(setting, hosts, "second", engine=ENGINE)
    setting.watchdog.runner(WORKER, "worker-1")
    assert isinstance(setting.machines.answers.pop("worker-1"), NotReady)
    setting.place("worker")
    assert setting.runners.get_runner(WORKER).pool == "second"


@pytest.mark.parametrize("draining", [False, True])
def test_what_waits_for_an_engine_ends_once_no_host_of_its_pool_can_come_back_with_it(
    setting: Setting, hosts: MemoryHosts, draining: bool
) -> None:
    setting.pools.pools = (Pool(organization="acme", name="first", provider=HOST),)
    equipped = ask_for_work(setting, hosts, "first", engine=ENGINE)
    setting.place("worker")
    if draining:
        hosts.drain("acme", "first", equipped.host_id, True)
    else:
        setting.clock.advance(HOST_SILENT)
    ask_for_work(setting, hosts, "first", "bare")
    setting.watchdog.runner(WORKER, "worker-1")
    assert "worker-1" not in setting.machines.answers
    told = f"a machine of pool first: none with the Mélodium engine {ENGINE} asks for work"
    assert (setting.treatment("worker").waiting_for or "").startswith(told)

    setting.clock.advance(HOST_GONE)
    ask_for_work(setting, hosts, "first", "bare")
    setting.watchdog.runner(WORKER, "worker-1")
    error = setting.machines.answers.pop("worker-1")
    assert isinstance(error, NotReady)
    assert error.message == NO_ENGINE
    with pytest.raises(ProviderRejected, match=NO_ENGINE):
        setting.place("worker")
