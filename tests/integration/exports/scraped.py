"""A target for Prometheus to scrape, that wants a token and answers as the API does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from api.routes.service import OPENMETRICS


@contextmanager
def served(text: str, token: str) -> Iterator[str]:
    """Yields `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers.get("authorization") == f"Bearer {token}"
            self.send_response(200 if allowed else 401)
            self.send_header("content-type", OPENMETRICS)
            self.end_headers()
            self.wfile.write(text.encode() if allowed else b"")

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
