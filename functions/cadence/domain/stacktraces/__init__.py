"""Stack traces in log lines: recognised for the common languages, with their frames and the lines they stand on."""

from cadence.domain.stacktraces.model import Frame, StackTrace
from cadence.domain.stacktraces.recognising import find

__all__ = ["Frame", "StackTrace", "find"]
