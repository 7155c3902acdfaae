"""What only the runner of an engine is told: keys and tokens, at the moment of its claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.application.melodium.worker_ports import WorkerSecretStore
from cadence.application.runner_ports import DataUrls
from cadence.domain.ids import document_key
from cadence.domain.melodium.specification import EngineSpec, ProgramSpec, WorkerSpec
from cadence.domain.run import Run


@dataclass(frozen=True)
class ReadEngineSecrets:
    """Implements `EngineSecrets`."""

    workers: WorkerSecretStore
    urls: DataUrls

    def __call__(self, run: Run, engine: EngineSpec) -> Mapping[str, Any]:
        """Raises NotFound if the keys of a worker are gone."""
        told: dict[str, Any] = {}
        if isinstance(engine, WorkerSpec):
            kept = self.workers.get(run.run_id)
            told |= {"receive_key": kept.receive_key, "send_key": kept.send_key}
            told |= {"pull_secrets": dict(kept.pull_secrets)}
        if isinstance(engine, ProgramSpec):
            told["program_url"] = self.urls.download(document_key(engine.program))
        return told
