"""What the use cases for Mélodium workers need from the outside."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class WorkerSecrets:
    """Of one worker: the keys by which it and the asking engine know each other, and by container what its image is read with."""

    receive_key: str = field(repr=False)
    send_key: str = field(repr=False)
    pull_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class WorkerSecretStore(Protocol):
    """Encrypted, kept as long as the run."""

    def keep(self, run_id: str, secrets: WorkerSecrets) -> WorkerSecrets:
        """What is kept from now on: of several calls for a run, what the first one said."""

    def get(self, run_id: str) -> WorkerSecrets:
        """Raises NotFound."""


class ReportMasks(Protocol):
    """What is masked in the reports of a process (bucket `data`, `runs/{run}/melodium/secrets`)."""

    def note(self, run_id: str, digests: Iterable[str]) -> None:
        """Before it can report anything. Safe to repeat until then."""

    def hand_on(self, asking: str, worker: str) -> None:
        """What is masked of the one is masked of the other, which it gives its values. Before the worker can report anything."""
