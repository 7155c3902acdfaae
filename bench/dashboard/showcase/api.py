"""Requests to the API of the stack that is filled."""

from typing import Any

import requests

from bench.stack import Stack

_SECONDS = 60


class Api:
    """Requests to the stack's API that raise what the API refuses."""

    def __init__(self, stack: Stack) -> None:
        self._root = stack.connection.url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {stack.connection.token}"

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        response = self._session.request(method, f"{self._root}/v1/{path}", json=body, timeout=_SECONDS)
        if not response.ok:
            raise RuntimeError(f"{method} /v1/{path} answered {response.status_code}: {response.text}")
        return response.json() if response.content else None
