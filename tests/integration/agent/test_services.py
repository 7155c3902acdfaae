"""Services beside a command, in podman."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from cadence.local.shared.ports import first_free
from tests.waiting import eventually

from .conftest import PATIENCE, Start, Work
from .fake_gateway import FakeGateway, Runner
from .podman import ARGUMENTS, IMAGE, podman

pytestmark = [pytest.mark.podman, pytest.mark.slow]

IN_IMAGE = pytest.mark.parametrize("image", [IMAGE, None], ids=["in-image", "on-runner"])


@pytest.fixture(params=ARGUMENTS, ids=["default", "own-network", "host-network"], autouse=True)
def engine_arguments(request: pytest.FixtureRequest, containers: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param not in containers:
        pytest.skip(f"containers do not start here with {request.param!r}")
    monkeypatch.setenv("CADENCE_PODMAN_ARGS", request.param)
    return str(request.param)


def service(script: str, health: list[str] | None = None, **more: Any) -> dict[str, Any]:
    checked = {"command": health, "interval": 0.1, "timeout": 10} if health else None
    return {"image": IMAGE, "command": ["sh", "-c", script], "health": checked, **more}


def answering(port: int, words: str) -> str:
    return f"while :; do echo {words} | nc -l -p {port}; done"


def leftovers(runner: Runner) -> str:
    names = podman("ps", "--all", "--format", "{{.Names}}").stdout + podman("volume", "ls", "--quiet").stdout
    return "\n".join(name for name in names.decode().split() if runner.runner_id in name)


@IN_IMAGE
def test_services_are_up_before_the_command_and_reachable(gateway: FakeGateway, work: Work, image: str | None) -> None:
    db, cache = first_free(), first_free()
    runner = gateway.add_runner(
        'busybox nc "$CADENCE_SERVICE_DB_HOST" "$CADENCE_SERVICE_DB_PORT" < /dev/null\n'
        'busybox nc "$CADENCE_SERVICE_MY_CACHE_HOST" "$CADENCE_SERVICE_MY_CACHE_PORT" < /dev/null\n'
        'echo "$CADENCE_SERVICE_DB_HOST"',
        image=image,
        services={
            "db": service(
                f'echo "starting $MODE"; sleep 0.3; touch /ready; {answering(db, "pong")}',
                ["test", "-e", "/ready"],
                ports=[db],
                env={"MODE": "fast"},
            ),
            "my-cache": service(f"touch /ready; {answering(cache, 'cached')}", ["test", "-e", "/ready"], ports=[cache]),
        },
    )
    done = work(runner)
    assert done["outcome"] == "succeeded", (done, runner.text("agent"), runner.text("stderr"))
    assert runner.text() == ["pong", "cached", "db" if image else "127.0.0.1"]
    assert runner.text("service:db")[0] == "starting fast"
    assert leftovers(runner) == ""


def test_a_volume_is_shared_and_goes_with_the_treatment(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        "cat /mnt/data/greeting; echo back > /mnt/data/answer; until test -e /mnt/data/seen; do sleep 0.05; done",
        image=IMAGE,
        volumes={"data": "/mnt/data"},
        services={
            "db": service(
                "echo hello > /data/greeting; touch /data/ready; until test -e /data/answer; do sleep 0.05; done; "
                "cat /data/answer; touch /data/seen; sleep 1000",
                ["test", "-e", "/data/ready"],
                volumes={"data": "/data"},
            )
        },
    )
    assert work(runner)["outcome"] == "succeeded"
    assert runner.text() == ["hello"]
    assert runner.text("service:db") == ["back"]
    assert leftovers(runner) == ""


def test_a_service_that_is_never_healthy(gateway: FakeGateway, work: Work) -> None:
    slow = service("echo still loading; sleep 1000", ["sh", "-c", "echo no answer; exit 2"])
    slow["health"] = {**slow["health"], "timeout": 3}
    runner = gateway.add_runner("echo ran", image=IMAGE, services={"db": slow})
    done = work(runner)
    assert done["outcome"] == "failed"
    assert done["error"] == (
        "service db is not healthy after 3 s: sh ended with 2: no answer; its last lines:\nstill loading"
    )
    assert runner.text() == []
    assert leftovers(runner) == ""


@pytest.mark.parametrize("health", [["test", "-e", "/never"], None])
def test_a_service_that_ends_too_early(gateway: FakeGateway, work: Work, health: list[str] | None) -> None:
    runner = gateway.add_runner(
        "echo ran; sleep 2", image=IMAGE, services={"db": service("echo no such directory; exit 3", health)}
    )
    done = work(runner)
    if done["outcome"] == "succeeded":  # it ran for a moment, which is all that is asked of a service without a check
        assert health is None
        assert "service db ended with exit code 3" in runner.text("agent")
    else:
        assert done["outcome"] == "failed"
        assert "service db ended with exit code 3 before it was " in done["error"] or (
            health is None and "service db, whose network it joins, had ended with exit code 3" in done["error"]
        )
        assert done["error"].endswith("; its last lines:\nno such directory")
    assert leftovers(runner) == ""


def test_a_failed_command_says_that_the_service_with_its_network_is_gone(
    gateway: FakeGateway, work: Work, engine_arguments: str
) -> None:
    volumes = {"data": "/data"}
    db = service("until test -e /data/go; do sleep 0.05; done; exit 3", volumes=volumes)
    runner = gateway.add_runner("touch /data/go; sleep 2; exit 7", image=IMAGE, volumes=volumes, services={"db": db})
    done = work(runner)
    assert (done["outcome"], done["exit_code"]) == ("failed", 7)
    reason = "; service db, whose network it joins, had ended with exit code 3; it printed nothing"
    assert done["error"] == "the command ended with exit code 7" + reason * (engine_arguments != ARGUMENTS[-1])


def test_two_services_cannot_use_one_port(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("echo ran", services={name: service("sleep 1000", ports=[5432]) for name in ("a", "b")})
    done = work(runner)
    assert done["outcome"] == "failed"
    assert done["error"] == "services a and b both use port 5432, but share one network: give one another port"


def test_an_image_of_a_service_that_cannot_be_had(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("echo ran", services={"db": {"image": "localhost:9/no/such:image"}})
    done = work(runner)
    assert done["outcome"] == "infrastructure"
    assert done["error"].startswith("the image localhost:9/no/such:image cannot be pulled")


@IN_IMAGE
def test_nothing_is_left_when_the_agent_is_killed(gateway: FakeGateway, start: Start, image: str | None) -> None:
    services = {"db": service("sleep 1000", volumes={"data": "/data"}), "other": service("sleep 1000")}
    runner = gateway.add_runner("echo up; sleep 1000", image=image, services=services)
    process = start(runner)
    eventually(lambda: runner.text() == ["up"])
    assert leftovers(runner)
    process.kill()
    eventually(lambda: leftovers(runner) == "")


def test_nothing_is_left_when_the_agent_is_killed_while_a_service_starts(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("echo up", services={"db": service("sleep 1000", ["test", "-e", "/never"])})
    process = start(runner)
    eventually(lambda: leftovers(runner))
    process.kill()
    eventually(lambda: leftovers(runner) == "")


def test_cancel_while_a_service_is_not_healthy_yet(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("echo ran", services={"db": service("echo up; sleep 1000", ["sleep", "1000"])})
    start(runner)
    eventually(lambda: runner.text("service:db") == ["up"])
    runner.cancel = "enough"
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["outcome"] == "cancelled"
    assert leftovers(runner) == ""


def test_volumes_need_a_container(gateway: FakeGateway, work: Work) -> None:
    done = work(gateway.add_runner("true", volumes={"data": "/data"}))
    assert (done["outcome"], done["error"]) == (
        "failed", "volumes are mounted in containers only: give the treatment an image"
    )  # fmt: skip


def require_limits(engine_arguments: str) -> None:
    limited = podman(
        "run", "--rm", "--memory", "64m", "--cpus", "0.5", *shlex.split(engine_arguments), IMAGE, "/bin/true"
    )
    if b"cgroup" in limited.stderr:
        pytest.skip("limits do not work here")


def test_a_service_with_limits(gateway: FakeGateway, work: Work, engine_arguments: str) -> None:
    require_limits(engine_arguments)
    up = service("touch /ready; sleep 1000", ["test", "-e", "/ready"], memory=64, cpu=500)
    runner = gateway.add_runner("echo ran", image=IMAGE, services={"db": up})
    assert work(runner)["outcome"] == "succeeded", runner.completed


def test_a_service_without_enough_memory_leaves_nothing_where_the_agent_is(
    gateway: FakeGateway, work: Work, engine_arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_limits(engine_arguments)
    monkeypatch.chdir(tmp_path)
    up = service("x=a; while :; do x=$x$x; done", ["test", "-e", "/ready"], memory=20)
    assert work(gateway.add_runner("echo ran", image=IMAGE, services={"db": up}))["outcome"] == "failed"
    assert not (tmp_path / "oom").exists()
