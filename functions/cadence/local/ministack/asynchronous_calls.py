"""Keeps asynchronous calls of Lambdas over a stop, as AWS does, where Lambda stores them until they have ended.

MiniStack holds each in a thread only. What a stop interrupted, or what waited to be tried again, would be lost: the
status of a commit, for one, would never be sent.
"""

import contextvars
import threading
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import lambda_svc

from cadence.local.ministack.replaced_names import with_names

STATE = "asynchronous_calls"
"""The name of the state that MiniStack saves."""

Invoke = Callable[[dict[str, Any], Any], None]


class KeptCalls:
    """Those that have not ended: function (ARN) and event by an id."""

    def __init__(self, invoke: Invoke) -> None:
        self._invoke = invoke
        self._left: dict[str, dict[str, Any]] = {}

    def invoke(self, function: dict[str, Any], event: Any) -> None:
        """Stands for MiniStack's `invoke_async_with_retry`. `function` is the record with a `config`."""
        call = uuid.uuid4().hex
        self._left[call] = {"function": (function.get("config") or function)["FunctionArn"], "event": event}

        def thread(*, target: Callable[..., None], args: tuple[Any, ...], daemon: bool) -> threading.Thread:
            def run() -> None:
                try:
                    target(*args)
                finally:
                    del self._left[call]

            return threading.Thread(target=run, daemon=daemon)

        # The names of now, since other mends replace some. Only the thread that it starts knows when the call ended.
        with_names(self._invoke, threading=SimpleNamespace(Thread=thread))(function, event)

    def state(self) -> dict[str, Any]:
        """Returns what is to be saved."""
        return {"calls": list(dict(self._left).values())}

    def restore(self, state: dict[str, Any]) -> None:
        """Calls again what had not ended, unless the function is gone. It may have been carried out already."""
        for call in state["calls"]:
            contextvars.copy_context().run(self._call_again, call["function"], call["event"])

    def _call_again(self, arn: str, event: Any) -> None:
        account, region = lambda_svc._lambda_function_account_region_from_arn(arn)  # noqa: SLF001 (no public way, below too)
        lambda_svc._request_account_id.set(account)  # noqa: SLF001
        lambda_svc._request_region.set(region)  # noqa: SLF001
        record, config, name = lambda_svc._get_func_record_for_ref(arn)  # noqa: SLF001
        if not record or not config:
            lambda_svc.logger.warning("an asynchronous call of %s is given up: the function is gone", name)
            return
        self.invoke(lambda_svc._execution_record_for_config(record, config), event)  # noqa: SLF001


def install() -> None:
    """Lets MiniStack save and restore them. What it calls is replaced by then, where it is."""
    services: Any = lambda_svc
    server: Any = app
    calls = KeptCalls(services.invoke_async_with_retry)
    services.invoke_async_with_retry = calls.invoke
    saved, load = server._build_persistence_save_dict, server._load_persisted_state  # noqa: SLF001

    def load_all() -> None:
        load()
        if state := persistence.load_state(STATE):
            calls.restore(state)

    server._build_persistence_save_dict = lambda: {**saved(), STATE: calls.state}  # noqa: SLF001
    server._load_persisted_state = load_all  # noqa: SLF001
