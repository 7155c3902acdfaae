"""Clients that others' generators make of the API's document, used against the running stack.

`.ci/peers openapi-python-client openapi-fetch openapi-generator` installs the generators.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cadence.local.shared.paths import CHECKOUT
from tests.e2e.api import Api

pytestmark = pytest.mark.slow

PEERS = Path(os.environ.get("CADENCE_PEERS") or Path.home() / ".cache" / "cadence-peers")
PYTHON = PEERS / "openapi-python-client-0.29.1" / "bin"
TYPESCRIPT = PEERS / "openapi-fetch-0.17.0"
JAVA = PEERS / "openapi-generator-7.17.0" / "openapi-generator-cli.jar"
USES = CHECKOUT / "tests" / "peers" / "openapi_clients"
# These answer text; generators read JSON only.
NOT_JSON = {"metrics"}


@pytest.fixture(scope="module")
def run_id(api: Api) -> str:
    run_id = api.start((CHECKOUT / "examples" / "hello.yaml").read_text())
    assert api.finished(run_id)["state"] == "succeeded"
    return run_id


@pytest.fixture
def document(api: Api, tmp_path: Path) -> Path:
    """The document as the API serves it."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(api.get("/v1/openapi.json")))
    return file


def called(*command: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-5_000:]
    return done.stdout


def used(api: Api, run_id: str, *command: str | Path, folder: Path, **environment: str) -> dict[str, Any]:
    """What a program that uses a client prints."""
    return dict(json.loads(called(*command, api.url, api.token, run_id, folder=folder, **environment)))


@pytest.mark.skipif(not PYTHON.is_dir(), reason="it is not installed (.ci/peers openapi-python-client)")
def test_openapi_python_client(api: Api, run_id: str, document: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("post_hooks: []\n")
    called(
        PYTHON / "openapi-python-client", "generate", "--path", document, "--config", settings,
        "--meta", "none", "--output-path", tmp_path / "cadence_client", folder=tmp_path,
    )  # fmt: skip

    found = used(api, run_id, PYTHON / "python", USES / "use.py", folder=tmp_path, PYTHONPATH=str(tmp_path))

    assert "local" in found["pools"]
    assert found["states"] == ["succeeded"]
    assert found["outputs"] == ["greeting"]
    assert found["refused"] == 404
    assert len(found["lists"]) > 20
    assert {name for name, kind in found["lists"].items() if kind == "NoneType"} <= NOT_JSON


@pytest.mark.skipif(
    not TYPESCRIPT.is_dir() or shutil.which("node") is None, reason="it is not installed (.ci/peers openapi-fetch)"
)
def test_openapi_typescript_and_openapi_fetch(api: Api, run_id: str, document: Path, tmp_path: Path) -> None:
    programs = TYPESCRIPT / "node_modules" / ".bin"
    (tmp_path / "node_modules").symlink_to(TYPESCRIPT / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(USES / "use.ts", tmp_path)
    called("node", programs / "openapi-typescript", document, "-o", "api.d.ts", folder=tmp_path)
    called(
        "node", programs / "tsc", "--strict", "--module", "nodenext", "--target", "es2022", "use.ts",
        "--outDir", "made", "--allowImportingTsExtensions", "--rewriteRelativeImportExtensions", folder=tmp_path,
    )  # fmt: skip

    found = used(api, run_id, "node", "made/use.js", folder=tmp_path)

    assert "local" in found.pop("pools")
    assert found.pop("findings") > 0
    assert found == {"newest": 1, "states": ["succeeded"], "outputs": ["greeting"], "refused": 404}


@pytest.mark.skipif(
    not JAVA.is_file() or shutil.which("java") is None or shutil.which("go") is None,
    reason="it is not installed (.ci/peers openapi-generator), or there is no java or go",
)
def test_the_go_client_of_openapi_generator(api: Api, run_id: str, document: Path, tmp_path: Path) -> None:
    called(
        "java", "-jar", JAVA, "generate", "-g", "go", "-i", document, "-o", tmp_path / "client",
        "--additional-properties=packageName=cadence,withGoMod=false",
        "--global-property=apiTests=false,modelTests=false,apiDocs=false,modelDocs=false", folder=tmp_path,
    )  # fmt: skip
    (tmp_path / "go.mod").write_text("module example.com/cadence\n\ngo 1.23\n")
    shutil.copy(USES / "use.go", tmp_path / "main.go")

    found = used(api, run_id, "go", "run", ".", folder=tmp_path)

    assert "local" in found.pop("pools")
    assert found == {"newest": 1, "states": ["succeeded"], "outputs": ["greeting"], "refused": 404}
