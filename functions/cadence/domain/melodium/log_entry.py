"""A line as an engine logs it."""

import hashlib
from dataclasses import dataclass

LEVELS = {"Error": "error", "Warning": "warning", "Info": "info", "Debug": "debug", "Trace": "debug"}
"""What engines call the levels → the levels that lines have."""

UNLABELLED = "engine"


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """`run_id` is the process that wrote it, None if it does not say. `label` is what the program calls whoever spoke."""

    time: str
    level: str
    label: str
    message: str
    track: int | None
    run_id: str | None

    @property
    def digest(self) -> bytes:
        """The same wherever the same line comes from: an engine hands on what its workers log."""
        said = "\0".join((self.time, self.level, self.label, self.message, str(self.track)))
        return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest()
