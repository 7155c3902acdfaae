"""The frozen content of a run, before it starts."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.pipelines.document import OF_FILES, Pipeline, PoolOffer
from cadence.domain.pipelines.specification import ConcurrencyPolicy, StoredContent
from cadence.domain.runs.run import ReplayOf, Run
from cadence.domain.shared.errors import Conflict


@dataclass(frozen=True)
class Unplanned:
    """A checked pipeline whose plan depends on the run, and its project's environments and pools as they are now."""

    pipeline: Pipeline
    environments: Mapping[str, EnvironmentSet] | None
    pools: Mapping[str, PoolOffer] | None = None


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a run executes, all by digest: a later change of anything else does not change the run.

    `pins` are the documents whose definitions it uses, by digest. `unplanned` is what the plan is yet to be made from;
    `plan_sha256` is then empty. `source` are the files that treatments with `source: true` receive, until the plan has
    them.
    """

    organization: str
    project: str
    pipeline: str
    document_sha256: str
    plan_sha256: str
    max_duration: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pipeline_version: int | None = None
    concurrency_group: str | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE
    priority: int = 0
    rerun_of: str | None = None
    replay_of: ReplayOf | None = None
    kept_sha256: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)
    unplanned: Unplanned | None = field(default=None, repr=False)
    source: StoredContent | None = None

    def fingerprint(self) -> str:
        """Returns the SHA-256 of everything that makes two requests differ."""
        content = [self.pipeline, self.document_sha256, self.parameters, self.kept_sha256]
        if self.replay_of is not None:
            content += [asdict(self.replay_of), self.plan_sha256]
        if self.source is not None:
            content.append(self.source.sha256)
        if files := {name: sha256 for name, sha256 in self.pins.items() if name.startswith(OF_FILES)}:
            content.append(files)
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def frozen_again(run: Run) -> RunRequest:
    """Returns the content of an earlier run, for another run of it. Raises Conflict if it was executed elsewhere."""
    if run.recorded:
        raise Conflict(f"Run {run.run_id} is executed by an engine outside of Cadence: run its program again there.")
    return RunRequest(
        organization=run.organization,
        project=run.project,
        pipeline=run.pipeline,
        document_sha256=run.document_sha256,
        plan_sha256=run.plan_sha256,
        max_duration=run.max_duration,
        parameters=run.parameters,
        pipeline_version=run.pipeline_version,
        concurrency_group=run.concurrency_group,
        concurrency_policy=run.concurrency_policy,
        priority=run.priority,
        pins=run.pins,
    )
