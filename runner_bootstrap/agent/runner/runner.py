"""Runs one assignment from its claim to its completion."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from ..assignments.assignment import Assignment
from ..containers.container_engine import ContainerEnvironment
from ..containers.pod_containers import PodContainers
from ..containers.registries import texts_to_mask
from ..containers.treatment_containers import (
    ContainersContext,
    EngineContainers,
    TreatmentContainers,
    launch_engine_image,
)
from ..execution.command import ENGINE_GRACE_SECONDS, Command
from ..execution.sandbox import LaunchSpec
from ..execution.steps import StepRecorder, command_of
from ..execution.supervisor import CommandSupervisor
from ..execution.workspace import Workspace
from ..gateway.client import GatewayClient
from ..logs.buffer import LogBuffer, LogSender
from ..logs.masking import Masker
from ..logs.spill import BlockQueue
from ..melodium.program_engine import ProgramEngine, check_program
from ..melodium.worker_engine import WorkerEngine, with_pull_secrets
from ..resources.sampler import Sampler
from ..resources.series import SampleSeries
from ..shared import error_outcomes
from ..shared.clock import timestamp
from ..shared.errors import CANCELLED, INFRASTRUCTURE, INTERRUPTED, SUCCEEDED, AgentError, Stopped
from ..shared.termination import Termination
from ..shells.shells import Shells
from ..values.caches import TreatmentCaches
from ..values.chunks import ChunkStore
from ..values.job_summary import read_summary
from ..values.quarantine import forgiving
from ..values.treatment_ports import TreatmentPorts
from .command_launcher import CommandLauncher
from .completion import completion
from .engine_connections import EngineConnections
from .failure_reasons import with_reason
from .heartbeat import HeartbeatSender
from .id_token_file import IdTokenFile
from .path_variables import path_variables
from .requests import REPORT_PATIENCE, RunnerRequests
from .settings import RunnerSettings
from .shell_tunnels import connect_to_user


class AssignmentRunner:
    """Runs a claimed assignment and reports its outcome. ``gateway`` uses the session token."""

    def __init__(
        self,
        gateway: GatewayClient,
        settings: RunnerSettings,
        assignment: Assignment,
        supervisor: CommandSupervisor,
        termination: Termination,
        store: ChunkStore | None = None,
    ) -> None:
        self._gateway, self._settings, self._assignment, self._termination = gateway, settings, assignment, termination
        self._replays, self._store = store is not None, store or settings.chunk_store(termination)
        self._requests = RunnerRequests(gateway, settings.runner_id, termination)
        self._masker = Masker([*assignment.secret_values, *texts_to_mask(assignment.registries.reveal())])
        waiting = BlockQueue(settings.parent)
        self._log = LogBuffer(assignment.log_flush_seconds, assignment.follow, self._masker, waiting)
        self._sampler = Sampler(supervisor.pid)
        self._series = SampleSeries(self._sampler.sample)
        self._sender = LogSender(self._log, self._requests.send_lines, self._failed)
        self._ports: TreatmentPorts | None = None
        self._steps = StepRecorder(assignment.steps)
        self._heartbeat = HeartbeatSender(
            gateway=gateway,
            path=self._requests.path("heartbeat"),
            every=assignment.heartbeat_seconds,
            lease=assignment.lease_seconds,
            termination=termination,
            series=self._series,
            steps=self._steps,
            on_answer=self._on_heartbeat,
        )
        self._supervisor, self._command = supervisor, Command(supervisor, self._log, termination)
        self._command.marks = self._steps or None
        self._treatment_containers: TreatmentContainers | None = None
        self._engine: WorkerEngine | ProgramEngine | None = None
        self._id_token: IdTokenFile | None = None
        self._connections_of_engine: EngineConnections | None = None
        self._launcher = CommandLauncher(settings, assignment)
        self._shells = Shells(supervisor, self._log, connect_to_user(gateway, settings, assignment))
        self._summary = ""

    def run(self) -> bool:
        """Returns true once the gateway has the outcome; false if it refuses it or cannot be reached."""
        started_at, started = timestamp(), time.monotonic()
        self._heartbeat.start()
        self._sender.start()
        self._log.warn_of_short_secrets()
        self._attempt()
        self._assignment.overwrite_secrets()
        self._heartbeat.phase = "finishing"
        if self._termination.error:
            self._log.say(self._termination.error, "warning" if self._termination.outcome == CANCELLED else "error")
        self._log.flush()
        try:
            # The control plane may have given the assignment up, so these outcomes are offered for a while only.
            given_up = not self._termination.report or self._termination.outcome in (INFRASTRUCTURE, INTERRUPTED)
            self._sender.join(REPORT_PATIENCE if given_up else None)
            return self._termination.report and self._complete(started_at, time.monotonic() - started)
        finally:
            self._heartbeat.stop()

    def _attempt(self) -> None:
        """Runs the command in a new workspace; every error becomes the termination."""
        workspace: Workspace | None = None
        try:
            workspace = Workspace(self._settings.parent, self._settings.runner_id)
            self._sampler.watch(workspace.root)
            self._run_in(workspace)
            self._termination.decide(SUCCEEDED, "")
        except Exception as error:  # noqa: BLE001 - the control plane must receive the agent's own errors too
            self._failed(error)
        finally:
            try:
                self._command.kill()
                self._shells.close()
                for closable in (self._id_token, self._engine, self._connections_of_engine):
                    if closable:
                        closable.close()
                if self._treatment_containers:
                    self._treatment_containers.remove()
            except AgentError as error:
                self._failed(error)
            self._store.close()
            self._summary = read_summary(workspace, self._masker)
            for removable in (workspace, self._launcher):
                if removable:
                    removable.remove()

    def _run_in(self, workspace: Workspace) -> None:
        assignment = self._assignment
        workspace.require_space(assignment.limit("storage"))
        assignment.require_consistent()
        self._ports = ports = TreatmentPorts(
            assignment=assignment,
            workspace=workspace,
            call=self._requests.call,
            termination=self._termination,
            masker=self._masker,
            failed=self._failed,
            store=self._store,
        )
        if assignment.worker:
            self._engine = WorkerEngine(assignment, self._engine_connections().engine_context(workspace))
            assignment.services, secrets = self._engine.services, assignment.pull_secrets.reveal()
            assignment.registries = with_pull_secrets(assignment.registries, secrets, self._log)
        if assignment.program:
            context = self._engine_connections().engine_context(workspace)
            self._engine = ProgramEngine(assignment, context, self._store)
            check_program(self._engine, self._command, self._settings.sandbox(), workspace)
        self._treatment_containers = treatment_containers = self._create_containers(workspace)
        self._heartbeat.phase = "reading"
        ports.read_blocks()
        caches = TreatmentCaches(
            caches=assignment.caches,
            workspace=workspace,
            call=self._requests.call,
            termination=self._termination,
            masker=self._masker,
            log=self._log,
        )
        caches.restore()
        launch = self._prepare(workspace, ports, treatment_containers)
        ports.open_streams()
        self._heartbeat.phase = "running"
        try:
            if self._engine:
                self._command.grace_seconds = ENGINE_GRACE_SECONDS
                self._engine.watch(self._supervisor.pid, self._engine_connections().report_listening)
            with forgiving(assignment, workspace, self._command, self._log):
                self._command.run(launch, assignment.max_duration, ports.stdio())
            if self._engine:
                self._engine.require_success()
            ports.require_outputs()
        except (AgentError, Stopped) as error:
            # Before the outputs see the command's end: the stream of a failed treatment is not ended.
            self._failed(error if isinstance(error, Stopped) else self._with_reason(error))
            if not (self._engine or self._replays):
                ports.keep_written(self._requests.call_until, self._log)
            raise Stopped from error
        finally:
            ports.command_ended()
        self._heartbeat.phase = "uploading"
        ports.finish(self._log)
        caches.save()

    def _create_containers(self, workspace: Workspace) -> TreatmentContainers | None:
        """Creates the containers of this assignment with all images available, if it has any."""
        assignment, pod = self._assignment, self._settings.pod
        context = self._context_of_containers(workspace)
        if not context.has_containers and not (pod and assignment.worker and assignment.worker.containers):
            return None
        treatment_containers: TreatmentContainers = PodContainers(context, pod) if pod else EngineContainers(context)
        self._heartbeat.phase = "pulling"
        treatment_containers.fetch()
        self._sampler.container_usage_now = treatment_containers.usage
        return treatment_containers

    def _context_of_containers(self, workspace: Workspace) -> ContainersContext:
        return ContainersContext(
            assignment=self._assignment,
            runner_id=self._settings.runner_id,
            workspace=workspace,
            command=self._command,
            log=self._log,
            termination=self._termination,
            supervisor=self._supervisor,
        )

    def _prepare(
        self, workspace: Workspace, ports: TreatmentPorts, treatment_containers: TreatmentContainers | None
    ) -> LaunchSpec:
        """Returns how to start the command: in its image, else in bubblewrap if it works, else directly on the host."""
        assignment = self._assignment
        command = command_of(assignment, self._steps, workspace)
        variables = {**path_variables(assignment, workspace), **ports.variables, **self._steps.variables(workspace)}
        if treatment_containers:
            self._heartbeat.phase = "preparing"
            variables.update(treatment_containers.start())
        if self._engine:
            command = self._engine.start(treatment_containers)
            variables.update(self._engine.variables())
        self._id_token = IdTokenFile(assignment, workspace, self._requests.call, self._masker, self._log)
        variables.update(self._id_token.open())
        secrets = assignment.secrets.reveal()
        env = {**assignment.variables(variables), **secrets}
        self._shells.allow(partial(self._launcher.launch_shell, env, workspace, treatment_containers))
        return self._launch(command, ContainerEnvironment(env, list(secrets)), workspace, treatment_containers)

    def _launch(
        self,
        command: list[str],
        env: ContainerEnvironment,
        workspace: Workspace,
        treatment_containers: TreatmentContainers | None,
    ) -> LaunchSpec:
        launch = treatment_containers.launch(command, env) if treatment_containers else None
        if not launch and isinstance(self._engine, WorkerEngine) and self._engine.image:
            launch = launch_engine_image(self._engine.image, command, env, self._context_of_containers(workspace))
        if launch:
            return launch
        return self._launcher.launch(command, env.values, workspace, is_engine=bool(self._engine))

    def _with_reason(self, error: Exception) -> Exception:
        explaining = self._engine if isinstance(self._engine, ProgramEngine) else self._treatment_containers
        memory = self._assignment.limit("memory")
        return with_reason(error, self._steps, (self._launcher, self._treatment_containers), memory, explaining)

    def _engine_connections(self) -> EngineConnections:
        if self._connections_of_engine is None:
            self._connections_of_engine = EngineConnections(
                url=self._gateway.url,
                assignment=self._assignment,
                settings=self._settings,
                call=self._requests.call,
                failed=self._failed,
                log=self._log,
                termination=self._termination,
            )
        return self._connections_of_engine

    def _on_heartbeat(self, answer: dict[str, Any]) -> None:
        self._log.set_follow(bool(answer.get("follow")))
        if self._ports:
            self._ports.update_producers(answer.get("inputs") or {})
        self._shells.update(answer)

    def _complete(self, started_at: str, duration: float) -> bool:
        exit_ = self._command.exit
        self._steps.finish(self._termination.outcome)
        body = completion(
            self._termination,
            exit_,
            started_at=started_at,
            error=self._masker.mask(self._termination.error or ""),
            logs_through=self._log.accepted,
            summary=self._summary,
            steps=self._steps.report(),
            image_digest=self._treatment_containers.image_digest if self._treatment_containers else None,
            samples=self._series.rest(),
            usage=self._sampler.usage(exit_.cpu_seconds if exit_ else 0.0, exit_.memory_peak if exit_ else 0, duration),
        )
        return self._requests.complete(body)

    def _failed(self, error: Exception) -> None:
        error_outcomes.terminate_for(self._termination, error, self._settings.parent)
