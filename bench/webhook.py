"""Signed webhook → first log line readable through the API, step by step, on a warm local stack.

The peer is the least that a push can start: a bare git repository whose post-receive hook runs the same command and
appends its line to a file. It has no queue, no validation, no isolation and nobody who may ask for the log but those
on that machine.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.figures import Goal, Report, median
from bench.stack import Stack, local_stack, moment, until
from cadence.local.demo.webhook import Webhook
from cadence.local.shared.git_head import RepositoryHead

ROUNDS = 12
WARM_UP = 3
PIPELINE = "on-push"
LINE = "the first line"
DOCUMENT = f"""
cadence: 1
name: {PIPELINE}
on: {{push: {{}}}}
treatments:
  say: {{run: "echo '{LINE}'"}}
"""
_PUSHED = RepositoryHead(
    url="file:///nowhere/bench", ref="refs/heads/main", commit="1" * 40, message="A commit", author="bench"
)
_STEPS = (
    "accepted (202)",
    "run created",
    "treatment ready",
    "runner asked for",
    "claimed by its agent",
    "line written",
    "line readable",
)


def measure() -> Report:
    """Rounds one after another, each on a quiet stack."""
    with local_stack() as stack:
        stack.client.put_pipeline(PIPELINE, DOCUMENT)
        added = stack.client.create_githost("github", "bench")
        webhook = Webhook(stack.client.url + added["webhook_path"], added["webhook_secret"])
        rounds = [_round(stack, webhook) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    report = Report(f"Signed webhook → first log line readable (local stack, {ROUNDS} warm rounds)")
    whole = [times[-1] for times in rounds]
    report.add("webhook sent → line readable, median", median(whole), "ms", Goal(1000))
    report.add("webhook sent → line readable, worst", max(whole), "ms")
    for position, step in enumerate(_STEPS):
        taken = [times[position] - (times[position - 1] if position else 0) for times in rounds]
        report.add(f"  … → {step}, median", median(taken), "ms")
    peer = _git_hook()
    report.add("git push → line of a post-receive hook in a file, median", median(peer), "ms", peer=True)
    report.add("git push → line of a post-receive hook in a file, worst", max(peer), "ms", peer=True)
    report.notes.append(
        "The run is found by asking every 20 ms for its pipeline's runs; its log is followed from then on."
    )
    return report


def _round(stack: Stack, webhook: Webhook) -> list[float]:
    """Milliseconds after the webhook was sent at which each of `_STEPS` was reached."""
    known = {run["run_id"] for run in stack.client.runs(limit=5, pipeline=PIPELINE)}
    began = time.time()
    webhook.push(_PUSHED)
    accepted = time.time()
    run_id = until(lambda: _new_run(stack, known))
    line = until(lambda: next(iter(stack.client.logs(run_id, wait=2, grep=LINE)["lines"]), None), 0)
    readable = time.time()
    run = stack.finished(run_id)
    view: dict[str, Any] = stack.client.treatment(run_id, "say")
    runner = view["runners"][-1]
    reached = [run["created_at"], view["ready_at"], runner["created_at"], runner["claimed_at"], line["time"]]
    time.sleep(0.5)  # what follows a run's end is over before the next round
    return [(at - began) * 1000 for at in (accepted, *map(moment, reached), readable)]


def _new_run(stack: Stack, known: set[str]) -> str | None:
    found = stack.client.runs(limit=1, pipeline=PIPELINE)
    return next((str(run["run_id"]) for run in found if run["run_id"] not in known), None)


def _git_hook() -> list[float]:
    """Milliseconds from the start of `git push` until the hook's line is in the file."""
    with tempfile.TemporaryDirectory(prefix="cadence-bench-git-") as name:
        folder = Path(name)
        log = folder / "log"
        log.touch()
        _git(folder, "init", "--quiet", "--bare", "bare")
        hook = folder / "bare" / "hooks" / "post-receive"
        hook.write_text(f"#!/bin/sh\necho '{LINE}' >> '{log}'\n")
        hook.chmod(0o755)
        _git(folder, "init", "--quiet", "work")
        return [_push(folder / "work", folder / "bare", log) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]


def _push(work: Path, bare: Path, log: Path) -> float:
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    _git(work, *identity, "commit", "--quiet", "--allow-empty", "--message", "A commit")
    before = log.stat().st_size
    grown: Callable[[], bool | None] = lambda: log.stat().st_size > before or None  # noqa: E731 (one look)
    began = time.perf_counter()
    push = subprocess.Popen(["git", "-C", work, "push", "--quiet", bare, "HEAD:refs/heads/main"])
    until(grown, 0.001)
    taken = (time.perf_counter() - began) * 1000
    if push.wait() != 0:
        raise RuntimeError("git push failed")
    return taken


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True)
