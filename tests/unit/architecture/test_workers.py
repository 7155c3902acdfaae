"""The modules of a test run are divided among its workers: all of them, each once, and few workers start stacks."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.workers import LONGEST, ByModule, module_of

REPOSITORY = Path(__file__).parents[3]

COLLECTION = [
    f"{module}::test_{number}"
    for module in (
        *(f"tests/unit/test_{letter}.py" for letter in "abcdefgh"),
        *(f"tests/e2e/runs/test_{letter}.py" for letter in "abcdef"),
        *(f"tests/integration/test_{letter}.py" for letter in "abc"),
    )
    for number in range(5)
]


class Worker:
    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.queue: list[int] = []
        self.done: list[str] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down
        self.queue += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def run(workers: int, paces: list[int]) -> list[list[str]]:
    """The modules that each worker has worked on, in its order; a pace is how many tests it does in a round."""
    config: Any = SimpleNamespace(
        option=SimpleNamespace(loadscopereorder=False, verbose=0),
        getvalue=lambda name: ["popen"] * workers if name == "tx" else None,
        getoption=lambda name, *rest: None,
    )
    scheduler = ByModule(config)
    nodes: list[Any] = [Worker(f"gw{number}") for number in range(workers)]
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, COLLECTION)
    scheduler.schedule()
    for _ in range(len(COLLECTION) * workers):
        for node, pace in zip(nodes, paces, strict=True):
            for index in [node.queue.pop(0) for _ in range(min(pace, len(node.queue)))]:
                node.done.append(COLLECTION[index])
                scheduler.mark_test_complete(node, index)
    assert sorted(test for node in nodes for test in node.done) == sorted(COLLECTION)
    assert all(node.shutting_down for node in nodes)
    return [list(dict.fromkeys(module_of(test) for test in node.done)) for node in nodes]


def end_to_end(modules: list[str]) -> list[str]:
    return [module for module in modules if module.startswith("tests/e2e")]


@pytest.mark.parametrize(
    ("paces", "stacks"),
    [([1], 1), ([1, 1], 2), ([5, 1], 1), ([1, 5], 2), ([1, 1, 1], 2), ([1, 1, 1, 1], 2), ([1, 1, 5, 5], 2)],
    ids=str,
)
def test_every_test_runs_once_and_few_workers_start_stacks(paces: list[int], stacks: int) -> None:
    modules = run(len(paces), paces)
    assert len([worker for worker in modules if end_to_end(worker)]) <= stacks


def test_half_of_the_workers_begin_with_what_needs_a_stack() -> None:
    first, second, third, fourth = run(4, [1, 1, 1, 1])
    assert (first[0], second[0]) == ("tests/e2e/runs/test_a.py", "tests/e2e/runs/test_b.py")
    assert (third[0], fourth[0]) == ("tests/unit/test_a.py", "tests/unit/test_b.py")
    assert end_to_end(third) == end_to_end(fourth) == []


def test_who_has_a_stack_helps_with_the_rest() -> None:
    first, second = run(2, [5, 1])
    assert len(end_to_end(first)) == 6
    assert len(first) > 6
    assert end_to_end(second) == []


def test_modules_stay_whole() -> None:
    modules = [module for worker in run(3, [1, 2, 3]) for module in worker]
    assert len(modules) == len(set(modules))


def test_modules_that_are_begun_first_are_there() -> None:
    assert [module for module in LONGEST if not (REPOSITORY / module).is_file()] == []
