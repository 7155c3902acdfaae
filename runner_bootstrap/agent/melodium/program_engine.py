"""The Mélodium program of an assignment: written to the workspace, checked and run by a driver process."""

from __future__ import annotations

import json
import os
import pkgutil
import sys
from typing import Any, Callable, Optional

from ..assignments.assignment import AssignedService, Assignment
from ..assignments.program_spec import AssignedProgram, with_files
from ..containers.treatment_containers import TreatmentContainers
from ..execution.command import Command
from ..execution.sandbox import Bubblewrap, plain
from ..execution.workspace import Workspace
from ..shared.errors import AgentError, TreatmentFailed
from ..values.chunks import ChunkBuffer, ChunkStore
from . import engine_binary, stored_packages
from .engine_api_proxy import EngineApiProxy
from .engine_reports import require_permitted
from .worker_engine import EngineContext

CHECK_SECONDS = 90.0
_ENTRY_POINT = "import sys\n\nfrom agent.programs.driver import main\n\nsys.exit(main(sys.argv[1:]))\n"
#: Modules of the agent that the driver process needs, without their suffix.
DRIVER_MODULES = (
    "__init__",
    "assignments/__init__",
    "assignments/value_types",
    "programs/__init__",
    "programs/batches",
    "programs/capture",
    "programs/capture_replay",
    "programs/captured_treatment",
    "programs/cbor",
    "programs/distribution",
    "programs/driver",
    "programs/dump",
    "programs/engine_process",
    "programs/engine_treatment",
    "programs/engine_values",
    "programs/launch",
    "programs/missing_packages",
    "programs/secret_parameters",
    "programs/source_literals",
    "programs/stored_values",
    "programs/wrapper",
    "shared/__init__",
    "shared/engine_release",
    "shared/errors",
    "shared/key_files",
    "shared/loopback",
)
# The name of the package `agent`, wherever it lies.
_AGENT = __name__.rpartition(".melodium.")[0]


class ProgramEngine:
    """Checks the program, then runs it, each by a driver process. Raises AgentError if this machine has no engine."""

    def __init__(self, assignment: Assignment, context: EngineContext, store: ChunkStore) -> None:
        """``store`` holds the program's files if the assignment does not."""
        program = assignment.program
        assert program is not None
        if not program.files:
            program = _fetched(program, assignment.engine_secrets.get("program_url"), store)
        self._assignment, self._program, self._context = assignment, program, context
        self._root = context.workspace.root
        self._binary = _required_binary(program)
        self._token = assignment.engine_secrets.get("api_token")
        self._api: Optional[EngineApiProxy] = None
        self._lay_out()

    @property
    def services(self) -> list[AssignedService]:
        """The services of the treatment's document."""
        return self._assignment.services

    @property
    def check(self) -> Optional[list[str]]:
        """The command that checks the program beforehand; None if checking is its only task."""
        return None if self._program.check_only or self._program.captured else self._driver("check")

    def start(self, treatment_containers: Optional[TreatmentContainers]) -> list[str]:
        """Starts the API proxy if the program needs it; returns the program's command."""
        if self._program.check_only:
            return self._driver("check")
        if self._token:
            self._api = EngineApiProxy(upstream=self._context.api, token=self._token, rewrite=self._context.rewrite)
            self._api.start()
            self._context.log.say(f"the engine's run is {self._program.run_id}")
        return self._driver("run")

    def variables(self) -> dict[str, str]:
        """Returns the engine's environment variables."""
        program = self._program
        variables = {"MELODIUM_RUN_ID": program.run_id, "MELODIUM_GROUP_ID": program.group_id}
        if self._api:
            variables["MELODIUM_API_TAGS"] = (
                f"cadence-run={self._assignment.run_id} cadence-treatment={self._assignment.treatment}"
            )
            variables.update({"MELODIUM_API_URL": self._api.url, "MELODIUM_API_TOKEN": str(self._api.token)})
        return variables

    def watch(self, supervisor_pid: int, on_listening: Callable[[dict[str, Any]], None]) -> None:
        """Does nothing, since no other engine connects to it."""

    def require_success(self) -> None:
        """Does nothing, since the exit status of the command is reliable."""

    def with_explanation(self, error: Exception) -> Exception:
        """Returns the error with the engine's explanation, if there is one."""
        if not isinstance(error, TreatmentFailed):
            return error
        try:
            cause = json.loads((self._root / "verdict.json").read_text("utf-8"))["cause"]
        except (OSError, ValueError, KeyError, TypeError):
            return error
        return TreatmentFailed(str(cause))

    def close(self) -> None:
        if self._api:
            self._api.stop()

    def _driver(self, what: str) -> list[str]:
        # A document's environment is meant for the program, not for the Python that starts it.
        return [sys.executable, "-E", "-s", str(self._root / "driver"), what, str(self._root)]

    def _lay_out(self) -> None:
        package = self._root / "driver" / "agent"
        try:
            package.mkdir(parents=True)
            (self._root / "driver" / "__main__.py").write_text(_ENTRY_POINT)
            for name in DRIVER_MODULES:
                module = package / f"{name}.py"
                module.parent.mkdir(exist_ok=True)
                module.write_bytes(pkgutil.get_data(_AGENT, f"{name}.py") or b"")
            for path, content in self._program.files.items():
                target_path = self._root / "program" / path
                target_path.parent.mkdir(parents=True, exist_ok=True)
                target_path.write_bytes(content)
        except OSError as error:
            raise AgentError(f"the program cannot be written to the workspace: {error.strerror}") from error
        self._context.workspace.write("program.json", json.dumps(self._task()))

    def _options(self) -> list[str]:
        """Returns the engine's options for its reports. Raises AgentError if it reports more than its pool permits."""
        if not self._token:
            return []
        require_permitted(self._binary.release, self._assignment.captured_values)
        return ["--api-report", *self._binary.release.debug_level(self._assignment.captured_values)]

    def _packages(self) -> "tuple[list[str], list[str]]":
        """Returns the paths of stored packages, and sentences about folders whose packages are not used."""
        used: list[str] = []
        unused: list[str] = []
        for folder in stored_packages.folders():
            found = stored_packages.locations(folder, self._binary.version)
            weakness = None if self._context.protected or not found else stored_packages.changeable(folder)
            if weakness:
                unused.append(
                    f"The packages in {folder} are not used, since commands on this machine run without a sandbox and "
                    f"can change {weakness}: install bubblewrap, or make it read-only for the agent's user"
                )
            elif found:
                used += found
            else:
                unused.append(f"There are no packages in {folder}")
        return used, unused

    def _task(self) -> dict[str, Any]:
        program, assignment = self._program, self._assignment
        packages, unused_packages = self._packages()
        return {
            "binary": self._binary.path,
            "options": self._options(),
            "packages": packages,
            "unused_packages": unused_packages,
            "file": program.file,
            "entrypoint": program.entrypoint,
            "treatment": program.treatment,
            "parameters": program.parameters,
            "secrets": program.secrets,
            "errors": program.errors,
            "captured": program.captured,
            "inputs": [{"name": port.name, "flow": port.flow, "type": port.type} for port in assignment.inputs],
            "outputs": [{"name": port.name, "flow": port.flow, "type": port.type} for port in assignment.outputs],
        }


def check_program(engine: ProgramEngine, command: Command, sandbox: Optional[Bubblewrap], workspace: Workspace) -> None:
    """Runs the engine's check, without a network if there is a sandbox. Raises TreatmentFailed with its messages."""
    if engine.check is None:
        return
    env = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TMPDIR": str(workspace.tmp)}
    launch = (
        sandbox.launch(engine.check, env, workspace, offline=True) if sandbox else plain(engine.check, env, workspace)
    )
    try:
        command.prepare(launch, CHECK_SECONDS)
    except AgentError as error:
        raise engine.with_explanation(error) from error


def _fetched(program: AssignedProgram, url: Optional[str], store: ChunkStore) -> AssignedProgram:
    content = ChunkBuffer()
    try:
        if url is None or not store.get(url, content):
            raise AgentError("the program is not in the store (any more): start the run again")
        return with_files(program, bytes(content.content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AgentError(f"the program cannot be used: {error}") from error


def _required_binary(program: AssignedProgram) -> engine_binary.EngineBinary:
    """Returns the engine of the program's version, or the newest for a program of any. Raises AgentError."""
    engines = engine_binary.programs()
    found = next((engine for engine in engines if _is_version(engine.version, program.version)), None)
    if found is not None:
        return found
    has = engine_binary.in_words()
    if has and not engines:
        raise AgentError(
            f"a program needs an engine that is on its machine: see {engine_binary.PROGRAM}. "
            f"Those in images ({has}) serve workers only"
        )
    wanted = f"the Mélodium engine {program.version}" if program.version else "a Mélodium engine"
    raise AgentError(f"this needs {wanted}, and this machine has {has or 'none'}: see {engine_binary.PROGRAM}")


def _is_version(version: str, wanted: Optional[str]) -> bool:
    """Returns whether a version is the wanted one, or of the wanted series (``0.11``)."""
    return wanted is None or version == wanted or version.startswith(f"{wanted}.")
