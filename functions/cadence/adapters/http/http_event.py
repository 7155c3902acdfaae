"""Requests and answers of an HTTP API (payload format 2.0)."""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from cadence.domain.shared.errors import InvalidRequest, TooLarge

# Lambda takes 6 MB in all.
LARGEST_BODY = 5 * 1024 * 1024


def authorization(event: dict[str, Any]) -> str | None:
    value: str | None = (event.get("headers") or {}).get("authorization")
    return value


def headers(event: dict[str, Any]) -> dict[str, str]:
    """Returns the request's headers, with their names in lower case."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def source_address(event: dict[str, Any]) -> str:
    """Returns the address that a request came from, as the front door saw it; empty if it does not say so."""
    http = (event.get("requestContext") or {}).get("http") or {}
    return str(http.get("sourceIp") or "")


def called_origin(headers: Mapping[str, str]) -> str:
    """Returns the address by which the API was called, such as `https://cadence.example.org`.

    API Gateway answers only requests whose header `host` names one of the API's own domains, so that no caller can
    choose another one.
    """
    host = headers.get("host", "")
    loopback = host.partition(":")[0] in ("127.0.0.1", "localhost") or ".localhost" in host
    scheme = headers.get("x-forwarded-proto") or ("http" if loopback else "https")
    return f"{scheme}://{host}"


def proxy_path(event: dict[str, Any]) -> str:
    """Returns what `{proxy+}` stands for in the request's path, without slashes at its ends."""
    return str((event.get("pathParameters") or {}).get("proxy") or "").strip("/")


def is_read(event: dict[str, Any]) -> bool:
    """Returns whether the request is a GET."""
    http: dict[str, Any] = (event.get("requestContext") or {}).get("http") or {}
    return http.get("method") == "GET"


def json_body(event: dict[str, Any]) -> Any:
    """Returns the parsed body. Raises InvalidRequest (not JSON, or not text that can be stored) or TooLarge."""
    text = event.get("body") or ""
    if len(text) > LARGEST_BODY:
        raise TooLarge(f"A request may have {LARGEST_BODY} bytes.", limit=LARGEST_BODY)
    try:
        raw = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
        # Half a surrogate pair, which JSON can write as an escape, is not text.
        if b"\\ud" in raw.lower():
            json.dumps(json.loads(raw), ensure_ascii=False).encode()
        return json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, binascii.Error, RecursionError):
        raise InvalidRequest("The body is not JSON in UTF-8.") from None


def json_response(body: Any, status: int = 200) -> dict[str, Any]:
    """Returns an answer that no cache on the way may store: answers may hold tokens and secrets."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(body, separators=(",", ":")),
    }


def file_response(content: bytes) -> dict[str, Any]:
    """Returns a file that never changes at its address."""
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/octet-stream", "cache-control": "public, max-age=31536000, immutable"},
        "isBase64Encoded": True,
        "body": base64.b64encode(content).decode(),
    }


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
