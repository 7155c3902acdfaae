"""MiniStack with changes that make it behave as AWS does, and end with its starter.

- The state is saved while MiniStack runs, not only at its end, and with less work (`light_saves`). SIGUSR1 requests a
  save at once. After each complete save the file `saved` beside the state is renewed.
- Executions that were interrupted by a stop emit the event of a failed execution.
- Asynchronous calls of Lambdas that a stop interrupted are made again (`asynchronous_calls`).
- Recurring schedules use their time zones (`schedules`).
- Changes of tables are delivered in batches and then removed, also those from before a stop (`table_streams`).
- Failed records of the log stream are delivered again (`kinesis_polling`).
- A Lambda that takes long over the changes of a table holds up neither log lines nor other changes (`stream_threads`).
- Queries read only the keys in their range (`sorted_partitions`).
- Permissions on a queue cover its batch actions (`queue_permissions`); those on ECS tasks name the task and its
  definition (`task_permissions`); those on items of a table may name their partition keys (`leading_keys`).
- Requests of web pages and to other names than this machine's are refused (`request_guard`); each caller's signature
  is verified where IAM is enforced, the root's too (`verified_callers`). Policies and expressions are parsed once
  (`parsed_once`).
- Concurrent invocations of a Lambda are limited (`lambda_concurrency`); its processes share its unpacked code
  (`shared_code`) and, on Linux, what they have imported (`forked_processes`). They stay after an exception, and say
  when they have printed everything (`lambda_processes`).
- A Lambda that fails ends the state that called it, also where that waits on a task token, under the name of the error
  in AWS (`failed_tasks`).
- Services that MiniStack does not have are recognized without reading the models of all (`service_names`).
- Large uploads to S3 are received into files (`serving.upload_files`).
- It is served by uvicorn (`serving.http_server`).
- MiniStack does not sleep before each execution of a state machine.
"""

import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import stepfunctions

from cadence.local.ministack import (
    asynchronous_calls,
    failed_tasks,
    forked_processes,
    kinesis_polling,
    lambda_concurrency,
    lambda_processes,
    leading_keys,
    light_saves,
    parsed_once,
    queue_permissions,
    request_guard,
    schedules,
    service_names,
    shared_code,
    sorted_partitions,
    stream_threads,
    table_streams,
    task_permissions,
    verified_callers,
)
from cadence.local.ministack.saved_mark import SaveAll, marking
from cadence.local.ministack.serving import http_server, upload_files
from cadence.local.shared import lifeline
from cadence.local.shared.paths import SAVED

SAVE_SECONDS = 5.0
PAUSE_PER_SAVE = 20
"""The pause after a save is at least twenty times as long as the save, however large the state is."""

MOST_OPEN_FILES = 10_000

EXECUTION_DELAY = 0.15
"""Seconds that MiniStack sleeps before the first state of an execution."""

# The logs of Lambdas grow with every call and are not read back: they are saved at the end only.
_SAVED_AT_END_ONLY = frozenset({"cloudwatch_logs", "cloudwatch"})


def one_at_a_time(save_all: SaveAll) -> SaveAll:
    """`save_all` under a lock, since MiniStack's save at its end and ours write the same files."""
    turn = threading.Lock()

    def save(services: dict[str, Any]) -> None:
        with turn:
            save_all(services)

    return save


def signalling(load: Callable[[], None], loaded: threading.Event) -> Callable[[], None]:
    """`load`, followed by setting `loaded`: a save before that would replace the stored state with an empty one."""

    def load_then_signal() -> None:
        began = stepfunctions.now_iso()
        load()
        emit_interrupted_executions(began)
        loaded.set()

    return load_then_signal


def emit_interrupted_executions(since: str) -> None:
    """Emits the events of executions that MiniStack marked as failed on loading, which it does without an event.

    Runs come before treatments, so that a run that is about to be stopped starts nothing more.
    """
    interrupted = [
        execution
        for execution in stepfunctions._executions.all_values()  # noqa: SLF001 (no public way, here and below)
        if execution.get("error") == "States.ServiceRestart" and execution["stopDate"] >= since
    ]
    for execution in sorted(interrupted, key=lambda execution: '"treatment"' in execution["input"]):
        execution["cause"] = "the local stack was stopped while it ran"
        stepfunctions._emit_execution_status_event(execution)  # noqa: SLF001


def save_regularly(loaded: threading.Event, wait: Callable[[float], bool]) -> None:
    """Saves the state once it is loaded, until `wait(seconds)` returns True."""
    loaded.wait()
    pause = SAVE_SECONDS
    while not wait(pause):
        began = time.monotonic()
        services = app._build_persistence_save_dict()  # noqa: SLF001 (MiniStack has no public way to save)
        app.save_all({name: state for name, state in services.items() if name not in _SAVED_AT_END_ONLY})
        pause = max(SAVE_SECONDS, PAUSE_PER_SAVE * (time.monotonic() - began))


def sleep_unless_delaying(seconds: float) -> None:
    """`time.sleep` for Step Functions, without the delay before executions, its only sleep of exactly that length."""
    if seconds != EXECUTION_DELAY:
        time.sleep(seconds)


def allow_open_files() -> None:
    """Raises the limit of open files, as far as this user may: each process of a Lambda takes about ten."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MOST_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """Runs MiniStack as its own command does, with the changes installed."""
    allow_open_files()
    loaded, ending, requested = threading.Event(), threading.Event(), threading.Event()

    def pause(seconds: float) -> bool:
        requested.wait(seconds)
        requested.clear()
        return ending.is_set()

    stepfunctions.time = SimpleNamespace(**{**vars(time), "sleep": sleep_unless_delaying})
    light_saves.install()  # before those that add to what is saved
    schedules.install()
    lambda_concurrency.install()
    lambda_processes.install()
    failed_tasks.install()
    table_streams.install()
    kinesis_polling.install()
    stream_threads.install()
    queue_permissions.install()
    task_permissions.install()
    leading_keys.install()
    parsed_once.install()
    service_names.install()
    sorted_partitions.install()
    request_guard.install()
    verified_callers.install()
    upload_files.install()
    http_server.install()
    asynchronous_calls.install()
    code = shared_code.install()
    processes = forked_processes.install()
    signal.signal(signal.SIGUSR1, lambda *_: requested.set())
    saved = Path(persistence.STATE_DIR, SAVED)
    app.save_all = one_at_a_time(marking(app.save_all, saved, persistence.logger))
    app._load_persisted_state = signalling(app._load_persisted_state, loaded)  # noqa: SLF001 (as above)
    threading.Thread(target=save_regularly, args=(loaded, pause), name="save-state", daemon=True).start()
    lifeline.watch(lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        app.main()
    finally:
        ending.set()
        requested.set()
        processes.close()
        code.remove()
