"""Ends of runs and treatments are counted once, whatever comes twice, and told as metrics."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from cadence.adapters.dynamodb.metrics.counters import DynamoCounters
from cadence.adapters.dynamodb.shared.plain_items import query
from cadence.application.metrics.count_events import CountEvents
from cadence.application.metrics.render_metrics import RenderMetrics
from cadence.domain.exports.event import run_event, treatment_event
from cadence.domain.metrics.openmetrics import openmetrics
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.placement.pool import Price
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.run import ReplayOf, Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids

RUN_ID = "01kb0000000000000000000000"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def run(state: RunState = RunState.SUCCEEDED, run_id: str = RUN_ID) -> Run:
    return Run(
        run_id=run_id,
        organization="acme",
        project="web",
        pipeline="ci",
        state=state,
        created_at=at(0),
        document_sha256="",
        plan_sha256="",
        started_at=at(2),
        finished_at=at(62),
    )


def treatment(name: str = "build", attempt: int = 1, **more: Any) -> Treatment:
    values = {"pool": "spot", "ready_at": at(2), "placed_at": at(3), "started_at": at(20), "finished_at": at(50)}
    state = more.pop("state", TreatmentState.SUCCEEDED)
    return Treatment(run_id=RUN_ID, name=name, state=state, waiting=0, attempt=attempt, **{**values, **more})


def runner(name: str, attempt: int, pool: str, begun: float, called: float | None, ended: float | None) -> Runner:
    usage = {"cpu_ms": 1500, "memory_peak": 2**25, "read_bytes": 10, "write_bytes": 20}
    result = (
        RunnerResult(outcome=RunnerOutcome.SUCCEEDED, finished_at=at(ended), usage=usage) if ended is not None else None
    )
    return Runner(
        runner_id=ids.runner_id(RUN_ID, name, attempt),
        run_id=RUN_ID,
        treatment=name,
        attempt=attempt,
        organization="acme",
        project="web",
        pool=pool,
        provider="ec2",
        state=RunnerState.COMPLETED,
        created_at=at(begun - 1),
        booting_at=at(begun),
        claimed_at=at(called) if called is not None else None,
        result=result,
    )


class Runners:
    def __init__(self, *runners: Runner) -> None:
        self.known = {one.runner_id: one for one in runners}

    def get_runners(self, runner_ids: Any) -> dict[str, Runner]:
        return {name: self.known[name] for name in runner_ids if name in self.known}


def counting(counters: DynamoCounters, *runners: Runner, price: Price | None = None) -> CountEvents:
    return CountEvents(counters, Runners(*runners), lambda organization, pool: price)  # type: ignore[arg-type]


def told(counters: DynamoCounters) -> dict[str, float]:
    """Samples by name and labels, read by an OpenMetrics parser that refuses what is not quite right."""
    text = openmetrics(RenderMetrics(counters).render("acme", ["web"], True))
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if value}
            found[f"{sample.name}{sorted(labels.items())}"] = sample.value
    return found


def test_a_treatment_that_ended_is_told(aws):
    counters = DynamoCounters("telemetry")
    its = runner("build", 1, "spot", 10, 20, 50)
    event = treatment_event(run(), treatment(), its)
    counting(counters, its, price=Price(0.36, "EUR")).count([event])

    found = told(counters)
    where = "('pipeline', 'ci'), ('pool', 'spot'), ('project', 'web'), ('provider', 'ec2'), ('treatment', 'build')"
    assert found[f"cadence_runner_seconds_total[{where}]"] == 40
    assert found[f"cadence_cpu_seconds_total[{where}]"] == 1.5
    assert found[f"cadence_cost_total[('currency', 'EUR'), {where}]"] == pytest.approx(0.004)
    pool = "('pool', 'spot'), ('project', 'web'), ('provider', 'ec2')"
    assert found[f"cadence_treatment_queue_seconds_sum[{pool}]"] == 8
    assert found[f"cadence_treatment_boot_seconds_sum[{pool}]"] == 10
    assert found[f"cadence_treatment_boot_seconds_bucket[('le', '10.0'), {pool}]"] == 1
    assert found[f"cadence_treatment_boot_seconds_bucket[('le', '5.0'), {pool}]"] == 0
    of = "('pipeline', 'ci'), ('project', 'web'), ('treatment', 'build')"
    assert found[f"cadence_treatment_duration_seconds_sum[{of}]"] == 30
    ended = "('pipeline', 'ci'), ('pool', 'spot'), ('project', 'web'), ('state', 'succeeded'), ('treatment', 'build')"
    assert found[f"cadence_treatments_total[{ended}]"] == 1
    (cost,) = counters.costs(RUN_ID)
    assert (cost.treatment, cost.seconds, cost.currency, cost.attempts) == ("build", 40, "EUR", 1)
    assert cost.amount == pytest.approx(0.004)


def test_each_attempt_counts_with_its_own_pool(aws):
    """The first one, in another pool, was lost without a word: it lasted until the second was asked for."""
    counters = DynamoCounters("telemetry")
    first, second = runner("build", 1, "spot", 4, 6, None), runner("build", 2, "sure", 20, 25, 50)
    event = treatment_event(run(), treatment(attempt=2, pool="sure"), second)
    counting(counters, first, second, price=Price(3.6)).count([event])

    by_pool = {series.key.pool: series.counts for series in counters.read("acme", "web")}
    assert by_pool["spot"]["runner_seconds"] == 15
    assert by_pool["sure"]["runner_seconds"] == 30
    assert by_pool["spot"]["queue.sum"] == 2 and "queue.sum" not in by_pool["sure"]
    assert "state.succeeded" not in by_pool["spot"] and by_pool["sure"]["state.succeeded"] == 1
    (cost,) = counters.costs(RUN_ID)
    assert (cost.attempts, cost.seconds) == (2, 45)
    assert cost.amount == pytest.approx(0.045)


def test_instances_are_counted_together_and_groups_not_at_all(aws):
    counters = DynamoCounters("telemetry")
    events = [
        treatment_event(run(), treatment("test:3.13"), None),
        treatment_event(run(), treatment("test:3.14"), None),
        treatment_event(run(), treatment("test", kind=TreatmentKind.GATHER, pool=None), None),
        treatment_event(run(), treatment("kept", kept_from="01kb0000000000000000000001"), None),
    ]
    counting(counters).count(events)
    (series,) = counters.read("acme", "web")
    assert series.key.treatment == "test"
    assert series.counts["state.succeeded"] == 2


def test_runs_are_told_by_outcome(aws):
    counters = DynamoCounters("telemetry")
    others = (run(RunState.FAILED, "01kb0000000000000000000001"), run(RunState.FAILED, "01kb0000000000000000000002"))
    counting(counters).count([run_event(one) for one in (run(), *others)])
    found = told(counters)
    assert found["cadence_runs_total[('pipeline', 'ci'), ('project', 'web'), ('state', 'failed')]"] == 2
    assert found["cadence_run_duration_seconds_count[('pipeline', 'ci'), ('project', 'web')]"] == 3
    assert found["cadence_run_queue_seconds_sum[('pipeline', 'ci'), ('project', 'web')]"] == 6


def test_of_a_replay_counts_what_it_took_and_not_how_it_ended(aws):
    counters = DynamoCounters("telemetry")
    replay = replace(run(RunState.FAILED), replay_of=ReplayOf("01kb0000000000000000000001", "build"))
    its = runner("build", 1, "spot", 10, 20, 50)
    counting(counters, its).count(
        [run_event(replay), treatment_event(replay, treatment(state=TreatmentState.FAILED), its)]
    )
    (series,) = counters.read("acme", "web")
    assert set(series.counts) == {"attempts", "runner_seconds", "cpu_seconds", "read_bytes", "written_bytes"}
    assert series.counts["runner_seconds"] == 40


def test_new_names_are_counted_together_once_there_are_many(aws):
    counters = DynamoCounters("telemetry", most_series=5)
    for number in range(20):
        counting(counters).count([treatment_event(run(), treatment(f"t{number}"), None)])
    series = counters.read("acme", "web")
    assert len(series) <= 7
    assert sum(one.counts["state.succeeded"] for one in series) == 20


def test_the_names_of_a_full_project_are_not_read_for_every_event(aws, monkeypatch):
    counters = DynamoCounters("telemetry", most_series=5)
    read: list[str] = []

    def counting_queries(table: str, partition: str, *rest: Any, **options: Any) -> Any:
        read.append(partition)
        return query(table, partition, *rest, **options)

    for number in range(10):
        counting(counters).count([treatment_event(run(), treatment(f"t{number}"), None)])
    monkeypatch.setattr("cadence.adapters.dynamodb.metrics.counters.query", counting_queries)
    for number in range(10, 30):
        counting(counters).count([treatment_event(run(), treatment(f"t{number}"), None)])
    assert read == []
    assert sum(one.counts["state.succeeded"] for one in counters.read("acme", "web")) == 30


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=40), min_size=1, max_size=4), st.randoms())
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_events_that_come_again_in_any_order_add_nothing(aws, batches, order):
    organization = f"acme-{order.getrandbits(60)}"
    counters = DynamoCounters("telemetry")

    def event(number: int) -> Any:
        made = treatment_event(run(), treatment(f"t{number}"), None)
        return {**made, "organization": organization, "id": f"{organization}-{number}"}

    for batch in [*batches, *batches]:
        order.shuffle(batch)
        counting(counters).count([event(number) for number in batch])
    counted = sum(series.counts["state.succeeded"] for series in counters.read(organization, "web"))
    assert counted == len({number for batch in batches for number in batch})
