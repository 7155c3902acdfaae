"""Requests made up from the API's own description: valid ones, broken ones, in every order. None may find a fault."""

import subprocess
import sys
from pathlib import Path

import pytest

from cadence.local.shared.paths import CHECKOUT
from tests.e2e.api import Api

pytestmark = pytest.mark.slow

# A number, so that what is found is found again: make test ARGS="tests/e2e/interfaces/test_openapi.py".
SEED = "20261"
# It asks github.com, whatever the code.
ELSEWHERE = "register_github_app"


def test_with_a_token_that_may_do_everything(other_organization: Api, tmp_path: Path) -> None:
    """In an organization of its own, since it makes pools, projects and tokens as it likes."""
    explore(other_organization.url, tmp_path, other_organization.token, 25)

    assert other_organization.call("GET", "/v1/runs").ok, "the token revoked itself: most requests have shown nothing"


def test_without_a_token(api: Api, tmp_path: Path) -> None:
    explore(api.url, tmp_path, None, 10)


def test_about_things_that_are_there(api: Api, tmp_path: Path) -> None:
    run_id = api.start((CHECKOUT / "examples" / "hello.yaml").read_text())
    api.finished(run_id)
    there = {
        "path.project": "default",
        "path.run_id": run_id,
        "path.treatment": "greet",
        "path.sha256": api.value(run_id, "greet", "greeting")["sha256"],
        "query.port": "greet.greeting",
    }

    explore(api.url, tmp_path, api.token, 12, there, "--include-path-regex", "/v1/runs/", "--exclude-method", "POST")


def explore(
    url: str, folder: Path, token: str | None, seconds: int, parameters: dict[str, str] | None = None, *more: str
) -> None:
    """Fails with all that was found, and how to repeat it."""
    settings = folder / "schemathesis.toml"
    named = "".join(f'"{name}" = "{value}"\n' for name, value in (parameters or {}).items())
    settings.write_text((CHECKOUT / "schemathesis.toml").read_text() + f"\n[parameters]\n{named}")
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run", f"{url}/v1/openapi.json",
        "--seed", SEED, "--max-examples", "4", "--max-time", str(seconds), "--workers", "1", "--no-color",
        "--exclude-operation-id", ELSEWHERE, *more,
    ]  # fmt: skip
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"seed {SEED}")
    assert done.returncode == 0, done.stdout
    assert "Operations:" in done.stdout
