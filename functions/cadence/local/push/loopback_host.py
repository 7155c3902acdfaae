"""A code host on the loopback interface for one repository: its webhook and statuses, in the form of Gitea's API."""

import json
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cadence.local.shared.git_head import RepositoryHead

_POLL_SECONDS = 0.1


@dataclass(kw_only=True)
class LoopbackHost:
    """What the code host knows: the repository, and what was written to it.

    `statuses` are the newest ones of the commit, by context; `webhook` is its address and its secret.
    """

    url: str
    name: str
    head: RepositoryHead
    token: str = field(repr=False)
    webhook: Mapping[str, str] | None = None
    statuses: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: Any) -> tuple[HTTPStatus, Any]:
        """Answers a request to the API of the repository; `path` begins after its name."""
        branch = self.head.ref.removeprefix("refs/heads/")
        listed = {"name": branch, "commit": {"id": self.head.commit}, "protected": False}
        match method, path:
            case "GET", "":
                return HTTPStatus.OK, self._described(branch)
            case "GET", "/branches":
                return HTTPStatus.OK, [listed]
            case "GET", "/hooks":
                hooks = [{"id": 1, "active": True, "config": {"url": self.webhook["url"]}}] if self.webhook else []
                return HTTPStatus.OK, hooks
            case "GET", "/pulls":
                return HTTPStatus.OK, []
            case "POST", "/hooks":
                self.webhook = body["config"]
                return HTTPStatus.CREATED, {"id": 1}
            case "DELETE", "/hooks/1":
                self.webhook = None
                return HTTPStatus.NO_CONTENT, None
            case "POST", _ if path == f"/statuses/{self.head.commit}":
                self.statuses[body["context"]] = body
                return HTTPStatus.CREATED, {}
            case "GET", _ if path == f"/git/commits/{self.head.commit}":
                author = {"name": self.head.author}
                return HTTPStatus.OK, {"commit": {"message": self.head.message, "author": author}}
            case "GET", _ if path == f"/branches/{branch}":
                return HTTPStatus.OK, listed
            case _:
                return HTTPStatus.NOT_FOUND, {"message": "not found"}

    def _described(self, branch: str) -> Mapping[str, Any]:
        return {
            "full_name": self.name,
            "html_url": f"{self.url}/{self.name}",
            "clone_url": self.head.url,
            "default_branch": branch,
            "permissions": {"admin": True},
        }


@contextmanager
def loopback_host(name: str, head: RepositoryHead) -> Iterator[LoopbackHost]:
    """Serves a code host that has one repository, called `name`, on a free port of the loopback interface."""
    token = secrets.token_urlsafe()
    in_api = re.compile(rf"/api/v1/repos/{re.escape(name)}((?:/[^?]*)?)(?:\?.*)?")

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            sent = self.rfile.read(length)
            status, answer = HTTPStatus.NOT_FOUND, None
            match = in_api.fullmatch(self.path)
            if not secrets.compare_digest(self.headers.get("authorization", ""), f"token {token}"):
                status = HTTPStatus.UNAUTHORIZED
            elif match:
                status, answer = host.answer(self.command, match[1], json.loads(sent) if sent else None)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 (named by the standard library)

        def log_message(self, *_: Any) -> None:
            """Writes nothing: the command prints what was reported."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = LoopbackHost(url=f"http://127.0.0.1:{server.server_address[1]}", name=name, head=head, token=token)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
