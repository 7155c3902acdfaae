"""What only the runner of an engine is told: keys and tokens, at the moment of its claim."""

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
    """Implements `EngineSecrets`."""

    workers: WorkerSecretStore
    tokens: RunTokens
    urls: DataUrls
    masks: ReportMasks

    def read(self, run: Run, spec: TreatmentSpec, attempt: int, secrets: Sequence[str]) -> Mapping[str, Any]:
        """`secrets` are values that must not be in what the engine reports. Raises NotFound if the keys of a worker are gone."""
        engine = spec.engine
        told: dict[str, Any] = {}
        if isinstance(engine, ProgramSpec):
            told["program_url"] = self.urls.download(document_key(engine.program))
            if engine.check_only or engine.captured is not None:
                return told
        process = reporting(run, spec, attempt)
        if secrets:
            self.masks.note(process.run_id, map(digest, _texts(secrets)))
        told["api_token"] = self.tokens.issue(process)
        if isinstance(engine, WorkerSpec):
            kept = self.workers.get(run.run_id)
            told |= {"receive_key": kept.receive_key, "send_key": kept.send_key}
            told |= {"pull_secrets": dict(kept.pull_secrets)}
        return told


def _texts(secrets: Sequence[str]) -> Iterable[str]:
    """As they may come up: whole, and line by line."""
    for secret in secrets:
        yield from {secret, secret.strip(), *secret.splitlines()} - {""}


def reporting(run: Run, spec: TreatmentSpec, attempt: int) -> Run:
    """The run that the engine of a treatment tells of: a worker is a run, a program has one of its own for each attempt."""
    if isinstance(spec.engine, ProgramSpec):
        return replace(run, run_id=engine_run_id(run.run_id, spec.name, attempt))
    return run


@dataclass(frozen=True)
class RevokeEngineToken:
    """The token of a runner's engine is good for nothing once the runner has ended."""

    specs: Specs
    runs: RunStore
    tokens: RunTokens

    def revoke(self, runner: Runner) -> None:
        """Safe to repeat."""
        spec = self.specs(runner.run_id, runner.treatment)
        if spec.engine is not None:
            self.tokens.revoke(reporting(self.runs.get_run(runner.run_id), spec, runner.attempt))
