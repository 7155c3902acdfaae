"""Caches: what one runner saved, the next restores; and nothing of it can fail a treatment."""

import hashlib
from typing import Any

import pytest

from .conftest import Work
from .fake_gateway import FakeGateway, Runner

LOCK = hashlib.sha256(b"requirements.lock\0" + hashlib.sha256(b"a==1\n").hexdigest().encode() + b"\0").hexdigest()


def runner(gateway: FakeGateway, script: str, number: int = 1, **cache: Any) -> Runner:
    source = {"port": "lock", "flow": "block", "type": "byte", "path": "requirements.lock", "literal": "a==1\n"}
    cache = {"key": "pip", "files": ["requirements.lock"], "paths": [".cache/pip", "*.log"], **cache}
    return gateway.add_runner(script, number, inputs=[source], caches=[cache])


def cache_lines(of: Runner) -> list[str]:
    return [text for text in of.text("agent") if text.startswith("cache: ")]


def test_what_one_runner_saves_the_next_restores(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    first = runner(
        gateway, "test ! -e .cache; mkdir -p .cache/pip/x; echo kept > .cache/pip/x/y; echo 1 > a.log; echo 2 > b"
    )
    work(first, sandbox)
    assert cache_lines(first) == [f"cache: miss pip-{LOCK}", f"cache: saved pip-{LOCK}"]
    second = runner(gateway, "cat .cache/pip/x/y a.log; ls -A", 2)
    work(second, sandbox)
    assert cache_lines(second) == [f"cache: hit pip-{LOCK}"]
    assert second.text() == ["kept", "1", ".cache", "a.log", "requirements.lock"]


def test_a_prefix_restores_and_the_key_itself_is_saved(gateway: FakeGateway, work: Work) -> None:
    for number, key in enumerate(("pip-old", "pip-newer", "npm"), 1):
        work(runner(gateway, f"mkdir -p .cache/pip; echo {key} > .cache/pip/x", number, key=key, files=[]))
    last = runner(gateway, "cat .cache/pip/x", 4, restore=["none-", "pip-"])
    work(last)
    assert last.text() == ["pip-newer"]
    assert cache_lines(last) == [f"cache: restored from pip-newer for pip-{LOCK}", f"cache: saved pip-{LOCK}"]
    assert f"pip-{LOCK}" in gateway.caches


def test_a_failed_command_saves_nothing(gateway: FakeGateway, work: Work) -> None:
    failing = runner(gateway, "mkdir -p .cache/pip; exit 1")
    assert work(failing)["outcome"] == "failed"
    assert gateway.caches == {}


def test_a_file_of_the_key_that_is_missing_fails_the_treatment(gateway: FakeGateway, work: Work) -> None:
    done = work(runner(gateway, "echo ran", files=["*.lock", "none.txt"]))
    assert done["outcome"] == "failed"
    assert done["error"].startswith("cache pip: none.txt is no file in the working directory ")
    assert done["error"].endswith("; there is requirements.lock")


@pytest.mark.parametrize("kind", ["cache_find", "cache_save", "cache_write"])
def test_a_gateway_that_refuses_only_warns(gateway: FakeGateway, work: Work, kind: str) -> None:
    gateway.status[kind] = 403
    refused = runner(gateway, "mkdir -p .cache/pip; echo ran")
    assert work(refused)["outcome"] == "succeeded"
    assert refused.text() == ["ran"]
    assert any("the gateway answered 403" in text for text in cache_lines(refused))
    assert {line["level"] for line in refused.lines.values() if "403" in line["text"]} == {"warning"}


def test_a_damaged_cache_restores_nothing(gateway: FakeGateway, work: Work) -> None:
    work(runner(gateway, "mkdir -p .cache/pip; echo kept > .cache/pip/x"))
    _, stream = gateway.caches[f"pip-{LOCK}"]
    stream.committed.clear()
    stream.chunks[0] = stream.chunks[0].replace(b"kept", b"evil")
    second = runner(gateway, "ls -A", 2)
    assert work(second)["outcome"] == "succeeded"
    assert second.text() == ["requirements.lock"]
    assert "is damaged" in cache_lines(second)[0]


def test_what_cannot_be_packed_only_warns(gateway: FakeGateway, work: Work) -> None:
    linking = runner(gateway, "mkdir -p .cache/pip; ln -s /etc .cache/pip/etc")
    assert work(linking)["outcome"] == "succeeded"
    assert "out of what is packed" in cache_lines(linking)[-1]
    assert gateway.caches == {}


def test_nothing_to_save_and_no_leave_to_save(gateway: FakeGateway, work: Work) -> None:
    nothing = runner(gateway, "true")
    work(nothing)
    assert cache_lines(nothing)[-1] == f"cache: nothing to save for pip-{LOCK}: .cache/pip, *.log is not there"
    gateway.no_saving = "pull requests from forks save no caches"
    refused = runner(gateway, "touch a.log", 2)
    work(refused)
    assert cache_lines(refused)[-1] == f"cache: pip-{LOCK} is not saved: pull requests from forks save no caches"


def test_a_cache_that_another_runner_saved_first_is_not_called_saved(gateway: FakeGateway, work: Work) -> None:
    gateway.saved_meanwhile = "it was saved by another runner meanwhile"
    second = runner(gateway, "touch a.log")
    assert work(second)["outcome"] == "succeeded"
    assert cache_lines(second)[-1] == f"cache: pip-{LOCK} is not saved: it was saved by another runner meanwhile"
