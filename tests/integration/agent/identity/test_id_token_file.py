"""The file with the identity token has a new one before the last expires; the log has none of them."""

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from runner_bootstrap.agent.assignments.assignment import Secrets
from runner_bootstrap.agent.execution.workspace import Workspace
from runner_bootstrap.agent.logs.buffer import LogBuffer
from runner_bootstrap.agent.logs.masking import Masker
from runner_bootstrap.agent.runner.id_token_file import IdTokenFile
from tests.integration.agent.conftest import PATIENCE, Start, Work
from tests.integration.agent.fake_gateway import FakeGateway
from tests.waiting import eventually


def token(number: int, seconds: int) -> str:
    """Returns a token that was issued for some seconds; its signature is of no interest here."""
    claims = json.dumps({"jti": str(number) * 40, "iat": 1_000, "exp": 1_000 + seconds}).encode()
    payload = base64.urlsafe_b64encode(claims).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{payload}.{str(number) * 43}"


def test_the_file_is_renewed_while_the_command_runs(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    script = """
printf %s "$CADENCE_ID_TOKEN" > given
cmp "$CADENCE_ID_TOKEN_FILE" given && echo as claimed
until ! cmp -s "$CADENCE_ID_TOKEN_FILE" given; do sleep 0.1; done
echo "renewed: $(cat "$CADENCE_ID_TOKEN_FILE")"
"""
    runner = gateway.add_runner(script, secrets={"CADENCE_ID_TOKEN": token(1, 1)})
    runner.id_tokens = [token(2, 3_600)]
    assert work(runner, sandbox)["outcome"] == "succeeded"
    assert runner.text() == ["as claimed", "renewed: ***"]
    assert runner.id_tokens == []


def test_a_refused_renewal_is_told_once_and_the_command_goes_on(
    gateway: FakeGateway, start: Start, tmp_path: Path
) -> None:
    gateway.status["identity"] = 403
    asked = tmp_path / "asked"
    script = f'until [ -e {asked} ]; do sleep 0.1; done; cat "$CADENCE_ID_TOKEN_FILE"'
    runner = gateway.add_runner(script, secrets={"CADENCE_ID_TOKEN": token(1, 1)})
    process = start(runner)
    eventually(lambda: [line for line in runner.text("agent") if "identity token" in line and "403" in line])
    asked.touch()
    assert process.wait(PATIENCE) == 0
    assert runner.text() == ["***"]
    assert gateway.requests["identity"] == 1


def test_a_treatment_without_a_token_has_no_file(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner('echo "${CADENCE_ID_TOKEN_FILE-none}"')
    assert work(runner)["outcome"] == "succeeded"
    assert runner.text() == ["none"]


def test_a_treatment_that_cannot_outlive_its_token_asks_for_no_other(tmp_path: Path) -> None:
    asked: list[str] = []

    def call(what: str, body: dict[str, Any]) -> dict[str, Any]:
        asked.append(what)
        return {"token": token(2, 1)}

    workspace = Workspace(tmp_path, "runner")
    masker = Masker([])
    assignment: Any = SimpleNamespace(secrets=Secrets({"CADENCE_ID_TOKEN": token(1, 1)}), max_duration=1)
    file = IdTokenFile(assignment, workspace, call, masker, LogBuffer(0.1, True, masker))
    try:
        assert Path(file.open()["CADENCE_ID_TOKEN_FILE"]).read_text() == token(1, 1)
        file._thread.join(PATIENCE)
        assert (file._thread.is_alive(), asked) == (False, [])
    finally:
        file.close()
        workspace.remove()
