"""Runners as the control plane asks for them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.providers.contract import AgentFile, CallHome, RunnerRequest
from cadence.providers.marks import MachineOwner

API = LimitedApi("account", "place", "machines", RateLimit(per_second=10, burst=10))
OWNER = MachineOwner("cadence-test", "default", "cloud")
TOKEN = "one-time-token-0123456789abcdef"
RUNNER = "01JDF8Z4Q2W3E4R5T6Y7U8I9OP-0123456789ab-1"
EXPIRES = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)


def runner(runner_id: str = RUNNER, **changes: Any) -> RunnerRequest:
    request = RunnerRequest(
        runner_id=runner_id,
        boot_deadline=120,
        run_id="01JDF8Z4Q2W3E4R5T6Y7U8I9OP",
        treatment="build",
        project="default",
        expires_at=EXPIRES,
        home=CallHome("https://gateway.example.org", TOKEN, AgentFile("https://files.example.org/agent", "0" * 64)),
    )
    return replace(request, **changes)
