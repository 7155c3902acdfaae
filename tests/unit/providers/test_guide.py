"""docs/add-a-provider.md leads to a provider: what it tells to type is typed here, and what it names is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
GUIDE = (REPOSITORY / "docs" / "add-a-provider.md").read_text()
COMMANDS = re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.slow
def test_its_commands_end_in_a_provider_that_passes_the_suite(tmp_path: Path) -> None:
    for part in ("functions", "schemas", "runner_bootstrap", "tests/contract", "tests/doubles", "tests/fakes"):
        shutil.copytree(REPOSITORY / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/__init__.py", "tests/emulation.py"):
        shutil.copy(REPOSITORY / file, tmp_path / file)
    peers = tmp_path / "tests" / "contract" / "providers"
    for other in peers.glob("*_peer.py"):  # only the new one is asked here
        if other.name != "template_peer.py":
            other.unlink()
    copying, trying = COMMANDS
    python = f'python() {{ {sys.executable} "$@" -q -p no:cacheprovider -n 0 -p no:randomly; }}\n'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", python + copying + trying],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > 20, done.stdout
    left = [
        str(file)
        for file in (*tmp_path.rglob("acme*"), *(tmp_path / "functions/cadence/providers/acme").iterdir())
        if file.is_file() and re.search("template", file.read_text(), re.IGNORECASE)
    ]
    assert left == []
    schema = (tmp_path / "schemas/pool-settings/acme/1.json").read_text()
    assert "Settings of a pool of Acme" in schema


def test_what_it_names_is_there() -> None:
    named = set(
        re.findall(r"`((?:cadence|functions|infra|tests|schemas|docs|\.ci)/[\w./-]+|[\w]+\.(?:toml|lock))`", GUIDE)
    )
    assert len(named) > 8
    missing = [
        path
        for path in named
        if not any((REPOSITORY / folder / path).exists() for folder in ("", "functions")) and "<" not in path
    ]
    assert missing == []
