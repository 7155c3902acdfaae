"""Log lines of engines."""

import hashlib
from dataclasses import dataclass

LEVELS = {"Error": "error", "Warning": "warning", "Info": "info", "Debug": "debug", "Trace": "debug"}
"""The levels of lines, by the engines' names for them."""

UNLABELLED = "engine"


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One line of an engine's log.

    `run_id` is the process that wrote it, None if the line does not name it. `label` is the program's name for its
    author.
    """

    time: str
    level: str
    label: str
    message: str
    track: int | None
    run_id: str | None

    @property
    def interrupts(self) -> bool:
        """Whether it is the engine's own line that a signal asks it to end."""
        return (self.level, self.label) == ("Warning", "melodium") and self.message.startswith("interrupted by ")

    @property
    def digest(self) -> bytes:
        """The digest by which a line is recognized that arrives twice: an engine forwards the lines of its workers."""
        content = "\0".join((self.time, self.level, self.label, self.message, str(self.track)))
        return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).digest()
