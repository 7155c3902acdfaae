"""Repositories made by the real git program, and served over HTTP by its own backend."""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


class Repository:
    """A repository with a work tree. Commits are a minute apart, so that which is the latest is never open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._time = 1_700_000_000
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("config", "uploadpack.allowFilter", "true")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def git(self, *arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self._time += 60
        when = {"GIT_AUTHOR_DATE": f"{self._time} +0000", "GIT_COMMITTER_DATE": f"{self._time} +0000"}
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            env={**environment, **_IDENTITY, **when},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def commit(self, files: dict[str, str | None], message: str = "a change") -> str:
        """A commit with these files' content (None removes one) on the branch that is checked out."""
        for name, content in files.items():
            file = self.folder / name
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def differing(self, base: str, head: str, dots: str = "..") -> frozenset[str]:
        """What git itself says."""
        said = self.git("diff", "--no-renames", "--name-only", "-z", f"{base}{dots}{head}")
        return frozenset(said.strip("\0").split("\0")) - {""}


@contextmanager
def served(
    folder: Path, token: str | None = None, lfs: Mapping[str, bytes] | None = None, asked: list[str] | None = None
) -> Iterator[str]:
    """The address under which the repositories in `folder` can be read; only with `token` as the password if one is
    given. `lfs` are the contents that its server of Git LFS has, by the SHA-256 under which it gives them. Requests are
    added to `asked` as method and path.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

        def _answer(self) -> None:
            if asked is not None:
                asked.append(f"{self.command} {self.path}")
            if token and token not in _password(self.headers.get("Authorization", "")):
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                self.end_headers()
                return
            parts = urlsplit(self.path)
            if lfs is not None and (parts.path.endswith("/info/lfs/objects/batch") or parts.path.startswith("/lfs/")):
                _answer_lfs(self, lfs, parts.path)
                return
            length = int(self.headers.get("Content-Length", 0))
            done = subprocess.run(
                ["git", "http-backend"],
                env={
                    **os.environ,
                    **_IDENTITY,
                    "GIT_PROJECT_ROOT": str(folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "PATH_INFO": parts.path,
                    "QUERY_STRING": parts.query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "CONTENT_LENGTH": str(length),
                },
                input=self.rfile.read(length),
                capture_output=True,
                check=False,
            )
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            headers = [line.decode().split(": ", 1) for line in head.split(b"\r\n") if b": " in line]
            status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
            self.send_response(status)
            for name, value in headers:
                if name != "Status":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _password(authorization: str) -> str:
    return base64.b64decode(authorization.removeprefix("Basic ")).decode() if authorization.startswith("Basic ") else ""


def _answer_lfs(request: BaseHTTPRequestHandler, contents: Mapping[str, bytes], path: str) -> None:
    """Answers as a server of Git LFS does (Batch API)."""
    body = contents.get(path.removeprefix("/lfs/"), b"")
    if request.command == "POST":
        asked = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        assert asked["operation"] == "download"
        address = f"http://{request.headers['Host']}/lfs/"
        objects = [
            {**one, "actions": {"download": {"href": address + one["oid"], "header": {"X-Signed": "yes"}}}}
            if one["oid"] in contents
            else {**one, "error": {"code": 404, "message": "Object does not exist"}}
            for one in asked["objects"]
        ]
        body = json.dumps({"transfer": "basic", "objects": objects}).encode()
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
