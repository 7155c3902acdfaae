"""What each provider's Lambda costs: its import, its archive, and the calls that a runner makes of its infrastructure's
API; and how long boots take.

Calls are those of `tests/contract/providers`, each against its peer: requests over HTTP are counted where they are
sent, so
logging in and looking names up count as well. A Lambda that is kept warm has done those before. Boots are real ones: of
agents that the local stack's host starts, on the host and in podman, and of cloud-init's document in a sandbox.
"""

import hashlib
import http.client
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.figures import Goal, Report, median
from bench.imports import PEER, import_times
from bench.stack import Stack, local_stack, moment, until
from infra.lambdas import LAMBDAS
from infra.lambdas.providers import CALLING_HOME
from infra.packaging import LAMBDA_ARM64, bundle

ROUNDS = 7
WARM_UP = 2
_MOST_UNPACKED = 250  # MB that AWS takes
# What a peer asks its own service meanwhile.
_OF_THE_PEER = "/plain/"
_HOST_STEPS = ("asked for → taken by the host", "taken → agent has called home", "called home → command has begun")
_MACHINE_STEPS = ("booted", "agent-downloaded", "agent-verified", "started")


def measure() -> Report:
    """All of it; what has no peer here is said."""
    report = Report("Cost of each provider's Lambda, and of a boot")
    times = import_times([f"provider_{name}" for name in (*CALLING_HOME, "host")])
    for name in sorted((*CALLING_HOME, "host")):
        folder = f"provider_{name}"
        report.add(f"{name}: import", times[folder], "ms")
        zipped, unpacked = _sizes(folder)
        report.add(f"{name}: archive, zipped", zipped, "MB")
        report.add(f"{name}: archive, unpacked", unpacked, "MB", Goal(_MOST_UNPACKED))
        _add_calls(report, name)
    report.add(PEER, times[PEER], "ms", peer=True)
    for kind, image in (("on the host", False), ("in podman, the image there", True)):
        _skipped(report, kind, lambda kind=kind, image=image: _add_host_boot(report, kind, image))  # type: ignore[misc]
    _skipped(report, "a machine with cloud-init", lambda: _add_machine_boot(report))
    report.notes.append("import: beyond the bare interpreter, with its SDK; the goal of 150 ms is that of the others.")
    report.notes.append("calls: `warm` is a start and a stop by a Lambda that has served another runner before.")
    return report


def _sizes(folder: str) -> tuple[float, float]:
    """MB of the archive for AWS, zipped as CDK does and unpacked."""
    root = bundle(LAMBDAS[folder], LAMBDA_ARM64)
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(root))
    return written.tell() / 1e6, sum(path.stat().st_size for path in files) / 1e6


def _add_calls(report: Report, name: str) -> None:
    if name == "host":
        report.notes.append("host: no calls: hosts ask for work.")
        return
    module = import_module(f"tests.contract.providers.{name}_peer")
    contract = import_module("tests.contract.providers.test_contract")

    def count() -> None:
        with module.peer() as peer:
            peer.clear()
            provider, requests = peer.provider(), [contract.a_request() for _ in range(3)]
            if hasattr(provider, "settle"):
                provider.settle = lambda: None  # the suite's own waiting is no part of what a start costs
            first, ref = _calls(lambda: provider.start(requests[0]))
            started, ref = _calls(lambda: provider.start(requests[1]))
            adopted, _ = _calls(lambda: provider.start(requests[1]))
            peer.settle()
            stopped, _ = _calls(lambda: provider.stop(ref))
            listed, _ = _calls(provider.list_owned)
            provider.stop(requests[0].runner_id)
            peer.settle()
        report.add(f"{name}: calls of a runner, warm", started + stopped, "")
        report.add(f"{name}: calls of a first start", first, "")
        report.add(f"{name}: calls of a start that is repeated", adopted, "")
        report.add(f"{name}: calls of a look at the inventory", listed, "")

    _skipped(report, name, count)


def _calls(act: Callable[[], Any]) -> tuple[int, Any]:
    """How many requests were sent meanwhile, and what came of it."""
    with _counted() as sent:
        result = act()
    return len(sent), result


@contextmanager
def _counted() -> Iterator[list[str]]:
    """Every client here sends by the standard library's connections: requests, botocore, keystoneauth, pyVmomi."""
    sent: list[str] = []
    original = http.client.HTTPConnection.putrequest

    def putrequest(self: http.client.HTTPConnection, method: str, url: str, *more: Any, **named: Any) -> None:
        if not url.startswith(_OF_THE_PEER):
            sent.append(f"{method} {url}")
        original(self, method, url, *more, **named)

    http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        http.client.HTTPConnection.putrequest = original  # type: ignore[method-assign]


def _skipped(report: Report, what: str, act: Callable[[], None]) -> None:
    try:
        act()
    except pytest.skip.Exception as reason:
        report.notes.append(f"{what}: not measured: {reason}")


def _add_host_boot(report: Report, kind: str, image: bool) -> None:
    """Warm rounds one after another."""
    podman = import_module("tests.integration.agent.podman")
    treatment: dict[str, Any] = {"run": "echo here"}
    with podman.working() if image else _nothing() as arguments:
        if image:
            treatment["image"] = podman.IMAGE
            os.environ["CADENCE_PODMAN_ARGS"] = arguments[0]
        try:
            with local_stack() as stack:
                rounds = [_boot(stack, treatment) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
        finally:
            os.environ.pop("CADENCE_PODMAN_ARGS", None)
    for position, step in enumerate(_HOST_STEPS):
        report.add(f"boot {kind}: {step}, median", median([times[position] for times in rounds]), "ms")
    report.add(f"boot {kind}: all of it, worst", max(sum(times) for times in rounds), "ms")


def _boot(stack: Stack, treatment: dict[str, Any]) -> list[float]:
    run_id = str(
        stack.client.run_document(json.dumps({"cadence": 1, "name": "boot", "treatments": {"say": treatment}}))
    )
    stack.finished(run_id)
    runner = stack.client.treatment(run_id, "say")["runners"][-1]
    (line,) = until(lambda: stack.client.logs(run_id, wait=2, grep="here")["lines"] or None)
    moments = [moment(at) for at in (runner["created_at"], runner["booting_at"], runner["claimed_at"], line["time"])]
    return [(later - earlier) * 1000 for earlier, later in pairwise(moments)]


@contextmanager
def _nothing() -> Iterator[Sequence[str]]:
    yield ()


def _add_machine_boot(report: Report) -> None:
    """By what boot.py tells the control plane: seconds since it began. The agent's archive is the real one."""
    machines = import_module("tests.integration.bootstrap.machine")
    network = import_module("tests.integration.bootstrap.network")
    bootstrap = import_module("cadence.providers.bootstrap")
    contract = import_module("cadence.providers.contract")
    packaging = import_module("infra.packaging")
    agent = Path(packaging.agent()).read_bytes()
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="cadence-bench-") as folder, network.served() as net:
            net.files["/agent"] = agent
            file = contract.AgentFile(f"{net.url}/agent", hashlib.sha256(agent).hexdigest())
            home = contract.CallHome(net.url, "a-token", file)
            request = contract.RunnerRequest(runner_id="a-runner", boot_deadline=120)
            machines.Machine(
                Path(folder), bootstrap.user_data(home, request, bootstrap.BootOptions(console=None))
            ).boot()
            rounds.append({body["phase"]: body["seconds"] for _, _, body in net.reports if body.get("ok")})
    for phase in _MACHINE_STEPS:
        report.add(f"boot of a machine: {phase}, median", median([one[phase] for one in rounds]) * 1000, "ms")
    report.notes.append("boot of a machine: after cloud-init; the cloud's and the kernel's own time is not in it.")
