"""How the workers of a test run divide the modules: some work on end-to-end tests, which mostly wait, and the others on
the rest, which mostly computes. So neither processors nor stacks stand idle.
"""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

_END_TO_END = "tests/e2e/"


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
