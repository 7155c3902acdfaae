"""Bitbucket Cloud by a repository's or a workspace's access token (REST API, version 2.0)."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cadence.adapters.code_hosts.host_client import HostClient
from cadence.application.repositories.ports import HostedCommit, HostedRepository, HostedWebhook
from cadence.domain.repositories.commit_report import CommitState, CommitStatus, PullRequestComment
from cadence.domain.shared.errors import NotFound
from cadence.domain.shared.patterns import matches
from cadence.domain.triggers.git_events import PullRequest
from cadence.domain.triggers.githosts.bitbucket import pull_request

_STATES = {
    CommitState.PENDING: "INPROGRESS",
    CommitState.RUNNING: "INPROGRESS",
    CommitState.SUCCESS: "SUCCESSFUL",
    CommitState.FAILURE: "FAILED",
    CommitState.CANCELLED: "STOPPED",
}
_EVENTS = ["repo:push"] + [
    f"pullrequest:{event}" for event in ("created", "updated", "fulfilled", "rejected", "comment_created")
]
_LONGEST_KEY = 40
_COMMIT_LENGTH = 40
_MOST_PAGES = 10


class BitbucketRepository:
    """Implements CodeHost."""

    def __init__(self, client: HostClient, name: str) -> None:
        self._client, self._path = client, f"/repositories/{name}"

    def describe(self) -> HostedRepository:
        found = self._client.call("GET", self._path)
        page = found["links"]["html"]["href"]
        return HostedRepository(
            name=found["full_name"],
            url=page,
            clone_url=f"{page}.git",
            default_branch=(found.get("mainbranch") or {}).get("name") or "main",
            # A repository's token does not state its rights: creating the webhook shows them.
            may_administer=True,
        )

    def list_webhooks(self) -> Sequence[HostedWebhook]:
        return [
            HostedWebhook(webhook_id=hook["uuid"], url=hook["url"], active=bool(hook["active"]))
            for hook in self._values(f"{self._path}/hooks")
        ]

    def put_webhook(self, webhook_id: str | None, url: str, secret: str) -> str:
        body = {"description": "Cadence", "url": url, "active": True, "events": _EVENTS, "secret": secret}
        if webhook_id is None:
            return str(self._client.call("POST", f"{self._path}/hooks", body)["uuid"])
        self._client.call("PUT", f"{self._path}/hooks/{webhook_id}", body)
        return webhook_id

    def remove_webhook(self, webhook_id: str) -> None:
        self._client.call("DELETE", f"{self._path}/hooks/{webhook_id}")

    def redeliver_failed(self, webhook_id: str, since: datetime) -> int:
        return 0

    def set_status(self, commit: str, status: CommitStatus) -> None:
        body = {
            "key": _key(status.context),
            "name": status.context,
            "state": _STATES[status.state],
            "url": status.target_url,
            "description": status.description,
        }
        self._client.call("POST", f"{self._path}/commit/{commit}/statuses/build", body)

    def checks(self) -> None:
        return None

    def find_comment(self, number: int, marker: str) -> str | None:
        comments = self._values(self._comments(number))
        return next(
            (str(each["id"]) for each in comments if marker in (each.get("content") or {}).get("raw", "")), None
        )

    def put_comment(self, comment: PullRequestComment, comment_id: str | None) -> str:
        body = {"content": {"raw": comment.body}}
        if comment_id is None:
            return str(self._client.call("POST", self._comments(comment.number), body)["id"])
        self._client.call("PUT", f"{self._comments(comment.number)}/{comment_id}", body)
        return comment_id

    def _comments(self, number: int) -> str:
        return f"{self._path}/pullrequests/{number}/comments"

    def branches(self) -> Mapping[str, str]:
        found = self._values(f"{self._path}/refs/branches")
        return {branch["name"]: branch["target"]["hash"] for branch in found}

    def is_protected(self, branch: str) -> bool:
        # Bitbucket does not tell it of a branch: one is protected if a rule restricts who may push. A `*` of a rule
        # is taken to match no slash, so that a branch is rather taken for unprotected.
        self._client.call("GET", f"{self._path}/refs/branches/{quote(branch, safe='/')}")
        rules = list(self._values(f"{self._path}/branch-restrictions", kind="push"))
        if any(rule["branch_match_kind"] == "glob" and matches(rule["pattern"], branch) for rule in rules):
            return True
        types = {rule.get("branch_type") for rule in rules if rule["branch_match_kind"] == "branching_model"}
        return bool(types) and _type(self._client.call("GET", f"{self._path}/branching-model"), branch) in types

    def open_pull_requests(self) -> Sequence[PullRequest]:
        # 50 on a page is the most that Bitbucket answers here.
        found = self._values(f"{self._path}/pullrequests", per_page=50, state="OPEN")
        return [pull_request({"pullrequest": each}) for each in found]

    def full_commit(self, commit: str) -> str:
        if len(commit) == _COMMIT_LENGTH:
            return commit
        return str(self._client.call("GET", f"{self._path}/commit/{commit}")["hash"])

    def pull_request(self, number: int) -> PullRequest:
        return pull_request({"pullrequest": self._client.call("GET", f"{self._path}/pullrequests/{number}")})

    def may_write(self, user: str, user_id: str) -> bool:
        try:
            found = self._client.call("GET", f"{self._path}/permissions-config/users/{quote(user_id, safe='')}")
        except NotFound:
            return False
        return found.get("permission") in ("write", "admin")

    def describe_commit(self, commit: str) -> HostedCommit:
        found = self._client.call("GET", f"{self._path}/commit/{commit}")
        author = found.get("author") or {}
        name = (author.get("user") or {}).get("display_name") or author.get("raw") or ""
        return HostedCommit(message=found["message"], author=name)

    def _values(self, path: str, per_page: int = 100, **query: Any) -> Iterator[Any]:
        for page in range(1, _MOST_PAGES + 1):
            found = self._client.call("GET", path, page=page, pagelen=per_page, **query)
            yield from found["values"]
            if "next" not in found:
                return


def _type(model: Mapping[str, Any], branch: str) -> str | None:
    """Returns the type of a branch in its repository's branching model; None if it has none."""
    for name in ("production", "development"):
        if ((model.get(name) or {}).get("branch") or {}).get("name") == branch:
            return name
    prefixes = {kind["prefix"]: kind["kind"] for kind in model.get("branch_types") or () if kind.get("prefix")}
    return next(
        (prefixes[prefix] for prefix in sorted(prefixes, key=len, reverse=True) if branch.startswith(prefix)), None
    )


def _key(context: str) -> str:
    """Returns the key that identifies a status, which has 40 characters at most."""
    if len(context) <= _LONGEST_KEY:
        return context
    return hashlib.sha256(context.encode()).hexdigest()[:_LONGEST_KEY]
