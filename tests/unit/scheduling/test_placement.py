"""Which pool gives a treatment its runner, why, and what becomes of an attempt whose machine is taken away."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cadence.application.placement.back_offs import Refusals
from cadence.domain.melodium import engines
from cadence.domain.melodium.specification import ProgramSpec, WorkerSpec
from cadence.domain.placement import placing
from cadence.domain.placement.back_off import FIRST_PAUSE, BackOff
from cadence.domain.placement.placing import ANY_OFFER, in_order, misfit
from cadence.domain.placement.pool import LargestRunner, Pool, Price
from cadence.domain.placement.pool_policy import InstanceOffer, Policy, WarmWindow, warm_now
from cadence.domain.runners.runner import RunnerOutcome
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling.retrying import MOST_INTERRUPTIONS
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotReady, ProviderRejected
from cadence.domain.values.value_retention import ValueCapture, ValuePolicy
from tests.fakes.back_offs import MemoryBackOffs
from tests.unit.scheduling.setting import RUN, Setting, spec

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)  # a Tuesday
SMALL = InstanceOffer(name="small", cpu=2000, memory=4096, per_hour=0.1)
BIG = InstanceOffer(name="big", cpu=8000, memory=32768, per_hour=0.9)


def pool(name: str, provider: str = "cloud", price: float | None = None, **policy: Any) -> Pool:
    return Pool(
        organization="acme",
        name=name,
        provider=provider,
        price=Price(price) if price else None,
        policy=Policy(**policy),
    )


def names(*pools: Pool, wanted: Any = None, refusals: Any = None) -> list[str]:
    return [one.name for one, _ in in_order(pools, wanted or spec("x"), refusals or {}, NOW)]


def test_without_a_list_the_warm_come_first_then_the_cheap() -> None:
    warm = pool("warm", price=9, warm=(WarmWindow(ready=1),))
    assert names(pool("unpriced"), pool("dear", price=2), pool("cheap", price=1), warm) == [
        "warm", "cheap", "dear", "unpriced",
    ]  # fmt: skip


def test_the_pipelines_list_is_kept() -> None:
    wanted = spec("x", pools=("dear", "cheap"))
    assert names(pool("dear", price=2), pool("cheap", price=1), wanted=wanted) == ["dear", "cheap"]


def back_off(offer: str = ANY_OFFER, ago: int = 5, times: int = 1) -> BackOff:
    at = NOW - timedelta(seconds=ago)
    return BackOff(offer=offer, at=at, reason="InsufficientInstanceCapacity", until=at + FIRST_PAUSE, times=times)


def test_a_pool_that_refused_a_moment_ago_is_asked_last() -> None:
    wanted = spec("x", pools=("a", "b"))
    (first, _), (second, words) = in_order([pool("a"), pool("b")], wanted, {"a": [back_off(times=3)]}, NOW)
    assert (first.name, second.name) == ("b", "a")
    assert words.endswith("refused at 11:59:55 UTC (3 times in a row): InsufficientInstanceCapacity")
    old = {"a": [back_off(ago=60)]}
    assert names(pool("a"), pool("b"), wanted=wanted, refusals=old) == ["a", "b"]


def test_a_refused_offer_is_no_matter_to_whoever_can_use_another() -> None:
    two, other = pool("two", offers=(SMALL, BIG)), pool("other")
    refused = {"two": [back_off("big")]}
    wanted = {"pools": ("two", "other")}
    assert names(two, other, wanted=spec("x", cpu=8000, **wanted), refusals=refused) == ["other", "two"]
    assert names(two, other, wanted=spec("x", cpu=1000, **wanted), refusals=refused) == ["two", "other"]
    both = {"two": [back_off("big"), back_off("small")]}
    assert names(two, other, wanted=spec("x", cpu=1000, **wanted), refusals=both) == ["other", "two"]


def test_what_is_no_offer_of_the_pool_stands_for_all_of_it() -> None:
    two, other = pool("two", offers=(SMALL, BIG)), pool("other")
    assert names(two, other, wanted=spec("x", pools=("two", "other")), refusals={"two": [back_off()]}) == [
        "other", "two",
    ]  # fmt: skip


def test_an_offer_that_may_be_taken_away_is_another_than_one_that_may_not() -> None:
    spot = dataclasses.replace(SMALL, spot=True)
    both = pool("both", offers=(SMALL, spot))
    assert placing.offers_for(both, spec("x")) == ("small", "small spot")
    wanted = spec("x", pools=("both", "other"))
    assert names(both, pool("other"), wanted=wanted, refusals={"both": [back_off("small spot")]}) == ["both", "other"]


def test_the_price_is_that_of_the_cheapest_machine_that_fits() -> None:
    two = pool("two", offers=(SMALL, BIG))
    assert placing.hourly(two, spec("x", cpu=1000)) == 0.1
    assert placing.hourly(two, spec("x", cpu=4000)) == 0.9
    assert placing.expected_price(two, spec("x", cpu=4000)) == Price(0.9, "USD")
    assert placing.expected_price(pool("unpriced"), spec("x")) is None


def test_a_decision_says_what_the_runner_is_expected_to_cost(setting: Setting) -> None:
    euros = dataclasses.replace(pool("near", offers=(SMALL, BIG)), price=Price(2.0, "EUR"))
    setting.pools.pools = (euros,)
    setting.admitted(spec("build", cpu=4000))
    assert setting.place("build").price == Price(0.9, "EUR")


def test_a_host_s_runner_is_known_to_cost_what_its_pool_does(setting: Setting) -> None:
    setting.pools.pools = (dataclasses.replace(pool("near", "host"), price=Price(0.5, "EUR")),)
    setting.admitted(spec("build"))
    runner = setting.runners.get_runner(setting.place("build").runner_id)
    assert (runner.per_hour, runner.currency) == (0.5, "EUR")


@pytest.mark.parametrize(
    ("one", "fields", "why"),
    [
        (dataclasses.replace(pool("p"), projects=("other",)), {}, "does not serve project site"),
        (pool("p"), {"arch": "arm64"}, "has no arm64"),
        (dataclasses.replace(pool("p"), largest=LargestRunner(cpu=1000)), {"cpu": 2000}, "at most 1000 millicores"),
        (dataclasses.replace(pool("p"), largest=LargestRunner(images=False)), {"image": "a"}, "runs no images"),
        (pool("p", max_duration=60), {"max_duration": 61}, "at most 60 s of max_duration"),
        (pool("p", offers=(SMALL,)), {"memory": 8192}, "no offer of pool p"),
    ],
)
def test_pools_that_can_never_give_the_runner(one: Pool, fields: dict[str, Any], why: str) -> None:
    assert why in str(misfit(one, spec("x", **fields), "site"))
    assert misfit(pool("p", offers=(BIG,)), spec("x", cpu=8000), "site") is None


def test_windows_are_read_in_their_own_time_zone() -> None:
    morning = WarmWindow(days=("tue",), start="12:30", end="14:00", timezone="Europe/Paris", ready=2, stopped=1)
    always = WarmWindow(stopped=3)
    assert warm_now([morning, always], NOW) == (2, 3)
    assert warm_now([morning], NOW + timedelta(hours=1)) == (0, 0)
    assert warm_now([morning], NOW + timedelta(days=1)) == (0, 0)


def test_what_was_considered_is_noted_of_the_treatment(setting: Setting) -> None:
    setting.pools.pools = (pool("near", "host"), dataclasses.replace(pool("far"), projects=("other",)))
    setting.admitted(spec("build"))
    setting.place("build")
    first, second = placing.decode(setting.treatment("build").placement)
    assert (first.pool, first.fits) == ("near", True)
    assert (second.pool, second.fits, second.reason) == ("far", False, "pool far does not serve project site")


def test_hosts_alone_cost_no_read_of_refusals(setting: Setting) -> None:
    class Unread(MemoryBackOffs):
        def of_pool(self, organization: str, pool: str) -> Any:
            raise AssertionError("nothing is to be read")

    setting.placing = dataclasses.replace(setting.placing, refusals=Refusals(Unread(), setting.clock))
    setting.pools.pools = (pool("near", "host"), pool("far", "host"))
    setting.admitted(spec("a"))
    setting.place("a")
    setting.pools.pools = (pool("near"),)


def test_waiting_for_room_says_so(setting: Setting) -> None:
    setting.pools.pools = (pool("near"),)
    setting.admitted(spec("build"))
    placement = setting.place("build")
    with pytest.raises(NotReady):
        setting.place("build", placement)
    assert setting.treatment("build").waiting_for == "a pool that takes it, all asked again after 15 s: near: full"


def test_a_treatment_whose_machine_boots_tells_what_it_waits_for(setting: Setting) -> None:
    setting.pools.pools = (dataclasses.replace(pool("near"), boot_deadline=90),)
    setting.admitted(spec("build"))
    setting.place("build")
    words = "a machine of pool near to start and to call home (given up 90 s after its start)"
    assert setting.treatment("build").waiting_for == words
    setting.launched("build")
    setting.failed_with("build", "BootTimedOut")
    assert setting.treatment("build").waiting_for is None


def test_nothing_fits_is_told_with_each_reason(setting: Setting) -> None:
    setting.pools.pools = (pool("near", offers=(SMALL,)), pool("far", max_duration=1))
    setting.admitted(spec("build", cpu=64_000))
    with pytest.raises(ProviderRejected, match=r"no offer of pool near.*pool far has at most 1 s of max_duration"):
        setting.place("build")


def interrupted(setting: Setting, name: str = "build") -> str:
    return setting.done(name, RunnerOutcome.INTERRUPTED, "EC2 takes the spot instance back")


def test_an_interrupted_attempt_goes_on_elsewhere_and_counts_for_nothing(setting: Setting) -> None:
    setting.pools.pools = (pool("spot", "here"), pool("demand", "there"))
    retry = dataclasses.replace(spec("x").retry, infrastructure=0, wait=60)
    setting.admitted(spec("build", retry=retry))
    assert interrupted(setting) == "retry"
    treatment = setting.treatment("build")
    assert (treatment.attempt, treatment.interruptions, treatment.infrastructure_failures) == (2, 1, 0)
    assert [change.state for change in treatment.history][-2:] == [TreatmentState.INTERRUPTED, TreatmentState.PLACING]
    assert setting.place("build").pool == "demand"


def test_an_attempt_that_is_interrupted_again_and_again_is_lost_in_the_end(setting: Setting) -> None:
    setting.admitted(spec("build"))
    assert [interrupted(setting) for _ in range(MOST_INTERRUPTIONS)] == ["retry"] * MOST_INTERRUPTIONS
    assert interrupted(setting) == "done"
    treatment = setting.treatment("build")
    assert (treatment.state, treatment.cause) == (TreatmentState.LOST, "EC2 takes the spot instance back")


def test_what_is_interrupted_while_it_is_cancelled_is_cancelled(setting: Setting) -> None:
    setting.admitted(spec("build"))
    setting.running("build")
    setting.runs.request_cancel(RUN, "build", "another instance failed")
    setting.complete("build", RunnerOutcome.INTERRUPTED, "the runner was told to stop (SIGTERM)")
    setting.settle("build", 1)
    assert setting.state("build") is TreatmentState.CANCELLED


def test_a_treatment_that_has_to_stay_gets_no_runner_elsewhere() -> None:
    stays = spec("x", residency=("eu", "ch"))
    assert misfit(pool("a", residency="ch"), stays, "site") is None
    assert misfit(pool("a", residency="us"), stays, "site") == "pool a is in us, and x has to stay in eu or ch"
    assert misfit(pool("a"), stays, "site") == "pool a does not say where its data is, and x has to stay in eu or ch"
    assert misfit(pool("a", residency="us"), spec("x"), "site") is None


def test_an_engine_gets_no_runner_where_values_are_not_kept_as_usual() -> None:
    """From 0.11.0 on an engine can report without values; no engine reports to another bucket."""
    digest, bucket = ValuePolicy(ValueCapture.DIGEST), ValuePolicy(bucket="there")
    cases: list[tuple[ValuePolicy, str | None, str | None]] = [
        (digest, "0.10.2", "pool a captures digests only, and the engine of x 0.10.2 reports every value inside of it"),
        (digest, "0.10", "pool a captures digests only, and the engine of x 0.10 reports every value inside of it"),
        (digest, "0.11.0", None),
        (ValuePolicy(ValueCapture.NONE), "0.11.0", None),
        (digest, None, None),
        (
            bucket,
            "0.11.0",
            "pool a keeps its values in bucket there, and the engine of x reports to the installation's",
        ),
    ]
    for values, version, why in cases:
        program = ProgramSpec(program="d" * 64, entrypoint="main", treatment="p::main", version=version)
        engine = spec("x", engine=program)
        assert misfit(pool("a", values=values), spec("x"), "site") is None
        found = misfit(pool("a", values=values), engine, "site")
        assert found is None if why is None else (found or "").startswith(why)
        assert misfit(pool("a"), engine, "site") is None


WORKER = WorkerSpec(version="0.10.2", group_id="group")


def engines_at(setting: Setting, engine: Any, **machines: Any) -> None:
    """One treatment, with an engine, and what the machines of each pool of hosts have."""
    setting.pools.pools = tuple(Pool(organization="acme", name=name, provider="host") for name in machines)
    setting.placing = dataclasses.replace(setting.placing, engines=lambda _, name: machines[name])
    setting.admitted(spec("x", engine=engine))


@pytest.mark.parametrize("engine", [WORKER, ProgramSpec(program="sha", entrypoint="main", treatment="x::main")])
def test_an_engine_is_looked_for_among_the_hosts(engine: Any) -> None:
    setting = Setting()
    engines_at(setting, engine, bare=[None, None], equipped=[None, "0.10.2"])
    setting.place("x")
    treatment = setting.runs.get_treatment(RUN, "x")
    assert treatment.pool == "equipped"
    considered = {one.pool: one.reason for one in placing.decode(treatment.placement)}
    assert considered["bare"].startswith("no machine of pool bare has the Mélodium engine")
    assert setting.runners.runners[f"{ids.runner_id(RUN, 'x', 1)}"].engine == engines.needed(engine)


@pytest.mark.parametrize("version", [None, "0.10.2"])
def test_an_engine_in_an_image_serves_workers_only(version: str | None) -> None:
    packed = f"0.10.2{engines.IN_IMAGE}"
    program = ProgramSpec(program="sha", entrypoint="main", treatment="x::main", version=version)
    for engine, pool in ((WORKER, "packed"), (program, "equipped")):
        setting = Setting()
        engines_at(setting, engine, packed=[packed], equipped=["0.10.2"])
        setting.place("x")
        assert setting.runs.get_treatment(RUN, "x").pool == pool


def test_a_machine_may_have_several_engines() -> None:
    has = engines.SEPARATOR.join(("0.11.0", "0.10.2", f"0.9.0{engines.IN_IMAGE}"))
    assert {"0.11.0", "0.10.2", "0.9.0", "program 0.11.0", "program 0.11", "program 0.10", "*"} <= set(
        engines.able(has)
    )
    assert "program 0.9.0" not in engines.able(has)
    assert engines.lacking("a", "0.10.2", [None, has]) is None
    lacks = "no machine of pool a has the Mélodium engine 0.12, only 0.10.2, 0.11.0, 0.9.0 in an image"
    assert engines.lacking("a", "program 0.12", [has, "0.11.0"]) == lacks


def test_a_run_whose_engine_is_nowhere_says_so_at_once() -> None:
    setting = Setting()
    engines_at(setting, WORKER, bare=[None], old=["0.9.0", "0.9.1", None])
    with pytest.raises(ProviderRejected) as raised:
        setting.place("x")
    told = "no machine of pool old has the Mélodium engine 0.10.2, only 0.9.0, 0.9.1"
    assert "no machine of pool bare has the Mélodium engine 0.10.2" in raised.value.message
    assert told in raised.value.message
    considered = placing.decode(setting.runs.get_treatment(RUN, "x").placement)
    assert [(one.pool, one.fits) for one in considered] == [("bare", False), ("old", False)]
    assert considered[1].reason == told


def test_a_pool_that_no_machine_has_joined_is_waited_for() -> None:
    setting = Setting()
    engines_at(setting, WORKER, empty=[])
    setting.place("x")
    assert setting.runs.get_treatment(RUN, "x").pool == "empty"


def test_what_needs_no_engine_asks_no_hosts() -> None:
    setting = Setting()
    engines_at(setting, None, bare=[None])
    setting.placing = dataclasses.replace(setting.placing, engines=lambda *_: pytest.fail("asked"))
    setting.place("x")
    assert setting.runs.get_treatment(RUN, "x").pool == "bare"


def attended_at(setting: Setting, *names: str, only: tuple[str, ...]) -> None:
    """Pools of hosts of these names, and those of them where machines ask for work."""
    setting.pools.pools = tuple(Pool(organization="acme", name=name, provider="host") for name in names)
    setting.placing = dataclasses.replace(setting.placing, hosts_at_work=lambda _, name, engine: name in only)


@pytest.mark.parametrize("listed", [(), ("away", "there")])
def test_where_no_machine_asks_for_work_nothing_is_offered_if_it_need_not(listed: tuple[str, ...]) -> None:
    setting = Setting()
    attended_at(setting, "away", "there", only=("there",))
    setting.admitted(spec("x", pools=listed))
    setting.place("x")
    treatment = setting.runs.get_treatment(RUN, "x")
    assert treatment.pool == "there"
    considered = [(one.pool, one.fits) for one in placing.decode(treatment.placement)]
    assert considered == [("there", True), ("away", True)]
    assert placing.decode(treatment.placement)[1].reason.endswith(placing.UNATTENDED)


def test_where_no_machine_is_anywhere_the_first_pool_is_waited_for() -> None:
    setting = Setting()
    attended_at(setting, "far", "further", only=())
    setting.admitted(spec("x"))
    setting.place("x")
    assert setting.runs.get_treatment(RUN, "x").pool == "far"


def test_a_cloud_without_room_is_asked_again_rather_than_machines_that_are_not_there() -> None:
    setting = Setting()
    setting.pools.pools = (
        Pool(organization="acme", name="away", provider="host"),
        Pool(organization="acme", name="cloud", provider="cloud"),
    )
    setting.placing = dataclasses.replace(setting.placing, hosts_at_work=lambda *_: False)
    setting.admitted(spec("x"))
    placement = setting.place("x")
    assert placement.pool == "cloud"
    with pytest.raises(NotReady, match="full"):
        setting.place("x", refused=placement)
    # What never takes it leaves only the pool that somebody may join.
    setting.place("x", refused=placement, error="ProviderRejected")
    assert setting.runs.get_treatment(RUN, "x").pool == "away"


def test_an_alone_pool_of_hosts_is_not_looked_at() -> None:
    setting = Setting()
    setting.placing = dataclasses.replace(setting.placing, hosts_at_work=lambda *_: pytest.fail("asked"))
    setting.admitted(spec("x"))
    setting.place("x")
    assert setting.runs.get_treatment(RUN, "x").pool == "near"
