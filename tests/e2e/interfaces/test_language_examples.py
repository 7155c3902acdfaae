"""The examples by language test small projects, with the machine's own programs in place of images."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from cadence.local.shared.paths import CHECKOUT
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence
from tests.git.repositories import Repository
from tests.waiting import last_look

pytestmark = pytest.mark.slow

LANGUAGES = CHECKOUT / "examples" / "languages"
PACKAGE = {"name": "site", "version": "1.0.0", "scripts": {"test": "node --test"}}
LOCK = {"name": "site", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "site"}}}
PROJECTS = {
    "go": {
        "go.mod": "module example.org/site\n\ngo 1.18\n",
        "site.go": "package site\n\nfunc Twice(n int) int { return 2 * n }\n",
        "site_test.go": (
            'package site\n\nimport "testing"\n\n'
            "func TestTwice(t *testing.T) {\n\tif Twice(2) != 4 {\n\t\tt.Fatal()\n\t}\n}\n"
        ),
    },
    "node": {
        "package.json": json.dumps(PACKAGE),
        "package-lock.json": json.dumps(LOCK),
        "site.test.js": 'require("node:test")("twice", () => require("node:assert").equal(2 * 2, 4));\n',
    },
    "python": {
        "requirements.txt": "",
        "test_site.py": "def test_twice():\n    assert 2 * 2 == 4\n",
    },
}
PROGRAMS = {"go": "go", "node": "npm", "python": "python"}
# Packages of Python are put beside the project, since those of the machine are not changed.
ENVIRONMENTS = {"python": {"PIP_TARGET": "packages", "PYTHONPATH": "packages"}}


def without_images(language: str) -> dict[str, Any]:
    """Returns the document of a language's example for the programs of the runner's machine."""
    document: dict[Any, Any] = yaml.safe_load((LANGUAGES / f"{language}.yaml").read_text())
    document["on"] = document.pop(True)  # YAML 1.1 takes `on` for a boolean
    for treatment in document["treatments"].values():
        for key in ("image", "services", "matrix"):
            treatment.pop(key, None)
        treatment["env"] = treatment.get("env", {}) | ENVIRONMENTS.get(language, {})
    return document


@pytest.mark.parametrize(
    ("language", "broken"),
    [("go", False), ("node", False), ("node", True), ("python", True)],
    ids=["go", "node", "node-broken", "python-broken"],
)
def test_a_project_is_tested(language: str, broken: bool, cadence: Cadence, api: Api, tmp_path: Path) -> None:
    program = shutil.which(PROGRAMS[language])
    if program is None or Path(program).is_relative_to(Path.home()):  # homes are empty in a sandbox
        pytest.skip(f"this machine has no {PROGRAMS[language]} for runners")
    files = PROJECTS[language]
    if broken:
        files = {name: text.replace("4", "5") for name, text in files.items()}
    repository = Repository(tmp_path / "site")
    repository.commit({**files, ".cadence/test.yaml": json.dumps(without_images(language))})

    run_id = cadence("run", str(repository.folder / ".cadence/test.yaml")).stdout.strip()
    run = api.finished(run_id, within=600)

    assert run["state"] == ("failed" if broken else "succeeded"), run["cause"]
    if language == "python":
        read = partial(api.get, f"/v1/runs/{run_id}/tests")
        counts = last_look(lambda: read()["counts"], lambda counts: counts["failed"] > 0, 60)
        assert (counts["passed"], counts["failed"]) == (0, 1)
