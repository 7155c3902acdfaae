"""HTTP API `GET /` and `GET /ui/*`: the dashboard's files, from this archive. Everything else it asks the API for."""

import base64
import mimetypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "page"
HTML = "text/html; charset=utf-8"

# Own scripts and styles only; nothing becomes markup or script unless a policy of ours made it.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types cadence"
)


def content_security_policy(live_url: str) -> str:
    """Returns the policy for a page that also connects to `live_url`; a path is the page's own origin."""
    if not live_url.startswith("wss://"):
        return CONTENT_SECURITY_POLICY
    host = live_url.removeprefix("wss://").split("/")[0]
    return CONTENT_SECURITY_POLICY.replace("connect-src 'self'", f"connect-src 'self' wss://{host}")


_HEADERS = {
    "content-security-policy": content_security_policy(os.environ.get("CADENCE_LIVE_URL", "")),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_IMMUTABLE = "public, max-age=31536000, immutable"
_NOT_KEPT = "no-cache"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": HTML}

_MISSING = """\
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cadence</title></head><body>
<h1>The dashboard was not built</h1><p>The control plane works; only its web page is missing.</p><pre>{reason}</pre>
<p>Start the stack again, or deploy it again, where Node and the npm registry can be reached.</p></body></html>
"""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers one request. Every address below `/ui` that names no file is one of the page's own."""
    path = event.get("rawPath") or "/"
    if path == "/":
        return _answer(302, "", {"location": "/ui", "cache-control": _NOT_KEPT})
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return respond(PAGE, path, accepts_gzip="gzip" in headers.get("accept-encoding", ""))


def respond(page: Path, path: str, *, accepts_gzip: bool) -> dict[str, Any]:
    """Returns the answer for a path below `/ui`; `page` is the folder of the built page."""
    if path.startswith("/ui/assets/"):
        name = path.removeprefix("/ui/assets/")
        if "/" in name or name not in _asset_names(page):
            return _answer(404, "There is no such file.", {"content-type": "text/plain", "cache-control": _NOT_KEPT})
        return _file(page / "assets" / name, _IMMUTABLE, accepts_gzip)
    index = page / "index.html"
    if not index.is_file():
        return _missing(page)
    return _file(index, _NOT_KEPT, accepts_gzip)


def _asset_names(page: Path) -> frozenset[str]:
    folder = page / "assets"
    return frozenset(file.name for file in folder.iterdir()) if folder.is_dir() else frozenset()


def _file(file: Path, cache: str, accepts_gzip: bool) -> dict[str, Any]:
    kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = {"content-type": kind, "cache-control": cache, "vary": "accept-encoding"}
    compressed = file.with_name(f"{file.name}.gz")
    if accepts_gzip and compressed.is_file():
        return _answer(200, compressed.read_bytes(), {**headers, "content-encoding": "gzip"})
    return _answer(200, file.read_bytes(), headers)


def _missing(page: Path) -> dict[str, Any]:
    reason = page / "missing.txt"
    text = reason.read_text() if reason.is_file() else "This archive holds no page."
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return _answer(503, _MISSING.format(reason=escaped), {"content-type": HTML, "cache-control": _NOT_KEPT})


def _answer(status: int, body: str | bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    is_binary = isinstance(body, bytes)
    return {
        "statusCode": status,
        "headers": {**_HEADERS, **headers},
        "isBase64Encoded": is_binary,
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
    }
