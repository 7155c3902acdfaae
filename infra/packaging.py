"""Archives of Lambdas.

On one machine all Lambdas share one archive of the sources, and use the environment's own packages. In AWS each has
an archive of its own: its folder, the library, the schemas, and only the dependencies that it needs, built without
Docker by uv for the Lambda's platform from the versions and hashes in ``requirements.lock``.
"""

import compileall
import hashlib
import json
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cadence.adapters.lambda_runtime.agent_file import NAME as AGENT_NAME
from infra.bytecode import Interpreter, interpreter
from infra.cache import cached
from infra.dashboard_page import page
from infra.lambdas import LAMBDAS
from infra.row import LambdaRow
from runner_bootstrap.build import build as build_agent

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = REPOSITORY / ".cache" / "bundles"

# The Lambda whose archive holds the agent that machines download.
AGENT_SERVER = "runner_gateway"

# The Lambda whose archive holds the dashboard's files.
PAGE_SERVER = "dashboard"

# Parts of the library that no Lambda imports.
_NOT_IN_LAMBDAS = ("cadence/cli", "cadence/local")

# Names of files and folders that differ between builds, or that no Lambda uses.
_UNUSED_NAMES = {"tests", "test", "__pycache__", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}

# What packages require for a command line (cel) and for gRPC (OpenSearch), neither of which any Lambda uses.
_NOT_INSTALLED = ("grpcio", "opensearch-protobufs", "prompt-toolkit", "pygments", "rich", "typer")

# botocore describes 400 services in 25 MB; an archive keeps those that its Lambda may call. Credentials may need `sts`.
_ALWAYS_DESCRIBED = ("sts",)


@dataclass(frozen=True)
class Platform:
    """The platform that an archive is for: its name in uv (``None`` is this machine), and the Python version.

    An archive with ``bytecode`` has it if this machine has an interpreter of that version.
    """

    uv_name: str | None
    python: str
    bytecode: bool = False


LAMBDA_ARM64 = Platform("aarch64-manylinux_2_28", "3.14", bytecode=True)
THIS_MACHINE = Platform(None, f"{sys.version_info.major}.{sys.version_info.minor}")


def shared_sources() -> Path:
    """Returns the archive that all Lambdas share on one machine: every source and its bytecode, no dependencies.

    Without bytecode, each of their many processes would compile every module again.
    """
    files = dict(_sources(LAMBDAS))

    def build(target: Path) -> None:
        _copy(files, target)
        compiled = compileall.compile_dir(
            target, quiet=1, stripdir=str(target), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        if not compiled:
            raise RuntimeError(f"the sources in {target} do not compile")

    return cached(CACHE, f"sources-{_digest(files, sys.version + _own_digest())}", build)


def bundle(row: LambdaRow, platform: Platform = LAMBDA_ARM64) -> Path:
    """Returns the archive of one Lambda with its dependencies for ``platform``; built once for the same content."""
    files = dict(_sources([row.folder], (row.provider,) if row.provider else ()))
    python = interpreter(platform.python) if platform.bytecode else None
    dependencies = _dependencies(row.packages, platform, python)
    compiled = _compiled_sources(python) if python else None
    services = sorted({*row.called_services, *_ALWAYS_DESCRIBED})
    recipe = json.dumps([dependencies.name, compiled and compiled.name, services, _own_digest()])

    def build(target: Path) -> None:
        _link(dependencies, target, leave_out=_unused_services(dependencies, services))
        _copy(files, target)
        if compiled:
            _link_bytecode(compiled, files, target)

    return cached(CACHE, f"{row.folder}-{_digest(files, recipe)}", build)


def _compiled_sources(python: Interpreter) -> Path:
    """Returns a directory with all sources and their bytecode, of which each archive has its part."""
    files = {name: file for name, file in _sources(LAMBDAS) if file.suffix == ".py"}

    def build(target: Path) -> None:
        _copy(files, target)
        if failed := python.compile(target):
            raise RuntimeError(f"Python {python.version} does not compile {', '.join(failed)}")

    return cached(CACHE, f"bytecode-{_digest(files, python.version + _own_digest())}", build)


def _link_bytecode(compiled: Path, files: Iterable[str], target: Path) -> None:
    for source in (Path(name) for name in files if name.endswith(".py")):
        for bytecode in (compiled / source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"):
            linked = target / source.parent / "__pycache__" / bytecode.name
            linked.parent.mkdir(exist_ok=True)
            os.link(bytecode, linked)


def agent() -> Path:
    """Returns the agent that machines run, one file; built once for the same content."""
    folder = REPOSITORY / "runner_bootstrap"
    files = {source.relative_to(folder).as_posix(): source for source in folder.rglob("*.py")}
    directory = cached(CACHE, f"agent-{_digest(files)}", _build_agent)
    return directory / AGENT_NAME


def agent_sha256() -> str:
    """Returns the SHA-256 digest of the agent, in hexadecimal digits."""
    return _file_digest(agent())


def _build_agent(target: Path) -> None:
    build_agent(target / AGENT_NAME)


def _sources(folders: Iterable[str], providers: Iterable[str] | None = None) -> Iterator[tuple[str, Path]]:
    """Yields (path in the archive, file) of the library, the given Lambdas, the schemas and machines' boot scripts.

    ``providers`` are the folders of ``cadence/providers`` to include; ``None`` is all.
    """
    functions = REPOSITORY / "functions"
    for root in ("cadence", *folders):
        for file in sorted((functions / root).rglob("*.py")):
            name = file.relative_to(functions).as_posix()
            if not name.startswith(_NOT_IN_LAMBDAS) and _is_wanted_provider(name, providers):
                yield name, file
    for file in sorted((REPOSITORY / "schemas").rglob("*.json")):
        yield file.relative_to(REPOSITORY).as_posix(), file
    for file in sorted((REPOSITORY / "runner_bootstrap" / "machine").iterdir()):
        if file.suffix in {".sh", ".py"}:
            yield file.relative_to(REPOSITORY).as_posix(), file
    if AGENT_SERVER in folders:
        yield AGENT_NAME, agent()
    if PAGE_SERVER in folders:
        built = page()
        for file in sorted(path for path in built.rglob("*") if path.is_file()):
            yield f"{PAGE_SERVER}/page/{file.relative_to(built).as_posix()}", file


def _is_wanted_provider(name: str, providers: Iterable[str] | None) -> bool:
    parts = name.split("/")
    is_one = parts[:2] == ["cadence", "providers"] and len(parts) > 3
    return providers is None or not is_one or parts[2] in providers


def _dependencies(packages: tuple[str, ...], platform: Platform, python: Interpreter | None) -> Path:
    """Returns a directory of the packages and all that they need, shared by Lambdas with the same packages."""
    version = python.version if python else platform.python
    recipe = json.dumps([packages, platform.uv_name, version, _file_digest(_lock()), _own_digest()])

    def install(target: Path) -> None:
        if not packages:
            return
        _install(packages, platform, target)
        _strip(target)
        if python:
            python.compile(target)  # packages hold files that do not compile, which nobody imports

    return cached(CACHE, f"dependencies-{_digest({}, recipe)}", install)


def _install(packages: tuple[str, ...], platform: Platform, target: Path) -> None:
    """Installs wheels only, and locked versions only; uv checks each file against the hashes of the lock."""
    command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--python", sys.executable]
    command += ["--only-binary", ":all:", "--constraints", str(_lock()), "--target", str(target)]
    command += ["--python-version", platform.python, "--no-compile-bytecode", "--link-mode", "copy"]
    if platform.uv_name:
        command += ["--python-platform", platform.uv_name]
    # An override replaces what a package says of another one: here it is required on no system.
    never = "".join(f"{name} ; sys_platform == 'none'\n" for name in _NOT_INSTALLED)
    command += ["--override", "-"]
    done = subprocess.run([*command, *packages], input=never, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"uv could not install {', '.join(packages)} for {platform}:\n{done.stderr.strip()}")


def _strip(target: Path) -> None:
    """Removes what no Lambda can use; the remaining files are the same bytes in every build."""
    for path in sorted(target.rglob("*"), reverse=True):
        if path.name in _UNUSED_NAMES or path.suffix in {".pyc", ".pyi"}:
            _remove(path)
    for name in ("bin", ".lock"):
        _remove(target / name)


def _unused_services(dependencies: Path, services: Iterable[str]) -> set[Path]:
    data = dependencies / "botocore" / "data"
    return {path for path in data.glob("*") if path.is_dir() and path.name not in services}


def _link(source: Path, target: Path, leave_out: set[Path]) -> None:
    """Copies ``source`` as hard links: the files are never changed."""

    def ignored(directory: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(directory, name) in leave_out}

    shutil.copytree(source, target, ignore=ignored, copy_function=os.link, dirs_exist_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _copy(files: Mapping[str, Path], target: Path) -> None:
    for name, file in files.items():
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, destination)


def _digest(files: Mapping[str, Path], recipe: str = "") -> str:
    digest = hashlib.sha256(recipe.encode())
    for name, file in files.items():
        digest.update(f"{name}\0{_file_digest(file)}\0".encode())
    return digest.hexdigest()[:16]


def _file_digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _own_digest() -> str:
    own = (Path(__file__).with_name(name) for name in ("packaging.py", "bytecode.py", "compile_tree.py"))
    return "".join(map(_file_digest, own))


def _lock() -> Path:
    return REPOSITORY / "requirements.lock"
