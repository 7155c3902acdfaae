"""One assignment from claim to completion."""

from __future__ import annotations

import os
import time
from typing import Any

from ..assignments.assignment import Assignment
from ..containers.container_engine import Environment
from ..containers.pod_containers import PodCompany
from ..containers.registries import worth_masking
from ..containers.treatment_containers import Company, EngineCompany, Members, in_engines_image
from ..execution.cgroups import Confined
from ..execution.command import Command
from ..execution.sandbox import Launch, plain
from ..execution.supervisor import Keeper
from ..execution.workspace import Workspace
from ..gateway.client import Gateway
from ..logs.buffer import LogBuffer, LogSender
from ..logs.masking import Masker
from ..melodium.program_engine import ProgramEngine, check_program
from ..melodium.worker_engine import WorkerEngine, with_pull_secrets
from ..resources.sampler import Sampler
from ..resources.series import Series
from ..shared import error_outcomes
from ..shared.clock import timestamp
from ..shared.errors import INFRASTRUCTURE, INTERRUPTED, SUCCEEDED, AgentError, GatewayError, Stopped, TreatmentFailed
from ..shared.termination import Ending
from ..values.caches import Caches
from ..values.chunks import Store
from ..values.treatment_ports import Data
from .engine_connections import EngineWays
from .heartbeat import Heartbeat
from .settings import Site

#: How long the outcome of an assignment that others may already have written off is still offered to the gateway.
REPORT_PATIENCE = 20.0
LONGEST_ERROR = 8192


class Runner:
    """Works on a claimed assignment and reports. ``gateway`` speaks with the session token."""

    def __init__(
        self,
        gateway: Gateway,
        site: Site,
        assignment: Assignment,
        keeper: Keeper,
        ending: Ending,
        store: Store | None = None,
    ) -> None:
        self._gateway, self._site, self._assignment, self._ending = gateway, site, assignment, ending
        self._store = store
        self._masker = Masker([*assignment.secret_values, *worth_masking(assignment.registries.reveal())])
        self._log = LogBuffer(assignment.log_flush_seconds, assignment.follow, self._masker)
        self._sampler = Sampler(keeper.pid)
        self._series = Series(self._sampler.sample)
        self._sender = LogSender(self._log, self._send_lines, self._failed)
        self._data: Data | None = None
        self._heartbeat = Heartbeat(
            gateway,
            self._path("heartbeat"),
            assignment.heartbeat_seconds,
            assignment.lease_seconds,
            ending,
            self._series,
            self._heard,
        )
        self._keeper = keeper
        self._command = Command(keeper, self._log, ending)
        self._company: Company | None = None
        self._engine: WorkerEngine | ProgramEngine | None = None
        self._ways: EngineWays | None = None
        self._confined: Confined | None = None

    def run(self) -> bool:
        """True once the outcome is with the gateway; false when the gateway does not want it or cannot have it."""
        started_at, started = timestamp(), time.monotonic()
        self._heartbeat.start()
        self._sender.start()
        if self._masker.too_short:
            self._log.say(
                f"{self._masker.too_short} secret(s) have less than 4 characters: they are masked only as they stand",
                "warning",
            )
        self._attempt()
        self._assignment.overwrite_secrets()
        self._heartbeat.phase = "finishing"
        if self._ending.error:
            self._log.say(self._ending.error, "error")
        self._log.flush()
        try:
            # What others may already have written off is offered for a while only.
            self._sender.join(REPORT_PATIENCE if self._ending.outcome in (INFRASTRUCTURE, INTERRUPTED) else None)
            return self._ending.report and self._complete(started_at, time.monotonic() - started)
        finally:
            self._heartbeat.stop()

    def _attempt(self) -> None:
        """Run the command in a fresh workspace; whatever happens ends up in ``ending``."""
        workspace: Workspace | None = None
        try:
            workspace = Workspace(self._site.parent, self._site.runner_id)
            self._sampler.watch(workspace.root)
            self._run_in(workspace)
            self._ending.decide(SUCCEEDED, "")
        except Exception as error:  # noqa: BLE001 - the control plane must hear of any fault of the agent's own
            self._failed(error)
        finally:
            try:
                self._command.kill()
                for each in (self._engine, self._ways):
                    if each:
                        each.close()
                if self._company:
                    self._company.remove()
            except AgentError as error:
                self._failed(error)
            if workspace:
                workspace.remove()
            if self._confined:
                self._confined.remove()

    def _run_in(self, workspace: Workspace) -> None:
        assignment = self._assignment
        workspace.require_space(assignment.limit("storage"))
        assignment.require_sense()
        self._data = data = Data(
            assignment, workspace, self._call_port, self._ending, self._masker, self._failed, self._store
        )
        if assignment.worker:
            self._engine = WorkerEngine(assignment, self._way_of_engines().around(workspace))
            assignment.services = self._engine.services
            assignment.registries = with_pull_secrets(
                assignment.registries, assignment.pull_secrets.reveal(), self._log
            )
        if assignment.program:
            self._engine = ProgramEngine(
                assignment, self._way_of_engines().around(workspace), self._store or Store(self._ending)
            )
            check_program(self._engine, self._command, self._site.sandbox(), workspace)
        self._company = company = self._gather(workspace)
        self._heartbeat.phase = "reading"
        data.read_blocks()
        caches = Caches(assignment.caches, workspace, self._call_port, self._ending, self._masker, self._log)
        caches.restore()
        launch = self._prepare(workspace, data, company)
        data.open_streams()
        self._heartbeat.phase = "running"
        try:
            if self._engine:
                self._engine.watch(self._keeper.pid, self._way_of_engines().tell_listening)
            self._command.run(launch, assignment.max_duration, data.stdio())
            if self._engine:
                self._engine.require_success()
            data.require_outputs()
        except AgentError as error:
            # Before the outputs hear of the command's end: the stream of a failed treatment is not ended.
            self._failed(self._with_reason(error))
            raise Stopped from error
        finally:
            data.command_ended()
        self._heartbeat.phase = "uploading"
        data.finish()
        caches.save()

    def _gather(self, workspace: Workspace) -> Company | None:
        """The containers of this assignment with all images at hand, if it has any."""
        assignment, pod = self._assignment, self._site.pod
        members = self._members(workspace)
        if not members.wanted and not (pod and assignment.worker and assignment.worker.containers):
            return None
        company: Company = PodCompany(members, pod) if pod else EngineCompany(members)
        self._heartbeat.phase = "pulling"
        company.fetch()
        self._sampler.elsewhere = company.usage
        return company

    def _members(self, workspace: Workspace) -> Members:
        its = (self._command, self._log, self._ending, self._keeper)
        return Members(self._assignment, self._site.runner_id, workspace, *its)

    def _prepare(self, workspace: Workspace, data: Data, company: Company | None) -> Launch:
        """How to start the command: in its image, else in bubblewrap if it works here, else plainly."""
        assignment = self._assignment
        script = workspace.write("script", assignment.script)
        event = workspace.write("event.json", assignment.event_text)
        command = [*assignment.shell.split(), str(script)]
        places = {
            "HOME": str(workspace.root),
            "TMPDIR": str(workspace.tmp),
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "CADENCE_EVENT_FILE": str(event),
            **data.variables,
        }
        if company:
            self._heartbeat.phase = "preparing"
            places.update(company.start())
        if self._engine:
            command = self._engine.start(company)
            places.update(self._engine.variables())
        secrets = assignment.secrets.reveal()
        env = {**assignment.variables(places), **secrets}
        return self._launch(command, Environment(env, list(secrets)), workspace, company)

    def _launch(self, command: list[str], env: Environment, workspace: Workspace, company: Company | None) -> Launch:
        assignment = self._assignment
        within = company.launch(command, env) if company else None
        if not within and isinstance(self._engine, WorkerEngine) and self._engine.image:
            within = in_engines_image(self._engine.image, command, env, self._members(workspace))
        if within:
            return within
        launch = self._on_host(command, env, workspace)
        if not self._site.cgroups:
            return launch
        # Engines take more than what a program asks for its worker, which nobody holds them to elsewhere.
        memory = 0 if self._engine else assignment.limit("memory")
        self._confined = self._site.cgroups.confine(self._site.runner_id, assignment.limit("cpu"), memory)
        return launch._replace(groups=self._confined.entries)

    def _on_host(self, command: list[str], env: Environment, workspace: Workspace) -> Launch:
        sandbox = self._site.sandbox()
        if sandbox:
            return sandbox.launch(command, env.values, workspace, self._assignment.offline)
        if self._assignment.offline:
            raise AgentError("the command cannot be cut off the network here: that takes bubblewrap, or an image")
        return plain(command, env.values, workspace)

    def _with_reason(self, error: AgentError) -> Exception:
        """A command that the kernel killed for its memory says nothing of it itself, and an engine's exit code little."""
        killed = bool(self._confined and self._confined.killed_for_memory())
        killed = killed or bool(self._company and self._company.killed_for_memory())
        if isinstance(error, TreatmentFailed) and killed:
            return TreatmentFailed(f"it took more than its {self._assignment.limit('memory')} MB of memory: {error}")
        explaining = self._engine if isinstance(self._engine, ProgramEngine) else self._company
        return explaining.explained(error) if explaining else error

    def _way_of_engines(self) -> EngineWays:
        if self._ways is None:
            around = (self._log, self._ending, tuple(self._site.hidden))
            self._ways = EngineWays(
                self._gateway.url, self._assignment, self._site, self._call_port, self._failed, around
            )
        return self._ways

    def _heard(self, answer: dict[str, Any]) -> None:
        self._log.set_follow(bool(answer.get("follow")))
        if self._data:
            self._data.hear(answer.get("inputs") or {})

    def _send_lines(self, lines: list[dict[str, Any]]) -> dict[str, Any]:
        return self._gateway.call(self._path("logs"), {"lines": lines}, sleep=self._sleep_while_wanted)

    def _call_port(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._gateway.call(self._path(what), body, sleep=self._ending.sleep)

    def _complete(self, started_at: str, duration: float) -> bool:
        done, samples = self._command.exit, self._series.rest()
        digest = self._company.image_digest if self._company else None
        body = {
            "outcome": self._ending.outcome,
            "exit_code": done.exit_code if done else None,
            "signal": done.signal if done else None,
            "error": self._masker.mask(self._ending.error or "")[:LONGEST_ERROR] or None,
            "started_at": started_at,
            "finished_at": timestamp(),
            "logs_through": self._log.accepted,
            **({"image_digest": digest} if digest else {}),
            **({"samples": samples} if samples else {}),
            "usage": self._sampler.usage(done.cpu_seconds if done else 0.0, done.memory_peak if done else 0, duration),
        }
        patience = REPORT_PATIENCE if self._ending.outcome == INFRASTRUCTURE else float("inf")
        try:
            self._gateway.call(self._path("complete"), body, patience, sleep=self._sleep_while_wanted)
        except (GatewayError, Stopped):
            return False
        return True

    def _sleep_while_wanted(self, seconds: float) -> None:
        """For what has to reach the gateway although the assignment is ending, but not once the lease is gone."""
        time.sleep(seconds)
        if not self._ending.report:
            raise Stopped

    def _failed(self, error: Exception) -> None:
        error_outcomes.end_with(self._ending, error, self._site.parent)

    def _path(self, what: str) -> str:
        return self._gateway.runner(self._site.runner_id, what)
