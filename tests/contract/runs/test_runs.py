"""Runs: created once, stopped by the first who asks, final once."""

import dataclasses
from datetime import timedelta

import pytest

from cadence.application.shared.run_ports import RunStore
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Conflict, NotFound
from tests.fakes.runs import NOW, a_run


def test_a_run_comes_back_as_it_was(store: RunStore) -> None:
    store.create_run(a_run())
    assert store.get_run("01a") == a_run()


def test_a_run_is_created_once(store: RunStore) -> None:
    store.create_run(a_run())
    store.begin_run("01a", "token", NOW)
    with pytest.raises(Conflict):
        store.create_run(a_run())
    assert store.get_run("01a").state is RunState.RUNNING


def test_an_unknown_run_is_not_found(store: RunStore) -> None:
    with pytest.raises(NotFound):
        store.get_run("01z")


def test_beginning_again_keeps_the_newest_token_and_the_first_time(store: RunStore) -> None:
    store.create_run(a_run())
    began = store.begin_run("01a", "one", NOW)
    assert (began.state, began.started_at, began.machine_token) == (RunState.RUNNING, NOW, "one")
    again = store.begin_run("01a", "two", NOW + timedelta(hours=1))
    assert (again.started_at, again.machine_token) == (NOW, "two")
    assert store.get_run("01a") == again


def test_a_run_that_is_being_stopped_does_not_become_running(store: RunStore) -> None:
    store.create_run(a_run())
    store.request_stop("01a", RunState.CANCELLED, "by alice")
    began = store.begin_run("01a", "one", NOW)
    assert (began.state, began.stop_requested, began.machine_token) == (RunState.CANCELLING, RunState.CANCELLED, "one")


def test_the_first_request_to_stop_wins(store: RunStore) -> None:
    store.create_run(a_run())
    first = store.request_stop("01a", RunState.CANCELLED, "by alice")
    second = store.request_stop("01a", RunState.TIMED_OUT, "too long")
    assert first == second == store.get_run("01a")
    assert (second.state, second.stop_requested, second.cause) == (RunState.CANCELLING, RunState.CANCELLED, "by alice")


def test_a_stop_token_is_kept_beside_the_machine_token(store: RunStore) -> None:
    store.create_run(a_run())
    store.begin_run("01a", "machine", NOW)
    run = store.keep_stop_token("01a", "stop")
    assert (run.machine_token, run.stop_token) == ("machine", "stop")


def test_a_run_ends_once_and_forgets_its_tokens(store: RunStore) -> None:
    store.create_run(a_run())
    store.begin_run("01a", "machine", NOW)
    ended = store.finish_run(store.get_run("01a"), RunState.FAILED, "build failed", NOW)
    assert (ended.state, ended.cause, ended.finished_at) == (RunState.FAILED, "build failed", NOW)
    assert (ended.machine_token, ended.stop_token) == (None, None)
    assert store.finish_run(store.get_run("01a"), RunState.SUCCEEDED, None, NOW + timedelta(1)) == ended
    with pytest.raises(Conflict):
        store.request_stop("01a", RunState.CANCELLED, "by alice")


def test_a_generated_run_stays_one(store: RunStore) -> None:
    store.create_run(dataclasses.replace(a_run(), generated=True))
    assert store.get_run("01a").generated


def test_a_run_ends_with_the_number_of_its_soft_failures(store: RunStore) -> None:
    store.create_run(a_run())
    ended = store.finish_run(store.get_run("01a"), RunState.SUCCEEDED, None, NOW, soft_failures=2)
    assert ended.soft_failures == store.get_run("01a").soft_failures == 2


def test_a_run_that_is_asked_to_stop_meanwhile_is_decided_again(store: RunStore) -> None:
    store.create_run(a_run())
    seen = store.get_run("01a")
    store.request_stop("01a", RunState.CANCELLED, "by alice")
    with pytest.raises(Conflict):
        store.finish_run(seen, RunState.SUCCEEDED, None, NOW)
    assert store.get_run("01a").state is RunState.CANCELLING
    assert store.finish_run(store.get_run("01a"), RunState.CANCELLED, None, NOW).state is RunState.CANCELLED
    assert store.finish_run(seen, RunState.SUCCEEDED, None, NOW).state is RunState.CANCELLED


def test_a_run_without_a_cause_keeps_the_one_of_its_stop(store: RunStore) -> None:
    store.create_run(a_run())
    store.request_stop("01a", RunState.CANCELLED, "by alice")
    assert store.finish_run(store.get_run("01a"), RunState.CANCELLED, None, NOW).cause == "by alice"


def test_runs_are_listed_newest_first_page_by_page(store: RunStore) -> None:
    for number in range(7):
        store.create_run(a_run(f"01{number}"))
    store.create_run(a_run("019", project="other"))
    store.create_run(a_run("018", organization="other"))
    pages, after = [], None
    while True:
        page = store.list_runs("acme", "site", 3, after)
        pages.append([run.run_id for run in page.items])
        after = page.after
        if after is None:
            break
    assert pages == [["016", "015", "014"], ["013", "012", "011"], ["010"]]


def test_a_last_page_that_is_just_full_has_no_next(store: RunStore) -> None:
    for number in range(2):
        store.create_run(a_run(f"01{number}"))
    assert store.list_runs("acme", "site", 2, None).after is None
    assert store.list_runs("acme", "none", 2, None).items == []
