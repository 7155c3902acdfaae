"""Runs a graph as a Prefect flow and prints its seconds. Runs with the peers' own Python, not the project's.

The standard input is `{"graph": {name: [names before it]}, "command", "slots"}`.
"""

import json
import subprocess
import sys
import time

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

given = json.load(sys.stdin)


@task
def step(name: str) -> None:
    """What a treatment does."""
    subprocess.run(["sh", "-c", given["command"]], check=True)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=given["slots"]))
def run_graph(graph: dict[str, list[str]]) -> None:
    """Submit every task with those it follows; they are listed in such an order."""
    futures: dict = {}
    for name, after in graph.items():
        futures[name] = step.submit(name, wait_for=[futures[other] for other in after])
    for future in futures.values():
        future.result()


run_graph(dict(list(given["graph"].items())[:10]))  # starts its server and warms it
began = time.perf_counter()
run_graph(given["graph"])
print(time.perf_counter() - began)
