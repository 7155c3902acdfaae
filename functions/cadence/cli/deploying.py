"""`cadence deploy`: the CDK application, deployed into the AWS account whose credentials are in use."""

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from cadence.cli.failures import NOT_REACHED, WRONG_USE, fail

_PINNED = "aws-cdk@2"


def deploy(
    folder: Annotated[Path, typer.Option(help="The checkout of Cadence; the folder of cdk.json.")] = Path(),
    stage: Annotated[str, typer.Option(help="Distinguishes deployments in one account.")] = "main",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before permissions change.")] = False,
) -> None:
    """Deploy Cadence into your own AWS account (`cdk deploy`)."""
    if not (folder / "cdk.json").is_file():
        raise fail(f"There is no cdk.json in {folder.resolve()}. Run this in a checkout of Cadence.", WRONG_USE)
    command = [*_cdk(folder), "deploy", "--all", "--context", f"stage={stage}"]
    if yes:
        command += ["--require-approval", "never"]
    raise typer.Exit(subprocess.run(command, cwd=folder, check=False).returncode)


def _cdk(folder: Path) -> list[str]:
    installed = folder / "node_modules" / ".bin" / "cdk"
    if installed.is_file():
        return [str(installed.resolve())]
    if shutil.which("cdk"):
        return ["cdk"]
    if shutil.which("npx"):
        return ["npx", "--yes", _PINNED]
    raise fail("The AWS CDK is not installed: run `make synth` once, or install Node and aws-cdk.", NOT_REACHED)
