"""A code host in the form of Gitea's API, over HTTP: it keeps webhooks, statuses and comments, and can fail."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import urlsplit

TOKEN = "a-token-of-the-code-host"
_REPOSITORY = re.compile(r"/api/v1/repos/([^/]+/[^/]+)(/.*)?")


class CodeHostDouble:
    """`failures` are statuses with which the next calls are refused; `calls` are all that were made.

    `heads` are the commits of branches, `pulls` the open pull requests, `message` that of every commit. `writers` may
    write to the repository, whose protected branches are `protected`. Calls of a path that contains `fails_on` are
    refused.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.clone_urls: dict[str, str] = {}
        self.hooks: dict[int, dict[str, Any]] = {}
        self.statuses: list[dict[str, Any]] = []
        self.comments: dict[int, dict[str, Any]] = {}
        self.heads: dict[str, str] = {}
        self.pulls: list[dict[str, Any]] = []
        self.message = "words of the commit"
        self.fails_on = ""
        self.protected: set[str] = set()
        self.writers: set[str] = set()
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.calls: list[str] = []
        self._next = 0

    def add(self, name: str, clone_url: str) -> str:
        """Adds a repository and returns its address."""
        self.clone_urls[name] = clone_url
        return f"{self.url}/{name}"

    def status_of(self, commit: str) -> dict[str, dict[str, Any]]:
        """The last status of each context."""
        return {status["context"]: status for status in self.statuses if status["commit"] == commit}

    def answer(self, method: str, path: str, body: Any, token: str) -> tuple[int, Any, dict[str, str]]:
        self.calls.append(f"{method} {path}")
        if self.failures:
            status, headers = self.failures.pop(0)
            return status, {"message": "not now"}, headers
        if self.fails_on and self.fails_on in path:
            return 503, {"message": "not now"}, {}
        if token != f"token {TOKEN}":
            return 401, {"message": "token is not valid"}, {}
        match = _REPOSITORY.fullmatch(urlsplit(path).path)
        if match is None or match[1] not in self.clone_urls:
            return 404, {"message": "no such repository"}, {}
        status, answer = self._of_repository(method, match[1], match[2] or "", body, path)
        return status, answer, {}

    def _of_repository(self, method: str, name: str, rest: str, body: Any, path: str) -> tuple[int, Any]:
        first_page = "page=1" in path
        if rest == "":
            return 200, {
                "full_name": name,
                "html_url": f"{self.url}/{name}",
                "clone_url": self.clone_urls[name],
                "default_branch": "main",
                "permissions": {"admin": True},
            }
        if rest.startswith("/branches"):
            return 200, self._branches(rest.removeprefix("/branches").strip("/"), first_page)
        if rest.startswith("/pulls/"):
            found = [pull for pull in self.pulls if pull["number"] == int(rest.removeprefix("/pulls/"))]
            return (200, found[0]) if found else (404, {"message": "no such pull request"})
        if rest.startswith("/collaborators/"):
            user = rest.removeprefix("/collaborators/").removesuffix("/permission")
            return 200, {"permission": "write" if user in self.writers else "read"}
        if rest == "/pulls":
            return 200, self.pulls if first_page else []
        if rest.startswith("/git/commits/"):
            return 200, {"commit": {"message": self.message, "author": {"name": "Ada"}}}
        if rest.startswith("/hooks"):
            return self._hooks(method, rest.removeprefix("/hooks").strip("/"), body, first_page)
        if rest.startswith("/statuses/"):
            self.statuses.append({**body, "commit": rest.removeprefix("/statuses/")})
            return 201, {}
        return self._comments(method, rest, body, first_page)

    def _branches(self, branch: str, first_page: bool) -> Any:
        if branch:
            return {"name": branch, "protected": branch in self.protected}
        listed = [{"name": name, "commit": {"id": commit}} for name, commit in self.heads.items()]
        return listed if first_page else []

    def _hooks(self, method: str, hook: str, body: Any, first_page: bool) -> tuple[int, Any]:
        if method == "GET":
            return 200, list(self.hooks.values()) if first_page else []
        if method == "POST":
            self._next += 1
            self.hooks[self._next] = {"id": self._next, **body}
            return 201, self.hooks[self._next]
        if int(hook) not in self.hooks:
            return 404, {"message": "no such webhook"}
        if method == "DELETE":
            del self.hooks[int(hook)]
            return 204, None
        self.hooks[int(hook)] |= body
        return 200, self.hooks[int(hook)]

    def _comments(self, method: str, rest: str, body: Any, first_page: bool) -> tuple[int, Any]:
        number = int(re.sub(r"\D", "", rest))
        if method == "GET":
            return 200, [one for one in self.comments.values() if one["number"] == number] if first_page else []
        if method == "POST":
            self._next += 1
            self.comments[self._next] = {"id": self._next, "number": number, **body}
            return 201, self.comments[self._next]
        if number not in self.comments:
            return 404, {"message": "no such comment"}
        self.comments[number] |= body
        return 200, self.comments[number]


Double = TypeVar("Double", bound=CodeHostDouble)


@contextmanager
def serving(kind: type[Double]) -> Iterator[Double]:
    """Serves a code host of a kind on a free port of the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer, headers = double.answer(
                self.command, self.path, body, self.headers.get("authorization", "")
            )
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "content-type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_any

        def log_message(self, *_: Any) -> None:
            """Writes nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double = kind(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def code_host() -> AbstractContextManager[CodeHostDouble]:
    """Serves a code host in the form of Gitea."""
    return serving(CodeHostDouble)
