"""Makes the plan of one run, where the plan depends on the run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.shared.ports import Documents
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.document import Finding, located
from cadence.domain.pipelines.planning import RunFacts, instantiate
from cadence.domain.pipelines.source import with_source
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True)
class PlanRun:
    """Makes the plans of runs."""

    documents: Documents

    def plan(self, run_id: str, frozen: RunRequest, event: Mapping[str, Any]) -> RunRequest:
        """Returns the request with its plan stored, which has the files of the request's source.

        Raises InvalidDocument if none can be made for this run.
        """
        return self._with_source(self._planned(run_id, frozen, event))

    def _with_source(self, frozen: RunRequest) -> RunRequest:
        source = frozen.source
        if source is None:
            return frozen
        # What was sent is given as it is: the sender chose it.
        specs = with_source(plan.decode(self.documents.get(frozen.plan_sha256)), lambda _: source)
        return replace(frozen, plan_sha256=self.documents.put(plan.encode(specs)), source=None)

    def _planned(self, run_id: str, frozen: RunRequest, event: Mapping[str, Any]) -> RunRequest:
        if frozen.unplanned is None:
            return frozen
        facts = RunFacts(run_id, frozen.pipeline, frozen.project)
        unplanned = frozen.unplanned
        planned = instantiate(
            unplanned.pipeline, frozen.parameters, event, facts, unplanned.environments, unplanned.pools
        )
        if planned.plan is None:
            raise InvalidDocument(self._located(planned.findings, frozen.document_sha256))
        return with_plan(frozen, planned.plan, self.documents)

    def _located(self, findings: tuple[Finding, ...], sha256: str) -> tuple[Finding, ...]:
        try:
            return located(findings, self.documents.get(sha256))
        except NotFound:  # the findings matter more than their places
            return findings


def with_plan(frozen: RunRequest, new_plan: plan.Plan, documents: Documents) -> RunRequest:
    """Stores the plan and returns the request with it."""
    return replace(
        frozen,
        plan_sha256=documents.put(plan.encode(new_plan.treatments)),
        concurrency_group=new_plan.concurrency_group,
        concurrency_policy=new_plan.concurrency_policy,
        priority=new_plan.priority,
        unplanned=None,
    )
