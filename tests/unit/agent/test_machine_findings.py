"""What a host tells its operator about the means to keep commands apart."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

from runner_bootstrap.agent.execution import private_network
from runner_bootstrap.agent.execution.sandbox import Bubblewrap
from runner_bootstrap.agent.hosts import machine_findings


def test_a_host_without_means_says_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bubblewrap, "program", staticmethod(lambda: None))
    monkeypatch.setattr(private_network, "program", lambda: None)
    sandbox, network, limits = machine_findings.found(limits=False)
    assert "found no bubblewrap" in sandbox and "require_sandbox refuse them" in sandbox
    assert "found no slirp4netns" in network and "private_network refuse them" in network
    assert "limits of CPU and memory are not enforced" in limits


def test_a_host_with_all_means_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bubblewrap, "program", staticmethod(lambda: "/usr/bin/bwrap"))
    monkeypatch.setattr(private_network, "program", lambda: "/usr/bin/slirp4netns")
    assert [line.split(":")[0] for line in machine_findings.found(limits=True)] == [
        "found /usr/bin/bwrap",
        "found /usr/bin/slirp4netns",
    ]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 0", "treatments with an image run in containers"),
        ("echo 'no rights' >&2; exit 1", "which does not work: no rights"),
        (None, "treatments with an image fail on this machine"),
    ],
    ids=["works", "does not work", "is missing"],
)
def test_a_container_engine_is_tried(
    script: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        engine = tmp_path / "podman"
        engine.write_text(f"#!/bin/sh\n{script}\n")
        engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    said: queue.Queue[str] = queue.Queue()
    machine_findings.report_container_engine(said.put)
    assert words in said.get(timeout=60)
