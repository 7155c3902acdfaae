"""Versions of a pipeline: immutable, numbered from 1, each holding everything a run needs to start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cadence.domain.pipelines.specification import ConcurrencyPolicy
from cadence.domain.triggers.triggers import NO_TRIGGERS, Triggers


@dataclass(frozen=True, kw_only=True)
class PipelineVersion:
    """One version of a pipeline.

    `document_sha256` is the digest of the document as written, `plan_sha256` that of the plan which admission works
    from, empty if every run has a plan of its own; concurrency group and priority belong to that plan. `parameters`
    holds the defaults. `pins` has the digests of the documents whose definitions it uses, at the time when the plan was
    made. `max_duration` is the seconds a whole run may take.
    """

    organization: str
    project: str
    name: str
    version: int
    document_sha256: str
    plan_sha256: str
    max_duration: int
    created_at: datetime
    created_by: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    triggers: Triggers = NO_TRIGGERS
    concurrency_group: str | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE
    priority: int = 0
    pins: Mapping[str, str] = field(default_factory=dict)
