"""What only the runner of an engine is told: keys and tokens, at the moment of its claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.application.melodium.run_tokens import RunTokens
from cadence.application.melodium.worker_ports import WorkerSecretStore
from cadence.application.ports import RunStore
from cadence.application.runner_ports import Specs
from cadence.domain.melodium.specification import EngineSpec, WorkerSpec
from cadence.domain.run import Run
from cadence.domain.runner import Runner


@dataclass(frozen=True)
class ReadEngineSecrets:
    """Implements `EngineSecrets`."""

    workers: WorkerSecretStore
    tokens: RunTokens

    def __call__(self, run: Run, engine: EngineSpec) -> Mapping[str, Any]:
        """Raises NotFound if the keys of a worker are gone."""
        told: dict[str, Any] = {"api_token": self.tokens.issue(run)}
        if isinstance(engine, WorkerSpec):
            kept = self.workers.get(run.run_id)
            told |= {"receive_key": kept.receive_key, "send_key": kept.send_key}
            told |= {"pull_secrets": dict(kept.pull_secrets)}
        return told


@dataclass(frozen=True)
class RevokeEngineToken:
    """The token of a runner's engine is good for nothing once the runner has ended."""

    specs: Specs
    runs: RunStore
    tokens: RunTokens

    def __call__(self, runner: Runner) -> None:
        """Safe to repeat."""
        if self.specs(runner.run_id, runner.treatment).engine is not None:
            self.tokens.revoke(self.runs.get_run(runner.run_id))
