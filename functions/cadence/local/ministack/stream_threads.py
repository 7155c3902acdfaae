"""Polls the log stream, and each Lambda that reads a table's changes, in a thread of its own.

AWS polls event sources independently of each other. MiniStack polls all of them in one thread, which waits for each
invocation: while `search_index` builds splits of a backlog, no log line is stored and no other change is delivered.
"""

import threading
from collections.abc import Callable
from functools import partial

from ministack.services import lambda_svc

from cadence.local.ministack import kinesis_polling, table_streams


class StreamThread:
    """Calls `poll` in its own thread once woken, until nothing is left to deliver."""

    def __init__(self, name: str, poll: Callable[[], bool]) -> None:
        self._poll = poll
        self._woken = threading.Event()
        threading.Thread(target=self._run, name=f"poll-{name}", daemon=True).start()

    def wake(self) -> None:
        """Lets the thread look; if it is delivering something, it looks again afterwards."""
        self._woken.set()

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._woken.clear()
            try:
                while self._poll():
                    pass
            except Exception:  # noqa: BLE001 - MiniStack's loop wakes this thread again within a second
                lambda_svc.logger.exception("an event source could not be polled")


class StreamThreads:
    """The threads of all event sources but queues, whose batches MiniStack dispatches to threads itself."""

    def __init__(self) -> None:
        self._lines = StreamThread("log-lines", kinesis_polling.poll)
        self._changes: dict[str, StreamThread] = {}

    def wake_lines(self) -> bool:
        """Stands for MiniStack's poll of Kinesis. Nothing is left for the caller to do."""
        self._lines.wake()
        return False

    def wake_changes(self) -> bool:
        """Stands for MiniStack's poll of tables' changes. Nothing is left for the caller to do."""
        for mapping in table_streams.mappings():
            if mapping not in self._changes:
                self._changes[mapping] = StreamThread(mapping, partial(table_streams.poll_one, mapping))
            self._changes[mapping].wake()
        return False


def install() -> None:
    """Lets MiniStack poll in this way."""
    threads = StreamThreads()
    lambda_svc._poll_kinesis = threads.wake_lines  # noqa: SLF001 (no public way)
    lambda_svc._poll_dynamodb_streams = threads.wake_changes  # noqa: SLF001
