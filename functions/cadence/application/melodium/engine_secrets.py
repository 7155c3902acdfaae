"""Reads the keys and tokens that only the runner of an engine gets, at the moment of its claim."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.melodium.run_tokens import RunTokens
from cadence.application.melodium.worker_ports import ReportMasks, WorkerSecretStore
from cadence.application.shared.run_ports import RunStore
from cadence.application.shared.runner_ports import Specs
from cadence.application.shared.value_ports import DataUrls
from cadence.domain.melodium.redaction import digest
from cadence.domain.melodium.specification import ProgramSpec, WorkerSpec, engine_run_id
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Run
from cadence.domain.shared.ids import document_key


@dataclass(frozen=True)
class ReadEngineSecrets:
    """Reads the secrets of an engine; implements `EngineSecrets`."""

    workers: WorkerSecretStore
    tokens: RunTokens
    urls: DataUrls
    masks: ReportMasks

    def read(self, run: Run, spec: TreatmentSpec, attempt: int, secrets: Sequence[str]) -> Mapping[str, Any]:
        """Returns the program's URL, the API token and a worker's keys, and masks `secrets` in the engine's reports.

        Raises NotFound if the keys of a worker are gone.
        """
        engine = spec.engine
        access: dict[str, Any] = {}
        if isinstance(engine, ProgramSpec):
            access["program_url"] = self.urls.download(document_key(engine.program))
            if engine.check_only or engine.captured is not None:
                return access
        process = reporting(run, spec, attempt)
        if secrets:
            self.masks.note(process.run_id, map(digest, _texts(secrets)))
        access["api_token"] = self.tokens.issue(process)
        if isinstance(engine, WorkerSpec):
            worker = self.workers.get(run.run_id)
            access |= {"receive_key": worker.receive_key, "send_key": worker.send_key}
            access |= {"pull_secrets": dict(worker.pull_secrets)}
        return access


def _texts(secrets: Sequence[str]) -> Iterable[str]:
    """Yields the forms in which secrets may appear: whole, and line by line."""
    for secret in secrets:
        yield from {secret, secret.strip(), *secret.splitlines()} - {""}


def reporting(run: Run, spec: TreatmentSpec, attempt: int) -> Run:
    """Returns the run that an engine reports: a worker's own run, or one run for each attempt of a program."""
    if isinstance(spec.engine, ProgramSpec):
        return replace(run, run_id=engine_run_id(run.run_id, spec.name, attempt))
    return run


@dataclass(frozen=True)
class RevokeEngineToken:
    """Revokes the token of a runner's engine once the runner has ended."""

    specs: Specs
    runs: RunStore
    tokens: RunTokens

    def revoke(self, runner: Runner) -> None:
        """Deletes the token, if the runner has an engine. Safe to repeat."""
        spec = self.specs(runner.run_id, runner.treatment)
        if spec.engine is not None:
            self.tokens.revoke(reporting(self.runs.get_run(runner.run_id), spec, runner.attempt))
