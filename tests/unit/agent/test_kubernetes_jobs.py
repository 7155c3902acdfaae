"""The jobs of a cluster as the runners of a host."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from runner_bootstrap.agent.hosts import kubernetes_jobs
from runner_bootstrap.agent.hosts.kubernetes_jobs import LABEL, RUNNER_LABEL, KubernetesJobs


class Cluster:
    """Cannot be asked the first times, then lists one job."""

    namespace = "here"

    def __init__(self, refusals: list[tuple[int, dict[str, Any]] | OSError]) -> None:
        self.refusals = refusals

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        if self.refusals:
            refusal = self.refusals.pop()
            if isinstance(refusal, OSError):
                raise refusal
            return refusal
        return 200, {"items": [{"metadata": {"labels": {LABEL: "pool", RUNNER_LABEL: "runner"}}}]}


def test_jobs_of_an_earlier_agent_are_known_before_anything_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a host does not report is given up."""
    monkeypatch.setattr(kubernetes_jobs, "LOOK_SECONDS", 0.01)
    cluster: Any = Cluster([(503, {"message": "starting"}), OSError("refused")])
    assert KubernetesJobs(cluster, {}, "pool", threading.Event()).running == ["runner"]
