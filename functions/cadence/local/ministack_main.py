"""MiniStack with ten additions.

It ends with its starter; it saves its state while it runs, not only at its end; and it tells of the executions that were
under way when it stopped, as AWS tells of any execution that fails; recurring schedules know their time zones (`cadence.local.schedules`),
changes of tables are handed over in batches and then forgotten (`cadence.local.change_streams`), of the log stream no record is left out (`cadence.local.log_stream_reading`),
queries look only at the keys that they ask for (`cadence.local.sorted_partitions`), the rights on a queue and on tasks of ECS are those of AWS (`cadence.local.batch_rights`,
`cadence.local.task_rights`), and invocations of a Lambda wait their turn instead of overrunning the machine (`cadence.local.lambda_turns`).

And one thing less: it does not rest before each execution of a state machine, which AWS does not do either.
SIGUSR1 asks for a save at once. After each save of everything the file `saved` beside the state is renewed.
"""

import os
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

from cadence.local import (
    batch_rights,
    change_streams,
    lambda_turns,
    lifeline,
    log_stream_reading,
    schedules,
    sorted_partitions,
    task_rights,
)
from cadence.local.paths import SAVED

SAVE_SECONDS = 5.0
REST_PER_SAVE = 20
"""Saving takes at most a twentieth of the time, however large the state has become."""

EXECUTION_REST = 0.15
"""Seconds that MiniStack sleeps before an execution's first state: once for every run and every treatment."""

# What Lambdas logged grows with every call, and nothing reads it back: saved at the end only.
_SAVED_AT_END_ONLY = frozenset({"cloudwatch_logs", "cloudwatch"})

SaveAll = Callable[[dict[str, Any]], None]


def one_at_a_time(save_all: SaveAll) -> SaveAll:
    """MiniStack's own save at its end and ours write the same files, so they take turns."""
    turn = threading.Lock()

    def save(services: dict[str, Any]) -> None:
        with turn:
            save_all(services)

    return save


def telling(load: Callable[[], None], loaded: threading.Event) -> Callable[[], None]:
    """`load`, which says when it is done: a save before that would replace the stored state with an empty one."""

    def load_then_tell() -> None:
        began = stepfunctions.now_iso()
        load()
        tell_of_broken_executions(began)
        loaded.set()

    return load_then_tell


def tell_of_broken_executions(since: str) -> None:
    """MiniStack marks executions that it stopped with as failed when it loads them, without an event; this sends it.

    Runs come before treatments: what is to be stopped anyway starts nothing more.
    """
    broken = [
        execution
        for execution in stepfunctions._executions.all_values()  # noqa: SLF001 (no public way, here and below)
        if execution.get("error") == "States.ServiceRestart" and execution["stopDate"] >= since
    ]
    for execution in sorted(broken, key=lambda execution: '"treatment"' in execution["input"]):
        execution["cause"] = "the local stack was stopped while it ran"
        stepfunctions._emit_execution_status_event(execution)  # noqa: SLF001


def save_regularly(loaded: threading.Event, wait: Callable[[float], bool], saved: Path) -> None:
    """Once the state is loaded, save (and renew the file `saved`) until `wait` (seconds to rest) says that it is time to end."""
    loaded.wait()
    rest = SAVE_SECONDS
    while not wait(rest):
        began = time.monotonic()
        services = app._build_persistence_save_dict()  # noqa: SLF001 (MiniStack has no public way to save)
        app.save_all({name: state for name, state in services.items() if name not in _SAVED_AT_END_ONLY})
        saved.touch()
        rest = max(SAVE_SECONDS, REST_PER_SAVE * (time.monotonic() - began))


def sleep_unless_resting(seconds: float) -> None:
    """`time.sleep` for Step Functions, whose only sleep of exactly this length is the one to leave out."""
    if seconds != EXECUTION_REST:
        time.sleep(seconds)


def main() -> None:
    """Run MiniStack as its own command would."""
    loaded, ending, asked = threading.Event(), threading.Event(), threading.Event()

    def rest(seconds: float) -> bool:
        asked.wait(seconds)
        asked.clear()
        return ending.is_set()

    stepfunctions.time = SimpleNamespace(**{**vars(time), "sleep": sleep_unless_resting})
    schedules.install()
    lambda_turns.install()
    change_streams.install()
    log_stream_reading.install()
    batch_rights.install()
    task_rights.install()
    sorted_partitions.install()
    signal.signal(signal.SIGUSR1, lambda *_: asked.set())
    app.save_all = one_at_a_time(app.save_all)
    app._load_persisted_state = telling(app._load_persisted_state, loaded)  # noqa: SLF001 (as above)
    saved = Path(persistence.STATE_DIR, SAVED)
    threading.Thread(target=save_regularly, args=(loaded, rest, saved), name="save-state", daemon=True).start()
    lifeline.watch(lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        app.main()
    finally:
        ending.set()
        asked.set()


if __name__ == "__main__":
    main()
