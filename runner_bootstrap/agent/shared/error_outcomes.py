"""Converts an error of any thread to the outcome of the assignment."""

from __future__ import annotations

import errno
from pathlib import Path

from .errors import FAILED, INFRASTRUCTURE, AgentError, GatewayError, LeaseLost, RequestRefused, Stopped
from .termination import Termination


def terminate_for(termination: Termination, error: Exception, workspaces: Path) -> None:
    """Terminates the assignment because of ``error``, unless it is terminated already.

    ``workspaces`` is the directory named in the message if its disk is full.
    """
    if isinstance(error, Stopped):
        return
    if isinstance(error, AgentError):
        termination.decide_from(error)
    elif isinstance(error, LeaseLost):
        termination.decide(*error.outcome, report=False)
    elif isinstance(error, RequestRefused) and error.details.get("quota"):
        # Another attempt would meet the same quota.
        termination.decide(FAILED, str(error).partition(": ")[2])
    elif isinstance(error, GatewayError):
        termination.decide(INFRASTRUCTURE, str(error))
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        termination.decide(INFRASTRUCTURE, f"the disk of {workspaces} is full")
    else:
        termination.decide(INFRASTRUCTURE, f"the agent failed: {type(error).__name__}: {error}")
