"""Each Lambda's archive for AWS, built here by the same recipe for this machine, has all that its handler imports."""

import dataclasses
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from cadence.composition.shared.settings import variable
from infra.lambdas import LAMBDAS
from infra.packaging import REPOSITORY, THIS_MACHINE, bundle

_HANDLERS = sorted(path.parent.name for path in (REPOSITORY / "functions").glob("*/handler.py"))

# Only the archive and the standard library can be imported; nothing is called. What functions import when they are
# called must be there as well. Archives share most of their files: what is compiled or parsed is kept by its content.
# Modules stay until the process ends: looking for garbage among them, and clearing them up, would be half of its time.
_IMPORT = """
import ast, gc, hashlib, importlib, importlib.machinery, json, marshal, os, pathlib, sys
gc.disable()
archive, kept, folder, *not_called = sys.argv[1:]
sys.path = [archive] + [path for path in sys.path if path and "site-packages" not in path]

def once(kind, content, make):
    file = pathlib.Path(kept, f"{hashlib.sha256(content).hexdigest()}.{kind}")
    try:
        return file.read_bytes()
    except FileNotFoundError:
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(made := make())
        unfinished.replace(file)
        return made

def names_in_functions(source):
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    names = set()
    for node in (inner for function in functions for inner in ast.walk(function)):
        names |= {node.module} if isinstance(node, ast.ImportFrom) else set()
        names |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
    return names

def code_once(loader, data, path, *, compiled=importlib.machinery.SourceFileLoader.source_to_code):
    return marshal.loads(once("code", data, lambda: marshal.dumps(compiled(loader, data, path))))

importlib.machinery.SourceFileLoader.source_to_code = code_once
module = __import__(f"{folder}.handler", fromlist=["handler"])
assert callable(module.handler)
seen = set()
while unread := {n for n, m in sys.modules.items() if getattr(m, "__file__", None) and n.startswith(("cadence", folder))} - seen:
    seen |= unread
    expressions = sys.modules.get("cadence.domain.pipelines.expression.cel_library")
    if expressions and "cel" not in not_called:
        expressions.library()  # without its command line
    for name in unread:
        source = pathlib.Path(sys.modules[name].__file__).read_bytes()
        names = json.loads(once("names", source, lambda: json.dumps(sorted(names_in_functions(source))).encode()))
        for imported in set(names) - set(not_called):
            importlib.import_module(imported)
outside = sorted(
    name for name, loaded in sys.modules.items()
    if "site-packages" in (getattr(loaded, "__file__", None) or "")
)
assert not outside, outside
os._exit(0)
"""

# Imported by functions that these Lambdas load with the wiring that they share with others, and never call.
_NOT_CALLED = {
    "place": ("cel",),
    "wake_group": ("cadence.adapters.git.reader",),
}


def _value(name: str) -> str:
    if name == "value_buckets":
        return "kept=eu-west-1"
    return "1" if name.endswith(("mebibytes", "days", "seconds")) else f"https://example.invalid/{name}"


@functools.cache
def _archive(folder: str) -> Path:
    """A Lambda's archive; to see that it is built already, all its sources are read."""
    return bundle(LAMBDAS[folder], THIS_MACHINE)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where modules are kept compiled, by their content."""
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.slow
@pytest.mark.parametrize("folder", _HANDLERS)
def test_a_handler_imports_from_its_archive_alone(folder: str, tmp_path: Path, compiled: Path) -> None:
    archive = _archive(folder)
    names = [field.name for field in dataclasses.fields(LAMBDAS[folder].settings)]
    values = {name: _value(name) for name in names}
    settings = {variable(name): value for name, value in values.items()}
    environment = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", **settings}
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-B",
            "-W",
            "error",
            # ldap3 asks pyasn1 for names that it has renamed (see pyproject.toml).
            "-W",
            "ignore::DeprecationWarning:ldap3.utils.asn1",
            "-c",
            _IMPORT,
            str(archive),
            str(compiled),
            folder,
            *_NOT_CALLED.get(folder, ()),
        ],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_an_archive_holds_nothing_that_differs_between_builds() -> None:
    archive = _archive("provider_host")
    names = {path.name for path in archive.rglob("*")}
    assert not {name for name in names if name.endswith((".pyc", ".pyi"))}
    assert not names & {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "__pycache__", "tests", "bin"}
    described = {path.name for path in (archive / "botocore" / "data").iterdir() if path.is_dir()}
    assert described == {"dynamodb", "sqs", "stepfunctions", "sts"}


# Bytes that an archive may take unpacked, in millions: what the largest needs today, and a tenth. AWS allows 250.
_LARGEST = 104
_LARGEST_OF_OTHERS = 61


@pytest.mark.slow
@pytest.mark.parametrize("folder", _HANDLERS)
def test_an_archive_is_small_and_holds_no_package_that_no_lambda_uses(folder: str) -> None:
    archive = _archive(folder)
    packages = {path.name for path in archive.iterdir()}
    assert not packages & {"aws_cdk", "click", "grpc", "prompt_toolkit", "pygments", "pytest", "rich", "typer"}
    size = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file()) / 1_000_000
    assert size <= (_LARGEST if folder == "api" else _LARGEST_OF_OTHERS)
