"""The examples by pattern run as they are, with the command that each names, and come to what they say."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadence.local.shared.paths import CHECKOUT
from tests.e2e.api import Api, states
from tests.e2e.conftest import Cadence

pytestmark = pytest.mark.slow

PATTERNS = CHECKOUT / "examples" / "patterns"
# Example, and what one of its outputs is at the end.
RESULTS = {
    "each-item": ("add", "total", b"14"),
    "generated-pipeline": ("publish", "state", b"published"),
    "library": ("show", "shown", b"1 2 3 a b "),
    "matrix-summary": ("summary", "count", b"4"),
    "nightly-data": ("summarise", "total", b"42"),
}
# Example, the lines that its deployment prints, and what one of them has.
DEPLOYMENTS = {
    "approved-deployment": (2, "built"),
    "deploy-with-identity": (4, "compares sub = organization:default:project:default:inline:deploy-with-identity:env"),
}
ENVIRONMENT = "/v1/projects/default/environments/production"


@pytest.fixture(scope="module")
def started(cadence: Cadence) -> dict[str, str]:
    """Runs by example: all are started before any is waited for."""
    return {name: cadence("run", str(PATTERNS / f"{name}.yaml")).stdout.strip() for name in RESULTS}


@pytest.mark.parametrize("name", RESULTS)
def test_an_example_has_the_result_that_it_is_about(name: str, started: dict[str, str], api: Api) -> None:
    run_id = started[name]
    run = api.finished(run_id)

    assert run["state"] == "succeeded", run["cause"]
    treatment, port, expected = RESULTS[name]
    assert api.content(run_id, treatment, port).removesuffix(b"\n") == expected


def test_a_failure_starts_what_reacts_to_it(cadence: Cadence, api: Api) -> None:
    file = str(PATTERNS / "react-to-failure.yaml")
    broken = cadence("run", file, "--param", "break=true").stdout.strip()
    whole = cadence("run", file).stdout.strip()

    assert states(api.finished(broken)) == {"build": "failed", "alarm": "succeeded", "tidy": "succeeded"}
    assert states(api.finished(whole)) == {"build": "succeeded", "alarm": "skipped", "tidy": "succeeded"}


@pytest.fixture
def production(cadence: Cadence, api: Api) -> Iterator[None]:
    """The environment whose treatments wait for an approval."""
    cadence("environment", "create", "production", "--approvals", "1")
    yield
    assert api.call("DELETE", ENVIRONMENT).ok


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_waits_until_somebody_approves_it(name: str, cadence: Cadence, api: Api) -> None:
    run_id = cadence("run", str(PATTERNS / f"{name}.yaml")).stdout.strip()
    api.until(run_id, lambda run: any(one["name"] == "deploy" and one["waiting_for"] for one in run["treatments"]))
    cadence("approve", run_id, "deploy")
    run = api.finished(run_id)

    assert states(run) == {"build": "succeeded", "deploy": "succeeded"}, run["cause"]
    count, shown = DEPLOYMENTS[name]
    lines = [one["text"] for one in api.lines(run_id, expected=count, treatment="deploy")]
    assert any(shown in line for line in lines), lines


def test_a_checkout_is_given_the_files_that_the_document_lies_beside(
    cadence: Cadence, api: Api, tmp_path: Path
) -> None:
    document = tmp_path / ".cadence" / "checkout.yaml"
    document.parent.mkdir()
    document.write_text((PATTERNS / "checkout.yaml").read_text())
    (tmp_path / "Makefile").write_text("test:\n\t@echo tested\n")
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "First")):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)

    run_id = cadence("run", str(document)).stdout.strip()
    run = api.finished(run_id)

    assert states(run) == {"test": "succeeded", "pack": "succeeded"}, run["cause"]
    assert api.lines(run_id, expected=2, treatment="test")[-1]["text"] == "tested"
