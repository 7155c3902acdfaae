"""One local stack for all end-to-end tests of a process: in a temporary folder, on free ports, ended with the test
session.

Like every local stack, it refuses what the Lambdas' roles do not allow.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cadence.local.shared.account_key import AccountKey
from cadence.local.shared.paths import CHECKOUT, StackPaths
from cadence.local.shared.region import REGION
from cadence.local.supervision import control
from cadence.local.supervision.supervisor import StackOptions
from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.engine import agent_environment
from tests.e2e.stack_logs import logged_since

HERE = Path(__file__).parent

Cadence = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Stack:
    """Where the stack is reached; its files are in `folder`/.cadence."""

    url: str
    token: str
    aws_endpoint: str
    folder: Path

    @property
    def paths(self) -> StackPaths:
        return StackPaths.of(self.folder)


@contextmanager
def serving(folder: Path) -> Iterator[Stack]:
    """A stack in the folder, on free ports, that ends with the block."""
    options = StackOptions(folder, port=0)
    # The host agent of the stack finds the engine there; other tests of this process must not.
    with pytest.MonkeyPatch.context() as environment:
        for name, value in agent_environment().items():
            environment.setenv(name, value)
        connection, supervisor = control.up(options, print, attached=True)
    assert supervisor is not None
    try:
        yield Stack(connection.url, connection.token, connection.aws_endpoint, folder)
    finally:
        control.down(folder, print)
        supervisor.wait(120)
        if supervisor.stdin is not None:
            supervisor.stdin.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    stack = item.funcargs.get("stack") if isinstance(item, pytest.Function) else None
    if report.failed and call.when == "call" and isinstance(stack, Stack):
        report.sections.append(("What the stack's Lambdas did", logged_since(Account(stack), call.start)))
    return report


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="session")
def api(stack: Stack) -> Api:
    return Api(stack.url, stack.token)


@pytest.fixture(scope="module")
def cadence(stack: Stack) -> Cadence:
    """Runs the program where the local stack's file is found, as its own process; with the status None, however it
    ends.
    """

    def call(
        *words: str, status: int | None = 0, stdin: str = "", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [str(Path(sys.executable).with_name("cadence")), *words],
            cwd=stack.folder, env={**os.environ, **agent_environment(), **environment}, input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert status in (None, done.returncode), f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return call


@pytest.fixture(scope="module")
def other_organization(stack: Stack) -> Api:
    """Whoever may do everything, but in an organization that has nothing to do with `default`, one for each module."""
    key = AccountKey.read(stack.paths)
    assert key is not None
    environment = {
        **os.environ,
        "PYTHONPATH": f"{CHECKOUT / 'functions'}{os.pathsep}{CHECKOUT}",
        "AWS_ENDPOINT_URL": stack.aws_endpoint,
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
    }
    made = subprocess.run(
        [sys.executable, "-m", "tests.e2e.organization", f"stranger-{uuid.uuid4().hex}"],
        env=environment, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return Api(stack.url, made.stdout.strip())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
