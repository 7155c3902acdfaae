"""The command `deploy`: deploys the CDK application into the AWS account whose credentials are in use."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from cadence.cli.shared.errors import NOT_REACHED, WRONG_USE, fail

_PINNED = "aws-cdk@2"


def deploy(
    folder: Annotated[Path, typer.Option(help="The checkout of Cadence, which holds cdk.json.")] = Path(),
    stage: Annotated[str, typer.Option(help="A name that distinguishes deployments in one account.")] = "main",
    context: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="A setting of the CDK application, such as retention_days=30; may be repeated."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Change permissions without confirmation.")] = False,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Replace the first tokens even if they are valid.")
    ] = False,
) -> None:
    """Deploy Cadence into your AWS account (`cdk deploy`), and print its address and first token."""
    if importlib.util.find_spec("cadence.setup") is None:
        raise fail(
            "cadence-cli cannot deploy. Install in its place: pip install 'cadence-control-plane[cli,infra]'", WRONG_USE
        )
    if not (folder / "cdk.json").is_file():
        raise fail(
            f"There is no cdk.json in {folder.resolve()}. Run this in a checkout of Cadence, or give --folder.",
            WRONG_USE,
        )
    command = [*_cdk(folder), "deploy", "--all", "--context", f"stage={stage}"]
    for setting in context or ():
        command += ["--context", setting]
    if yes:
        command += ["--require-approval", "never"]
    # The app runs on this environment's Python, and the CDK on its Node.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "PATH": path}
    deployed = subprocess.run(command, cwd=folder, env=environment, check=False)
    if deployed.returncode:
        raise typer.Exit(deployed.returncode)
    prepare = [sys.executable, "-m", "cadence.setup", "--stack", f"cadence-{stage}"]
    raise typer.Exit(subprocess.run([*prepare, *(["--new-token"] if new_token else [])], check=False).returncode)


def _cdk(folder: Path) -> list[str]:
    installed = folder / "node_modules" / ".bin" / "cdk"
    if installed.is_file():
        return [str(installed.resolve())]
    if shutil.which("cdk"):
        return ["cdk"]
    if shutil.which("npx"):
        return ["npx", "--yes", _PINNED]
    raise fail("The AWS CDK is not installed. Run `make synth` once, or install Node and aws-cdk.", NOT_REACHED)
