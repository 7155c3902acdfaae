"""Stack traces in log lines: recognised for the common languages, with their frames and the lines they stand on.

`recognising.find` finds them; it is imported where it is used, since its patterns take a while to be compiled.
"""

from cadence.domain.insight.stacktraces.model import Frame, StackTrace

__all__ = ["Frame", "StackTrace"]
