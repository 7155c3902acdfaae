"""A double of one repository on GitHub and of an App that is installed on it.

Where GitHub's own OpenAPI document is (`.ci/descriptions`), every call and every answer is held against it.
"""

import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jwt

from tests.doubles.cloud import Cloud, written
from tests.doubles.github import HERE, app_key, app_pem, openapi
from tests.fakes.answering import Asked, Reply

NUMBER = 4711
INSTALLATION = 7
SECRET = "webhook-secret-of-the-app"
CODE = "a180b1a3d263c81bc6441d7b990bae27d4c10679"
GRANTED = {"checks": "write", "contents": "read", "issues": "read", "metadata": "read", "pull_requests": "write"}
_TOKEN = re.compile(r"ghs_double_(\d+)")


def example(name: str) -> dict[str, Any]:
    """GitHub's own example, which has all that the document requires; nothing where the document is not."""
    return dict(openapi().example(name)) if HERE else {}


@dataclass
class GithubRepository(Cloud):
    """`checks` are the check runs by id, `tokens` the permissions that tokens were created with.

    `redelivered` are those of `failed_deliveries` that the App has had sent again.
    """

    url: str = ""
    name: str = "acme/site"
    clone_url: str = ""
    branches: dict[str, str] = field(default_factory=dict)
    writers: set[str] = field(default_factory=set)
    checks: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    tokens: list[dict[str, str]] = field(default_factory=list)
    granted: dict[str, str] = field(default_factory=lambda: dict(GRANTED))
    installed: bool = True
    suspended: bool = False
    webhook: dict[str, str] = field(default_factory=dict)
    webhook_secret: str | None = SECRET
    failed_deliveries: list[dict[str, Any]] = field(default_factory=list)
    redelivered: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        repo = f"/api/v3/repos/{self.name}"
        self.routes = {
            ("POST", r"/api/v3/app-manifests/(?P<code>\w+)/conversions"): self.convert,
            ("GET", f"{repo}/installation"): self.installation,
            ("POST", rf"/api/v3/app/installations/{INSTALLATION}/access_tokens"): self.create_token,
            ("GET", "/api/v3/app/hook/config"): self.show_webhook,
            ("PATCH", "/api/v3/app/hook/config"): self.set_webhook,
            ("GET", "/api/v3/app/hook/deliveries"): self.list_deliveries,
            ("POST", r"/api/v3/app/hook/deliveries/(?P<number>\d+)/attempts"): self.redeliver,
            ("GET", repo): self.show,
            ("GET", f"{repo}/branches"): self.list_branches,
            ("GET", f"{repo}/pulls"): self.list_nothing,
            ("GET", rf"{repo}/collaborators/(?P<user>[\w-]+)/permission"): self.permission,
            ("GET", rf"{repo}/commits/(?P<commit>\w+)/check-runs"): self.list_checks,
            ("POST", f"{repo}/check-runs"): self.create_check,
            ("PATCH", rf"{repo}/check-runs/(?P<number>\d+)"): self.change_check,
            ("GET", rf"{repo}/issues/(?P<number>\d+)/comments"): self.list_comments,
            ("POST", rf"{repo}/issues/(?P<number>\d+)/comments"): self.create_comment,
            ("PATCH", rf"{repo}/issues/comments/(?P<key>\d+)"): self.edit_comment,
        }

    def serve(self, asked: Asked) -> Reply:
        if not HERE:
            return super().serve(asked)
        # The document is that of api.github.com, whose paths have no /api/v3 before them.
        plain = Asked(asked.method, asked.path.removeprefix("/api/v3"), asked.params, asked.headers, asked.raw)
        return openapi().hold(plain, partial(super().serve, asked), self.wrong)

    def denies(self, asked: Asked) -> Reply | None:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        path = asked.path.removeprefix("/api/v3")
        if path.startswith("/app-manifests/"):
            return None
        if path.startswith("/app/") or path.endswith("/installation"):
            try:
                claims = jwt.decode(token, app_key().public_key(), algorithms=["RS256"], options={"verify_exp": False})
            except jwt.InvalidTokenError:
                return Reply(401, {"message": "A JSON web token could not be decoded"})
            assert claims["iss"] == str(NUMBER) and claims["exp"] - claims["iat"] <= 600
            return None
        number = _TOKEN.fullmatch(token)
        if number is None or int(number[1]) > len(self.tokens):
            return Reply(401, {"message": "Bad credentials"})
        needed = "checks" if "check-runs" in path and asked.method != "GET" else "contents"
        if needed not in self.tokens[int(number[1]) - 1]:
            return Reply(403, {"message": "Resource not accessible by integration"})
        return None

    def convert(self, asked: Asked, code: str) -> Reply:
        if code != CODE:
            return Reply(404, {"message": "Not Found"})
        page = {"html_url": f"{self.url}/apps/cadence-acme", "slug": "cadence-acme", "name": "Cadence of Acme"}
        secrets = {"webhook_secret": self.webhook_secret, "pem": app_pem(), "client_id": "i", "client_secret": "s"}
        return Reply(201, {**example("integration-from-manifest"), **page, **secrets, "id": NUMBER})

    def installation(self, asked: Asked) -> Reply:
        if not self.installed:
            return Reply(404, {"message": "Not Found"})
        suspended = "2026-11-25T10:00:00Z" if self.suspended else None
        found = {"id": INSTALLATION, "permissions": self.granted, "suspended_at": suspended}
        return Reply(200, {**example("base-installation"), **found})

    def create_token(self, asked: Asked) -> Reply:
        assert asked.body["repositories"] == [self.name.rpartition("/")[2]]
        wanted = asked.body["permissions"]
        if not set(wanted.items()) <= set(self.granted.items()):
            return Reply(422, {"message": "The permissions requested are not granted to this installation."})
        self.tokens.append(wanted)
        token = {"token": f"ghs_double_{len(self.tokens)}", "expires_at": "2126-11-25T11:00:00Z"}
        return Reply(201, {**token, "permissions": wanted, "repository_selection": "selected"})

    def show_webhook(self, asked: Asked) -> Reply:
        return Reply(200, {"content_type": "json", "insecure_ssl": "0", **self.webhook, "secret": "********"})

    def set_webhook(self, asked: Asked) -> Reply:
        self.webhook = asked.body
        return self.show_webhook(asked)

    def list_deliveries(self, asked: Asked) -> Reply:
        assert asked.params["status"] == "failure"
        return Reply(200, self.failed_deliveries)

    def redeliver(self, asked: Asked, number: str) -> Reply:
        self.redelivered.append(int(number))
        return Reply(202, {})

    def show(self, asked: Asked) -> Reply:
        found = {"full_name": self.name, "html_url": f"{self.url}/{self.name}", "clone_url": self.clone_url}
        # The example lacks what the document requires.
        shown = {**example("full-repository-default-response"), **found, "default_branch": "main", "language": None}
        shown.pop("source", None)
        return Reply(200, shown)

    def list_branches(self, asked: Asked) -> Reply:
        first = asked.params["page"] == "1"
        commits = {name: {"sha": sha, "url": f"{self.url}/{sha}"} for name, sha in self.branches.items()}
        found = [{"name": name, "commit": commit, "protected": False} for name, commit in commits.items()]
        return Reply(200, found if first else [])

    def list_nothing(self, asked: Asked) -> Reply:
        return Reply(200, [])

    def permission(self, asked: Asked, user: str) -> Reply:
        permission = "write" if user in self.writers else "read"
        return Reply(200, {"permission": permission, "role_name": permission, "user": None})

    def list_checks(self, asked: Asked, commit: str) -> Reply:
        found = [
            one
            for one in self.checks.values()
            if (one["head_sha"], one["name"]) == (commit, asked.params["check_name"])
        ]
        return Reply(200, {"total_count": len(found), "check_runs": [_shown(one) for one in found]})

    def create_check(self, asked: Asked) -> Reply:
        number = next(self.numbers)
        self.checks[number] = {**example("check-run"), "id": number, "conclusion": None, "completed_at": None}
        return self._checked(201, number, asked.body)

    def change_check(self, asked: Asked, number: str) -> Reply:
        if int(number) not in self.checks:
            return Reply(404, {"message": "Not Found"})
        return self._checked(200, int(number), asked.body)

    def _checked(self, status: int, number: int, body: dict[str, Any]) -> Reply:
        check = self.checks[number]
        earlier = check.get("kept_annotations", [])
        check |= body | {"kept_annotations": [*earlier, *body["output"].get("annotations", [])]}
        return Reply(status, _shown(check))

    def list_comments(self, asked: Asked, number: str) -> Reply:
        first = asked.params["page"] == "1"
        found = [one for one in self.comments.values() if one["number"] == int(number)]
        return Reply(200, [self._comment(one["id"]) for one in found] if first else [])

    def create_comment(self, asked: Asked, number: str) -> Reply:
        key = next(self.numbers)
        self.comments[key] = {"id": key, "number": int(number), **asked.body}
        return Reply(201, self._comment(key))

    def edit_comment(self, asked: Asked, key: str) -> Reply:
        if int(key) not in self.comments:
            return Reply(404, {"message": "Not Found"})
        self.comments[int(key)] |= asked.body
        return Reply(200, self._comment(int(key)))

    def _comment(self, key: int) -> dict[str, Any]:
        return {**example("issue-comment"), "id": key, "body": self.comments[key]["body"]}


def _shown(check: dict[str, Any]) -> dict[str, Any]:
    output = {"annotations_count": 0, "annotations_url": "https://x.example", "text": None, **check["output"]}
    shown: dict[str, Any] = written({**check, "output": output})
    return shown
