"""Ports of the use cases for Mélodium workers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class WorkerSecrets:
    """The secrets of one worker.

    They are the keys by which it and the asking engine know each other, and the pull secret of each container's image.
    """

    receive_key: str = field(repr=False)
    send_key: str = field(repr=False)
    pull_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class WorkerSecretStore(Protocol):
    """Stores the secrets of workers, encrypted, as long as the run."""

    def keep(self, run_id: str, secrets: WorkerSecrets) -> WorkerSecrets:
        """Stores the secrets and returns the stored ones: of several calls for a run, those of the first."""

    def get(self, run_id: str) -> WorkerSecrets:
        """Returns the secrets of a worker. Raises NotFound."""


class ReportMasks(Protocol):
    """Stores digests of texts to mask in the reports of a process (bucket `data`, `runs/{run}/melodium/secrets`)."""

    def note(self, run_id: str, digests: Iterable[str]) -> None:
        """Stores digests; must be called before the process can report, and may be repeated until then."""

    def hand_on(self, asking: str, worker: str) -> None:
        """Masks in the worker's reports what is masked in those of the asking engine, which gives it its values.

        Must be called before the worker can report.
        """
