"""Pushes the checked out commit of a repository on this machine to the local stack, as a code host does."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests

from cadence.cli.client.client import Client
from cadence.domain.triggers.githosts.format import hmac_sha256
from cadence.domain.triggers.githosts.gitea import GITEA, SIGNATURE_HEADER
from cadence.local.push.loopback_host import LoopbackHost, loopback_host
from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.git_head import RepositoryHead, git, read_git, read_head
from cadence.local.shared.progress import PrintLine

_NO_COMMIT = "0" * 40
_DELIVERY_SECONDS = 60.0
_STATUS_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

FollowRun = Callable[[str], Mapping[str, Any]]
"""Follows a run until it ends; returns it."""


@dataclass(frozen=True, kw_only=True)
class PushOutcome:
    """What a push led to: a sentence, the runs as they ended, and the statuses of the commit."""

    words: str
    runs: Sequence[Mapping[str, Any]]
    statuses: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class LocalPush:
    """A commit that is pushed to a branch; `before` is the commit that the branch had."""

    head: RepositoryHead
    before: str
    not_committed: int

    @classmethod
    def of(cls, folder: Path, branch: str | None, before: str | None) -> "LocalPush":
        """Returns the push of what is checked out in `folder`.

        `branch` is another branch to push to; without `before`, the first parent of the commit is the one before.
        Raises LocalStackError if the folder is in no repository, or `before` is no commit of it.
        """
        if git(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode != 0:
            raise LocalStackError(
                f"{folder.resolve()} is in no git repository with a commit. Make one: git init, git add, git commit."
            )
        bare = read_git(folder, "rev-parse", "--is-bare-repository").strip() == "true"
        top = folder if bare else Path(read_git(folder, "rev-parse", "--show-toplevel").strip())
        head = read_head(top)
        if branch:
            head = replace(head, ref=f"refs/heads/{branch}")
        parent = git(top, "rev-parse", "--verify", "--quiet", f"{head.commit}^1").stdout.strip()
        known = read_git(top, "rev-parse", "--verify", f"{before}^{{commit}}").strip() if before else parent
        changes = "" if bare else read_git(top, "status", "--porcelain")
        return cls(head=head, before=known or _NO_COMMIT, not_committed=len(changes.splitlines()))

    @property
    def name(self) -> str:
        """The name of the repository, as `local/FOLDER`."""
        folder = unquote(urlsplit(self.head.url).path).rstrip("/").rpartition("/")[2].removesuffix(".git")
        return f"local/{re.sub(r'[^A-Za-z0-9._-]', '-', folder)}"

    def payload(self, host: LoopbackHost) -> Mapping[str, Any]:
        """Returns the push as Gitea describes it."""
        person = {"login": self.head.author, "username": self.head.author, "full_name": self.head.author}
        commit = {"id": self.head.commit, "message": self.head.message, "author": {"name": self.head.author}}
        return {
            "ref": self.head.ref,
            "before": self.before,
            "after": self.head.commit,
            "repository": {
                "full_name": self.name,
                "html_url": f"{host.url}/{self.name}",
                "clone_url": self.head.url,
                "default_branch": self.head.ref.removeprefix("refs/heads/"),
            },
            "pusher": person,
            "sender": person,
            "head_commit": commit,
            "commits": [],
        }


def push(client: Client, pushed: LocalPush, follow: FollowRun, out: PrintLine) -> PushOutcome:
    """Connects the repository, sends the signed webhook of the push, follows the runs, and disconnects.

    Raises LocalStackError if the stack is not on this machine, refuses the webhook, or does not process it.
    """
    if urlsplit(client.url).hostname not in _LOOPBACK:
        raise LocalStackError(
            f"{client.url} is not on this machine and cannot read its repositories: connect the repository of your code "
            "host (cadence repository connect)."
        )
    with loopback_host(pushed.name, pushed.head) as host, _connected(client, host) as repository_id:
        _send(host, pushed)
        branch = pushed.head.ref.removeprefix("refs/heads/")
        out(f"Pushed {pushed.head.commit[:12]} ({pushed.head.message}) to {branch} of {pushed.name}.")
        delivery = _wait(lambda: next(iter(client.repository_deliveries(repository_id, 1)), None), _DELIVERY_SECONDS)
        if delivery is None:
            raise LocalStackError(
                f"The webhook was accepted, but not processed within {_DELIVERY_SECONDS:.0f} s. See: cadence dead-letter list"
            )
        out(delivery["outcome"])
        runs = [follow(run_id) for run_id in delivery["runs"]]
        if runs:
            _wait(lambda: _all_final(host.statuses) or None, _STATUS_SECONDS)
        statuses = [host.statuses[context] for context in sorted(host.statuses)]
        return PushOutcome(words=delivery["outcome"], runs=runs, statuses=statuses)


@contextmanager
def _connected(client: Client, host: LoopbackHost) -> Iterator[str]:
    url = f"{host.url}/{host.name}"
    repository: Mapping[str, Any] = client.connect_repository(url, host.token, "gitea", public_url=client.url)
    try:
        yield str(repository["id"])
    finally:
        client.disconnect_repository(repository["id"], True)


def _send(host: LoopbackHost, pushed: LocalPush) -> None:
    assert host.webhook is not None
    body = json.dumps(pushed.payload(host)).encode()
    headers = {
        "content-type": "application/json",
        GITEA.event_header: "push",
        GITEA.delivery_headers[0]: str(uuid.uuid4()),
        SIGNATURE_HEADER: hmac_sha256(body, host.webhook["secret"].encode()),
    }
    answer = requests.post(host.webhook["url"], data=body, headers=headers, timeout=60)
    if answer.status_code != 202:
        raise LocalStackError(f"The webhook was refused with status {answer.status_code}: {answer.text}")


def _all_final(statuses: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(statuses) and all(status["state"] != "pending" for status in statuses.values())


def _wait(find: Callable[[], Any], seconds: float) -> Any:
    """Returns what `find` returns once it is not None; None if it never is."""
    deadline = time.monotonic() + seconds
    while (found := find()) is None and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    return found
