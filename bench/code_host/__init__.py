"""`git push` to a real Gitea server → first log line readable, and the statuses of the commit as the server shows them.

The repository is connected, so the pipeline is read from the pushed commit. `source: true` adds the checkout of the
commit. The peer is the push alone, to the same server, before anything is connected. Requests are counted in the
server's access log.
"""

import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests

from bench.figures import Report, median
from bench.stack import Stack, local_stack, moment, until
from tests.integration.exports.peers import BUILT
from tests.peers.gitea import Gitea, gitea

ROUNDS = 10
WARM_UP = 3
LINE = "the first line"
COUNTED = 5
_OURS = ("python-requests", "git-receive-pack", "/api/internal/")
"""In lines about requests of others: what the benchmark asks of the server, `git push`, and Gitea's own hooks."""


@dataclass(frozen=True)
class _Round:
    """Milliseconds: after the push began, or, of `final`, after the run's end."""

    run_created: float
    readable: float
    first: float
    final: float


def measure() -> Report:
    report = Report(f"git push → first log line readable, statuses (local stack, Gitea, {ROUNDS} warm rounds)")
    if not any(BUILT.glob("gitea-v*")):
        report.notes.append("Gitea is not built; `.ci/peers gitea` builds it")
        return report
    with tempfile.TemporaryDirectory(prefix="cadence-bench-gitea-") as name:
        folder = Path(name)
        (folder / "gitea").mkdir()
        with gitea(folder / "gitea", ["ada"]) as server, local_stack() as stack:
            alone = _Work(server, folder, "alone", source=False)
            pushes = [alone.timed_push() for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
            report.add("git push alone, median", median(pushes), "ms", peer=True)
            for what, source in (("", False), (", with source: true", True)):
                bench = _Bench(stack, server, folder, "source" if source else "plain", source=source)
                rounds = [bench.round() for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
                _add(report, what, rounds)
                _add_requests(report, what, bench.requests())
    return report


def _add(report: Report, what: str, rounds: Sequence[_Round]) -> None:
    readable = [one.readable for one in rounds]
    report.add(f"git push → line readable{what}, median", median(readable), "ms")
    report.add(f"git push → line readable{what}, worst", max(readable), "ms")
    report.add("  … → run created, median", median([one.run_created for one in rounds]), "ms")
    report.add("  … → first status visible, median", median([one.first for one in rounds]), "ms")
    report.add("  run ended → final status visible, median", median([one.final for one in rounds]), "ms")
    report.add("  run ended → final status visible, worst", max(one.final for one in rounds), "ms")


def _add_requests(report: Report, what: str, asked: Sequence[str]) -> None:
    report.add(f"requests to the code host for a run{what}", len(asked) / COUNTED, "")
    for kind, count in sorted(Counter(map(_kind, asked)).items()):
        report.add(f"  {kind}", count / COUNTED, "")


def _kind(request: str) -> str:
    """The method and what is asked for, without names: `POST …/statuses/…` of `POST /api/v1/repos/a/b/statuses/1 …`."""
    method, path, *_ = request.split(" ")
    parts = ["…" if re.fullmatch(r"[0-9a-f]{40}", part) else part for part in path.partition("?")[0].split("/")]
    return f"{method} {'/'.join(parts).replace('/api/v1/repos/ada/', '…/')}"


class _Work:
    """A work tree with a pipeline, and the repository of the server that it is pushed to."""

    def __init__(self, server: Gitea, folder: Path, name: str, *, source: bool) -> None:
        self._server, self._name, self._folder = server, name, folder / name
        server.call("ada", "POST", "/user/repos", {"name": name, "default_branch": "main"})
        with_files = "source: true, " if source else ""
        pipeline = self._folder / ".cadence" / f"{name}.yaml"
        pipeline.parent.mkdir(parents=True)
        pipeline.write_text(
            f"cadence: 1\nname: {name}\non: {{push: {{}}}}\ntreatments:\n"
            f"  say: {{{with_files}run: \"echo '{LINE}'\"}}\n"
        )
        self._git("init", "--quiet", "--initial-branch", "main")
        self._git("add", ".")

    def timed_push(self) -> float:
        """Milliseconds of a push, to its end."""
        self.commit()
        began = time.perf_counter()
        ended(self.push())
        return (time.perf_counter() - began) * 1000

    def commit(self) -> str:
        identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
        self._git(*identity, "commit", "--quiet", "--allow-empty", "--message", "A commit")
        return self._git("rev-parse", "HEAD")

    def push(self) -> "subprocess.Popen[bytes]":
        target = self._server.git_url("ada", f"ada/{self._name}")
        command = ["git", "-C", str(self._folder), "push", "--quiet", target, "HEAD:refs/heads/main"]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)  # the server's remarks

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self._folder), *arguments]
        done: subprocess.CompletedProcess[str] = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.strip()


def ended(push: "subprocess.Popen[bytes]") -> None:
    """Waits for the end of a push. Raises RuntimeError if it failed."""
    if push.wait() != 0:
        raise RuntimeError("git push failed")


class _Bench:
    """A repository of the server that is connected to a project of the stack."""

    def __init__(self, stack: Stack, server: Gitea, folder: Path, name: str, *, source: bool) -> None:
        self._stack, self._server, self._name = stack, server, name
        self._work = _Work(server, folder, name, source=source)
        stack.client.connect_repository(
            f"{server.url}/ada/{name}", server.tokens["ada"], kind="gitea", public_url=stack.client.url
        )

    def round(self) -> _Round:
        commit = self._work.commit()
        with ThreadPoolExecutor(1) as watcher:
            began = time.time()
            statuses = watcher.submit(self._statuses, commit)
            push = self._work.push()
            run_id = until(lambda: self._run(commit))
            until(lambda: next(iter(self._stack.client.logs(run_id, wait=2, grep=LINE)["lines"]), None), 0)
            readable = time.time()
            ended(push)
            run = self._stack.finished(run_id)
            first, final = statuses.result()
        time.sleep(0.5)  # what follows a run's end is over before the next round
        return _Round(
            run_created=(moment(run["created_at"]) - began) * 1000,
            readable=(readable - began) * 1000,
            first=(first - began) * 1000,
            final=(final - moment(run["finished_at"])) * 1000,
        )

    def requests(self) -> Sequence[str]:
        """What the control plane asks of the server for `COUNTED` runs, while nothing looks at their statuses."""
        before = len(self._server.requests())
        for _ in range(COUNTED):
            commit = self._work.commit()
            ended(self._work.push())
            self._stack.finished(until(partial(self._run, commit)))
            time.sleep(3)  # the final status is sent
        lines = self._server.requests()[before:]
        asked = [line for line in lines if not any(ours in line for ours in _OURS)]
        return [line.split('"')[1] for line in asked]

    def _run(self, commit: str) -> str | None:
        found = self._stack.client.runs(limit=1, commit=commit)
        return next((str(run["run_id"]) for run in found), None)

    def _statuses(self, commit: str) -> tuple[float, float]:
        """The times at which the server shows the commit's first status, and its final one."""
        until(lambda: self._shows(commit, {"pending", "success"}), 0.01)
        first = time.time()
        until(lambda: self._shows(commit, {"success"}), 0.01)
        return first, time.time()

    def _shows(self, commit: str, states: set[str]) -> bool | None:
        address = f"{self._server.url}/api/v1/repos/ada/{self._name}/commits/{commit}/status"
        found = requests.get(address, headers={"authorization": f"token {self._server.tokens['ada']}"}, timeout=60)
        # The commit is not there yet.
        statuses = found.json()["statuses"] or [] if found.ok else []
        return bool({status["status"] for status in statuses} & states) or None
