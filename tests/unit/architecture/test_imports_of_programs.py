"""What programs import before they do something: most of the start of the command line is imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cadence.local.shared.paths import CHECKOUT
from tests.fakes.answering import Asked, Reply, answering

COUNTED = """
import sys
sys.argv = ["cadence", *sys.argv[1:]]
from cadence.cli.main import main
try:
    main()
finally:
    print("\\n".join(sorted(sys.modules)), file=sys.stderr)
"""
SLOW = frozenset({"aiohttp", "boto3", "jsonschema_rs", "paramiko", "pydantic", "requests", "websocket", "yaml"})


def imported(url: str, folder: Path, *arguments: str) -> tuple[str, set[str]]:
    """What a command prints, and the modules that it has imported at its end."""
    environment = os.environ | {"CADENCE_URL": url, "CADENCE_TOKEN": "token", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, set(done.stderr.splitlines())


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_what_reads_arguments_only(argument: str, tmp_path: Path) -> None:
    _, modules = imported("http://127.0.0.1:9", tmp_path, argument)

    assert not modules & (SLOW | {"rich", "ssl", "urllib3"})
    own = {name for name in modules if name.startswith("cadence")}
    assert own == {"cadence", "cadence.cli", "cadence.cli.lazy_commands", "cadence.cli.main"}


def test_the_list_of_runs_imports_a_client_and_a_table_only(tmp_path: Path) -> None:
    run = {"run_id": "01m8f3", "pipeline": "hello", "state": "succeeded"}
    times = dict.fromkeys(("created_at", "started_at", "finished_at"), "2026-11-30T12:00:00Z")

    alone = dict.fromkeys(("branch", "commit", "started_by_run", "replay_of", "rerun_of"))

    def runs(_: Asked) -> Reply:
        return Reply(body={"items": [run | times | alone], "next": None})

    with answering(runs) as url:
        printed, modules = imported(url, tmp_path, "runs")

    assert printed.startswith("01m8f3\thello\tsucceeded\t")
    assert not modules & SLOW
    rooms = {name.split(".")[2] for name in modules if name.startswith("cadence.cli.")}
    assert rooms == {"client", "lazy_commands", "main", "runs", "shared"}
    assert not any(name.startswith(("cadence.domain", "cadence.importing", "cadence.local")) for name in modules)


def test_a_deployment_is_described_without_the_cdk_which_starts_node() -> None:
    count = "import sys, infra.synth, infra.deployment, infra.lambdas; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", count], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert not {"aws_cdk", "constructs", "jsii"} & set(done.stdout.split())
