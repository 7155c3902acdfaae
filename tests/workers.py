"""How the workers of a test run divide the modules: some work on end-to-end tests, which mostly wait, and the others on
the rest, which mostly computes. So neither processors nor stacks stand idle.
"""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

_END_TO_END = "tests/e2e/"

LONGEST = {
    "tests/integration/dashboard/test_pages.py": 300,
    "tests/e2e/pipelines/test_conformance.py": 110,
    "tests/contract/providers/test_contract.py": 95,
    "tests/integration/agent/test_services.py": 95,
    "tests/infrastructure/test_bundles.py": 90,
    "tests/integration/agent/test_pods.py": 80,
    "tests/e2e/placement/test_machines_away.py": 75,
    "tests/contract/search/test_search_index.py": 70,
    "tests/e2e/runs/test_graphs.py": 70,
    "tests/e2e/runs/test_restart.py": 70,
    "tests/e2e/melodium/test_melodium_programs.py": 65,
    "tests/e2e/interfaces/test_openapi.py": 60,
    "tests/e2e/melodium/test_melodium_workers.py": 60,
    "tests/e2e/access/test_audit_and_identity.py": 55,
    "tests/e2e/interfaces/test_cli.py": 55,
    "tests/e2e/melodium/test_melodium_replays.py": 55,
    "tests/e2e/pipelines/test_imported_containers.py": 55,
    "tests/e2e/runs/test_monorepo.py": 55,
    "tests/e2e/access/test_deletions.py": 50,
    "tests/e2e/placement/test_refused_places.py": 50,
    "tests/e2e/triggers/test_story.py": 50,
    "tests/e2e/values/test_value_policies.py": 45,
    "tests/integration/agent/melodium/test_melodium_containers.py": 45,
    "tests/integration/agent/test_hostile_treatments.py": 45,
    "tests/e2e/interfaces/test_language_examples.py": 40,
    "tests/e2e/limits/test_gates.py": 40,
    "tests/e2e/melodium/test_melodium.py": 40,
    "tests/e2e/replay/test_replays.py": 40,
    "tests/e2e/triggers/test_burst.py": 40,
    "tests/e2e/triggers/test_webhooks.py": 40,
    "tests/integration/agent/test_streams.py": 40,
    "tests/integration/local_stack/test_lifecycle.py": 40,
    "tests/e2e/placement/test_provider_roles.py": 35,
    "tests/integration/agent/test_host.py": 35,
    "tests/e2e/interfaces/test_bad_requests.py": 30,
    "tests/e2e/melodium/test_melodium_many.py": 30,
    "tests/e2e/melodium/test_melodium_notices.py": 30,
    "tests/e2e/pipelines/test_ports.py": 30,
    "tests/e2e/runs/test_graph.py": 25,
    "tests/e2e/values/test_stream_pipeline.py": 25,
    "tests/infrastructure/test_templates.py": 25,
    "tests/integration/agent/melodium/test_melodium_programs.py": 25,
    "tests/integration/agent/test_protocol.py": 25,
    "tests/integration/api/repositories/test_gitea.py": 25,
    "tests/integration/api/repositories/test_gitea_outages.py": 25,
    "tests/unit/pipelines/document/test_hostile.py": 25,
    "tests/e2e/alerts/test_alerts.py": 20,
    "tests/e2e/exports/test_monitoring.py": 20,
    "tests/e2e/interfaces/test_pattern_examples.py": 20,
    "tests/integration/agent/melodium/test_melodium_interruptions.py": 20,
    "tests/integration/agent/melodium/test_melodium_workers.py": 20,
    "tests/integration/agent/test_executor.py": 20,
    "tests/integration/api/deletion/test_project_deletion.py": 20,
    "tests/integration/api/people/test_access_matrix.py": 20,
    "tests/integration/api/test_every_route.py": 20,
    "tests/integration/melodium/test_reports.py": 20,
    "tests/e2e/logs/test_fault_run.py": 15,
    "tests/e2e/melodium/test_melodium_policies.py": 15,
    "tests/e2e/melodium/test_melodium_traces.py": 15,
    "tests/e2e/provenance/test_provenance.py": 15,
    "tests/e2e/runs/test_runs.py": 15,
    "tests/e2e/triggers/test_triggers.py": 15,
    "tests/infrastructure/test_authorization.py": 15,
    "tests/integration/agent/test_paths.py": 15,
    "tests/integration/agent/test_podman.py": 15,
    "tests/integration/agent/test_ports.py": 15,
    "tests/integration/api/repositories/test_burst.py": 15,
    "tests/integration/bootstrap/test_boot.py": 15,
    "tests/integration/exports/test_peers.py": 15,
    "tests/integration/local_stack/test_front_door.py": 15,
    "tests/integration/local_stack/test_saving.py": 15,
    "tests/integration/scheduling/test_faults.py": 15,
    "tests/unit/scheduling/test_simulated_runs.py": 15,
    "tests/unit/search/test_push_lines.py": 15,
}
"""Modules that take long, with about their seconds on two quiet cores (`--junitxml` writes those of a run). They are
begun first, so that no worker is left alone with one of them.
"""


def module_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class ByModule(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker one module after the other, in the order of the collection among those of its kind.

    A module that needs a stack goes to a worker that has one. Half of the workers start one at once, and each of two
    workers where there are no more: the other one does so when nothing else is left.
    """

    def _split_scope(self, nodeid: str) -> str:
        return module_of(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        scope = self._next_for(node)
        if scope is None:
            node.shutdown()
            return
        self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)

    def _next_for(self, node: Any) -> str | None:
        waiting: str | None = next((scope for scope in self.workqueue if scope.startswith(_END_TO_END)), None)
        computing: str | None = next((scope for scope in self.workqueue if not scope.startswith(_END_TO_END)), None)
        if waiting is None or computing is None:
            return computing if waiting is None or not self._may_start(node, max(2, self._half)) else waiting
        return waiting if self._may_start(node, self._half) else computing

    @property
    def _half(self) -> int:
        return (int(self.numnodes) + 1) // 2

    def _may_start(self, node: Any, most: int) -> bool:
        """Tells whether the worker has a stack, or may start one beside those of the others."""
        stacks = [
            other for other, work in self.assigned_work.items() if any(scope.startswith(_END_TO_END) for scope in work)
        ]
        return node in stacks or len(stacks) < most
