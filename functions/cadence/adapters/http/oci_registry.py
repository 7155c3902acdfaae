"""`ImageRegistries` by the OCI distribution API, with a login or anonymous.

Uses TLS; plain HTTP only to the loopback interface.
"""

import base64
import hashlib
import json
import random
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPMessage
from typing import Any

from cadence.domain.pipelines.image import Image
from cadence.domain.pipelines.registry_login import RegistryLogin
from cadence.domain.shared.errors import ProviderRejected, Transient

_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = ", ".join(_KINDS)
_ATTEMPTS = 3
_TIMEOUT = 8.0
_LARGEST = 4 << 20
_WORDS = 300
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class _NotAnswering(Exception):
    """The registry gave no usable answer this time."""


class OciRegistries:
    """Asks registries.

    `attempts` is how often a registry is asked that does not answer, `seconds` how long each attempt may take.
    """

    def __init__(
        self, sleep: Callable[[float], None] = time.sleep, attempts: int = _ATTEMPTS, seconds: float = _TIMEOUT
    ) -> None:
        self._sleep, self._attempts, self._seconds = sleep, attempts, seconds

    def digest(self, image: Image, login: RegistryLogin | None = None) -> str:
        problem = ""
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(random.uniform(0, 0.5 * 2**attempt))
            try:
                return self._ask(image, login)
            except _NotAnswering as error:
                problem = str(error)
        raise Transient(f"The registry {image.registry} cannot be asked for the image {image}: {problem}")

    def _ask(self, image: Image, login: RegistryLogin | None) -> str:
        scheme = "http" if image.on_loopback else "https"
        repository = urllib.parse.quote(image.repository)
        url = f"{scheme}://{image.registry}/v2/{repository}/manifests/{urllib.parse.quote(image.tag)}"
        headers = {"Accept": _ACCEPT}
        answer = _request("HEAD", url, headers, self._seconds)
        if answer.status == 401:
            headers |= _authorization(answer.headers.get("www-authenticate", ""), image, scheme, login, self._seconds)
            answer = _request("HEAD", url, headers, self._seconds)
        if answer.status == 200 and "docker-content-digest" in answer.headers:
            return answer.headers["docker-content-digest"]
        # The text of a refusal, or the manifest whose digest is computed.
        answer = _request("GET", url, headers, self._seconds)
        if answer.status != 200:
            raise ProviderRejected(
                f"The image {image} cannot be had: {image.registry} answered {_answer_text(answer)}. "
                f"If it is private, name the secret to read it with: registries: {{{image.registry}: NAME}}; "
                "if only the runners may read it, write it with its digest (name@sha256:…)."
            )
        return answer.headers.get("docker-content-digest") or f"sha256:{hashlib.sha256(answer.body).hexdigest()}"


def _authorization(
    challenge: str, image: Image, scheme: str, login: RegistryLogin | None, seconds: float
) -> dict[str, str]:
    """Returns a token for pulling, where the registry issues such; the login itself where it asks for that; otherwise
    None.
    """
    kind, _, parameter_text = challenge.partition(" ")
    basic = {}
    if login is not None:
        pair = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
        basic = {"Authorization": f"Basic {pair}"}
    if kind.lower() == "basic":
        return basic
    parameters = dict(_PARAMETER.findall(parameter_text))
    realm = parameters.get("realm", "")
    if kind.lower() != "bearer" or not realm.startswith(("https://", f"{scheme}://")):
        return {}
    query = {"scope": parameters.get("scope") or f"repository:{image.repository}:pull"}
    if "service" in parameters:
        query["service"] = parameters["service"]
    answer = _request("GET", f"{realm}?{urllib.parse.urlencode(query)}", basic, seconds)
    try:
        issued = json.loads(answer.body)
        token = issued.get("token") or issued.get("access_token")
    except (ValueError, AttributeError):
        return {}
    return {"Authorization": f"Bearer {token}"} if isinstance(token, str) else {}


def _request(method: str, url: str, headers: Mapping[str, str], seconds: float) -> _Answer:
    request = urllib.request.Request(url, headers=dict(headers), method=method)  # noqa: S310 - http or https only
    try:
        try:
            with _OPENER.open(request, timeout=seconds) as response:
                answer = _Answer(response.status, _lower(response.headers), response.read(_LARGEST + 1))
        except urllib.error.HTTPError as error:
            with error:
                answer = _Answer(error.code, _lower(error.headers), error.read(_LARGEST))
    except urllib.error.URLError as error:
        raise _NotAnswering(str(error.reason)) from error
    except (OSError, HTTPException) as error:
        raise _NotAnswering(str(error) or type(error).__name__) from error
    if answer.status == 429 or answer.status >= 500:
        raise _NotAnswering(f"it answered {_answer_text(answer)}")
    if len(answer.body) > _LARGEST:
        raise ProviderRejected(
            f"The manifest at {urllib.parse.urlsplit(url).netloc} is larger than {_LARGEST >> 20} MiB."
        )
    return answer


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Keeps HEAD a HEAD, and never goes from TLS to plain HTTP."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https://"):
            return None
        followed = super().redirect_request(req, fp, code, msg, headers, newurl)
        if followed is not None:
            followed.method = req.get_method()
            if urllib.parse.urlsplit(newurl).netloc != req.host:
                followed.remove_header("Authorization")
        return followed


_OPENER = urllib.request.build_opener(_Redirects)


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _answer_text(answer: _Answer) -> str:
    """Returns the status, and the registry's own words, on one line."""
    try:
        errors = json.loads(answer.body)["errors"]
        words = "; ".join(str(error.get("message") or error.get("code")) for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        words = ""
    return f"{answer.status}: {' '.join(words.split())[:_WORDS]}" if words else str(answer.status)
