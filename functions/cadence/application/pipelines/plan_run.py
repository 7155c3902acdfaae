"""Makes the plan of one run, where that depends on the run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.shared.ports import Documents
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.planning import RunFacts, instantiate


@dataclass(frozen=True)
class PlanRun:
    documents: Documents

    def plan(self, run_id: str, frozen: RunRequest, event: Mapping[str, Any]) -> RunRequest:
        """The same with its plan stored. Raises InvalidDocument if none can be made for this run."""
        if frozen.unplanned is None:
            return frozen
        facts = RunFacts(run_id, frozen.pipeline, frozen.project)
        open_ = frozen.unplanned
        planned = instantiate(open_.pipeline, frozen.parameters, event, facts, open_.environments, open_.pools)
        if planned.plan is None:
            raise InvalidDocument(planned.findings)
        return with_plan(frozen, planned.plan, self.documents)


def with_plan(frozen: RunRequest, made: plan.Plan, documents: Documents) -> RunRequest:
    """The same with this plan, which is stored."""
    return replace(
        frozen,
        plan_sha256=documents.put(plan.encode(made.treatments)),
        concurrency_group=made.concurrency_group,
        concurrency_policy=made.concurrency_policy,
        priority=made.priority,
        unplanned=None,
    )
