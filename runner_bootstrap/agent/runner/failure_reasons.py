"""Adds to a command's error what is known of its reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..execution.steps import StepRecorder
from ..shared.errors import TreatmentFailed


def with_reason(
    error: Exception, steps: StepRecorder, limiting: Iterable[Any], memory: int, explaining: Any
) -> Exception:
    """Names the step that failed, and the memory limit (MB) if one of ``limiting`` says that the kernel enforced it.

    ``explaining`` knows more about other errors, unless it is None.
    """
    if isinstance(error, TreatmentFailed) and (step := steps.failed_step()):
        error = TreatmentFailed(f"step {step}: {error}")
    killed = any(one.killed_for_memory() for one in limiting if one)
    if isinstance(error, TreatmentFailed) and killed:
        return TreatmentFailed(f"it took more than its {memory} MB of memory: {error}")
    explained: Exception = explaining.with_explanation(error) if explaining else error
    return explained
