"""Bitbucket Data Center over HTTP: one repository with its webhooks, build statuses, comments and commits."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.doubles.code_host import TOKEN, CodeHostDouble

_PATH = "/rest/api/latest/projects/ACME/repos/site"


class DataCenterDouble(CodeHostDouble):
    """The repository ACME/site. `messages` are those of commits; a comment is changed only with its own version."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.messages: dict[str, str] = {}

    def add(self, name: str, clone_url: str) -> str:
        super().add(name, clone_url)
        return f"{self.url}/projects/ACME/repos/site"

    def answer(self, method: str, path: str, body: Any, token: str) -> tuple[int, Any, dict[str, str]]:
        self.calls.append(f"{method} {path}")
        if token != f"Bearer {TOKEN}":
            return 401, {"errors": [{"message": "Authentication failed."}]}, {}
        parts = urlsplit(path)
        if parts.path == "/rest/api/latest/users":
            given = dict(parse_qsl(parts.query))
            found: list[dict[str, Any]] = [
                {"name": user, "slug": user, "active": True} for user in sorted(self.writers)
            ]
            assert (given["permission.1"], given["permission.1.projectKey"]) == ("REPO_WRITE", "ACME")
            return 200, _page([user for user in found if given["filter"] in user["name"]]), {}
        if not parts.path.startswith(_PATH):
            return 404, {"errors": [{"message": f"There is no {path}."}]}, {}
        status, answer = self._of_the_repository(method, parts.path.removeprefix(_PATH), body)
        return status, answer, {}

    def repository(self) -> dict[str, Any]:
        """The repository as payloads and answers have it."""
        return {
            "slug": "site",
            "id": 7,
            "project": {"key": "ACME"},
            "links": {
                "clone": [{"href": self.clone_urls["ACME/site"], "name": "http"}],
                "self": [{"href": f"{self.url}/projects/ACME/repos/site/browse"}],
            },
        }

    def _of_the_repository(self, method: str, rest: str, body: Any) -> tuple[int, Any]:
        if rest == "":
            return 200, self.repository()
        if rest == "/default-branch":
            return 200, {"id": "refs/heads/main", "displayId": "main", "type": "BRANCH"}
        if rest == "/branches":
            return 200, _page([{"displayId": name, "latestCommit": at} for name, at in self.heads.items()])
        if rest == "/pull-requests":
            return 200, _page(self.pulls)
        if rest.startswith("/webhooks"):
            return self._of_webhooks(method, rest.removeprefix("/webhooks").strip("/"), body)
        if rest.endswith("/builds"):
            self.statuses.append({**body, "context": body["key"], "commit": rest.split("/")[2]})
            return 204, None
        if rest.startswith("/commits/"):
            commit = rest.removeprefix("/commits/")
            return 200, {"id": commit, "message": self.messages.get(commit, "Words"), "author": {"name": "ada"}}
        if rest.endswith("/activities"):
            return 200, _page([{"action": "COMMENTED", "comment": one} for one in self.comments.values()])
        if rest.startswith("/pull-requests/") and "/comments" not in rest:
            found = [pull for pull in self.pulls if pull["id"] == int(rest.removeprefix("/pull-requests/"))]
            return (200, found[0]) if found else (404, {"errors": [{"message": "There is no such pull request."}]})
        return self._of_comments(method, rest.split("/")[4:], body)

    def _of_webhooks(self, method: str, hook: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, _page(list(self.hooks.values()))
        if method == "DELETE":
            return (204, None) if self.hooks.pop(int(hook), None) else (404, {"errors": [{"message": "no webhook"}]})
        number = int(hook) if method == "PUT" else len(self.hooks) + 1
        self.hooks[number] = {"id": number, **body}
        return 200, self.hooks[number]

    def _of_comments(self, method: str, comment: list[str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            number = len(self.comments) + 1
            self.comments[number] = {"id": number, "version": 0, **body}
            return 201, self.comments[number]
        known = self.comments[int(comment[0])]
        if method == "PUT":
            if body["version"] != known["version"]:
                return 409, {
                    "errors": [{"message": "You are attempting to modify a comment based on old information."}]
                }
            known |= {"text": body["text"], "version": known["version"] + 1}
        return 200, known


def _page(values: list[Any]) -> dict[str, Any]:
    return {"size": len(values), "limit": 100, "isLastPage": True, "start": 0, "values": values}
