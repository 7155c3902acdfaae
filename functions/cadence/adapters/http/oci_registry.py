"""`ImageRegistries` by the OCI distribution API, with a login or anonymous.

Uses TLS; plain HTTP only to the loopback interface. An image names its registry, so it is asked only where the
installation allows connections to.
"""

import base64
import hashlib
import json
import random
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError

from cadence.adapters.http.connection_errors import name_does_not_exist, reason_of
from cadence.adapters.http.egress_policy import EgressPolicy, EgressRefused, guarded_pool
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
_MOST_REDIRECTS = 5
_WORDS = 300
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class _NotAnswering(Exception):
    """The registry gave no usable answer this time."""


class _NoSuchName(Exception):
    """The name of the registry, or of the host that it refers to, does not exist."""


class OciRegistries:
    """Asks registries.

    `reach` says which addresses may be asked, `attempts` how often a registry is asked that does not answer, `seconds`
    how long each attempt may take.
    """

    def __init__(
        self,
        reach: EgressPolicy,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = _ATTEMPTS,
        seconds: float = _TIMEOUT,
    ) -> None:
        self._sleep, self._attempts = sleep, attempts
        self._http = _Http(reach, seconds)

    def digest(self, image: Image, login: RegistryLogin | None = None) -> str:
        problem = ""
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(random.uniform(0, 0.5 * 2**attempt))
            try:
                return self._ask(image, login)
            except _NotAnswering as error:
                problem = str(error)
            except _NoSuchName as error:
                raise ProviderRejected(
                    f"The registry {image.registry} cannot be asked for the image {image}: the name {error} is not known "
                    "here. Check the name, and whether Cadence reaches that network; where it does not, write images "
                    "with their digest (name@sha256:…), or leave `image` out to use the runner's own programs."
                ) from None
        raise Transient(f"The registry {image.registry} cannot be asked for the image {image}: {problem}")

    def _ask(self, image: Image, login: RegistryLogin | None) -> str:
        scheme = "http" if image.on_loopback else "https"
        repository = urllib.parse.quote(image.repository)
        url = f"{scheme}://{image.registry}/v2/{repository}/manifests/{urllib.parse.quote(image.tag)}"
        headers = {"Accept": _ACCEPT}
        answer = self._http.request("HEAD", url, headers)
        if answer.status == 401:
            headers |= self._authorization(answer.headers.get("www-authenticate", ""), image, scheme, login)
            answer = self._http.request("HEAD", url, headers)
        if answer.status == 200 and "docker-content-digest" in answer.headers:
            return answer.headers["docker-content-digest"]
        # The text of a refusal, or the manifest whose digest is computed.
        answer = self._http.request("GET", url, headers)
        if answer.status != 200:
            raise ProviderRejected(
                f"The image {image} cannot be had: {image.registry} answered {_answer_text(answer)}. "
                f"If it is private, name the secret to read it with: registries: {{{image.registry}: NAME}}; "
                "if only the runners may read it, write it with its digest (name@sha256:…)."
            )
        return answer.headers.get("docker-content-digest") or f"sha256:{hashlib.sha256(answer.body).hexdigest()}"

    def _authorization(self, challenge: str, image: Image, scheme: str, login: RegistryLogin | None) -> dict[str, str]:
        """Returns the header with a token for pulling, where the registry issues such; with the login itself where it
        asks for that; no header otherwise.
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
        answer = self._http.request("GET", f"{realm}?{urllib.parse.urlencode(query)}", basic)
        try:
            issued = json.loads(answer.body)
            token = issued.get("token") or issued.get("access_token")
        except (ValueError, AttributeError):
            return {}
        return {"Authorization": f"Bearer {token}"} if isinstance(token, str) else {}


class _Http:
    """Requests that follow redirects: a HEAD stays a HEAD, TLS is never left, and no other host gets a login."""

    def __init__(self, reach: EgressPolicy, seconds: float) -> None:
        self._reach = reach
        self._timeout, self._once = urllib3.Timeout(seconds), urllib3.Retry(False)
        self._guarded = guarded_pool(reach, user_agent="cadence", timeout=self._timeout, retries=self._once)

    def request(self, method: str, url: str, headers: Mapping[str, str]) -> _Answer:
        """Raises _NotAnswering, _NoSuchName, ProviderRejected."""
        headers = dict(headers)
        for _ in range(_MOST_REDIRECTS):
            answer = self._one(method, url, headers)
            target = urllib.parse.urljoin(url, answer.headers.get("location", ""))
            before, after = urllib.parse.urlsplit(url), urllib.parse.urlsplit(target)
            if answer.status not in {301, 302, 303, 307, 308} or after.scheme not in {"https", before.scheme}:
                return answer
            if after.netloc != before.netloc:
                headers.pop("Authorization", None)
            url = target
        raise _NotAnswering(f"it redirects more than {_MOST_REDIRECTS} times")

    def _one(self, method: str, url: str, headers: Mapping[str, str]) -> _Answer:
        host = urllib.parse.urlsplit(url).netloc
        try:
            response = self._pool(url).request(method, url, headers=headers, redirect=False, preload_content=False)
            try:
                body = response.read(_LARGEST + 1)
            finally:
                response.close()
        except EgressRefused as error:
            raise ProviderRejected(f"The registry {host} may not be asked: {error}") from error
        except (OSError, HTTPError) as error:
            if name_does_not_exist(error):
                raise _NoSuchName(urllib.parse.urlsplit(url).hostname) from error
            raise _NotAnswering(f"it does not answer: {reason_of(error)}") from error
        answer = _Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, body)
        if answer.status == 429 or answer.status >= 500:
            raise _NotAnswering(f"it answered {_answer_text(answer)}")
        if len(body) > _LARGEST:
            raise ProviderRejected(f"The manifest at {host} is larger than {_LARGEST >> 20} MiB.")
        return answer

    def _pool(self, url: str) -> urllib3.PoolManager:
        """Returns the pool for an address: through the environment's proxy where all addresses are allowed anyway."""
        parts = urllib.parse.urlsplit(url)
        proxy = urllib.request.getproxies().get(parts.scheme)
        if not self._reach.anywhere or not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
            return self._guarded
        return urllib3.ProxyManager(proxy, timeout=self._timeout, retries=self._once)


def _answer_text(answer: _Answer) -> str:
    """Returns the status, and the registry's own words, on one line."""
    try:
        errors = json.loads(answer.body)["errors"]
        words = "; ".join(str(error.get("message") or error.get("code")) for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        words = ""
    return f"{answer.status}: {' '.join(words.split())[:_WORDS]}" if words else str(answer.status)
