"""The commands `deploy` and `destroy`: the CDK application in the AWS account whose credentials are in use."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cadence.cli.shared.errors import NOT_REACHED, WRONG_USE, fail

_PINNED = "aws-cdk@2"


Folder = Annotated[Path, typer.Option(help="The checkout of Cadence, which holds cdk.json.")]
Stage = Annotated[str, typer.Option(help="A name that distinguishes deployments in one account.")]
Context = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE", help="A setting of the CDK application, such as retention_days=30; may be repeated."
    ),
]


def deploy(
    folder: Folder = Path(),
    stage: Stage = "main",
    context: Context = None,
    yes: Annotated[bool, typer.Option("--yes", help="Change permissions without confirmation.")] = False,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Replace the first tokens even if they are valid.")
    ] = False,
) -> None:
    """Deploy Cadence into your AWS account (`cdk deploy`), and print its address and first token."""
    _require_checkout(folder)
    approval = ["--require-approval", "never"] if yes else []
    if status := _run_cdk(folder, "deploy", stage, context, approval):
        raise typer.Exit(status)
    prepare = [sys.executable, "-m", "cadence.setup", "--stack", f"cadence-{stage}"]
    raise typer.Exit(subprocess.run([*prepare, *(["--new-token"] if new_token else [])], check=False).returncode)


def destroy(
    folder: Folder = Path(),
    stage: Stage = "main",
    context: Context = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove an installation from your AWS account (`cdk destroy`), after stating what it keeps."""
    _require_checkout(folder)
    kept = subprocess.run([sys.executable, "-m", "cadence.setup.kept", "--stack", f"cadence-{stage}"], check=False)
    if kept.returncode:
        raise typer.Exit(kept.returncode)
    if not yes and typer.prompt(f"Everything else is removed. Type {stage} to go on") != stage:
        raise fail("Nothing was removed.", WRONG_USE)
    if status := _run_cdk(folder, "destroy", stage, context, ["--force"]):
        raise typer.Exit(status)
    queues = [sys.executable, "-m", "cadence.setup.pool_queues", "--stack", f"cadence-{stage}"]
    raise typer.Exit(subprocess.run(queues, check=False).returncode)


def _require_checkout(folder: Path) -> None:
    if importlib.util.find_spec("cadence.setup") is None:
        raise fail(
            "cadence-cli cannot deploy. Install in its place: pip install 'cadence-control-plane[cli,infra]'", WRONG_USE
        )
    if not (folder / "cdk.json").is_file():
        raise fail(
            f"There is no cdk.json in {folder.resolve()}. Run this in a checkout of Cadence, or give --folder.",
            WRONG_USE,
        )


def _run_cdk(folder: Path, action: str, stage: str, context: Sequence[str] | None, more: Sequence[str]) -> int:
    """Runs the CDK on all stacks of a stage; returns its exit status."""
    command = [*_cdk(folder), action, "--all", "--context", f"stage={stage}"]
    for setting in context or ():
        command += ["--context", setting]
    # The app runs on this environment's Python, and the CDK on its Node.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return subprocess.run([*command, *more], cwd=folder, env={**os.environ, "PATH": path}, check=False).returncode


def _cdk(folder: Path) -> list[str]:
    installed = folder / "node_modules" / ".bin" / "cdk"
    if installed.is_file():
        return [str(installed.resolve())]
    if shutil.which("cdk"):
        return ["cdk"]
    if shutil.which("npx"):
        return ["npx", "--yes", _PINNED]
    raise fail("The AWS CDK is not installed. Run `make synth` once, or install Node and aws-cdk.", NOT_REACHED)
