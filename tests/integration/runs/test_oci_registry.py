"""The registry protocol: against a registry made here, and against a real one where it is installed."""

import base64
import hashlib
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.oci_registry import OciRegistries
from cadence.domain.pipelines.image import parse_image
from cadence.domain.pipelines.registry_login import RegistryLogin
from cadence.domain.shared.errors import ProviderRejected, Transient
from cadence.local.shared.ports import first_free

LOOPBACK = EgressPolicy.of("127.0.0.1")
LOGIN = RegistryLogin("ada", "lovelace")
BASIC = "Basic " + base64.b64encode(b"ada:lovelace").decode()
MANIFEST = json.dumps({"schemaVersion": 2}).encode()
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


class Registry:
    """Answers `statuses` first, one a request, then as it should."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.asked: list[tuple[str, str]] = []
        self.needs_token = self.private = self.basic_only = False
        self.tells_digest = True
        self.elsewhere = "127.0.0.1"
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Quiet."""

            def do_HEAD(self) -> None:
                registry.answer(self)

            def do_GET(self) -> None:
                registry.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        self.asked.append((to.command, to.path))
        if self.statuses:
            return self.send(to, self.statuses.pop(0), {"errors": [{"code": "X", "message": "too many\nrequests"}]})
        if to.path.startswith("/token"):
            known = to.headers["Authorization"] == BASIC
            return self.send(to, 200, {"token": "ours" if known else "anonymous"})
        if self.basic_only and to.headers["Authorization"] != BASIC:
            return self.send(to, 401, {}, **{"WWW-Authenticate": 'Basic realm="it"'})
        if self.private and to.headers["Authorization"] == "Bearer anonymous":
            return self.send(to, 403, {"errors": [{"code": "DENIED", "message": "denied"}]})
        if self.needs_token and not (to.headers["Authorization"] or "").startswith("Bearer"):
            realm = f'Bearer realm="http://{self.host}/token",service="it",scope="repository:org/app:pull"'
            return self.send(to, 401, {}, **{"WWW-Authenticate": realm})
        if to.path == "/v2/moved/manifests/1":
            host = f"{self.elsewhere}:{self.server.server_port}"
            return self.send(to, 307, {}, Location=f"http://{host}/v2/org/app/manifests/1")
        if to.path == "/v2/circle/manifests/1":
            return self.send(to, 307, {}, Location=to.path)
        if to.path != "/v2/org/app/manifests/1":
            return self.send(to, 404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})
        assert "application/vnd.oci.image.index.v1+json" in to.headers["Accept"]
        headers = {"Docker-Content-Digest": DIGEST} if self.tells_digest else {}
        return self.send(to, 200, json.loads(MANIFEST), **headers)

    def send(self, to: BaseHTTPRequestHandler, status: int, body: object, **headers: str) -> None:
        content = json.dumps(body).encode()
        to.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            to.send_header(name, value)
        to.end_headers()
        if to.command != "HEAD":
            to.wfile.write(content)


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    yield registry
    registry.server.shutdown()
    registry.server.server_close()


def digest(image: str, waits: list[float] | None = None) -> str:
    pauses: list[float] = [] if waits is None else waits
    return OciRegistries(LOOPBACK, pauses.append).digest(parse_image(image))


def test_one_request_is_enough(registry: Registry) -> None:
    assert digest(f"{registry.host}/org/app:1") == DIGEST
    assert registry.asked == [("HEAD", "/v2/org/app/manifests/1")]


def test_an_anonymous_token_is_fetched_when_it_is_asked_for(registry: Registry) -> None:
    registry.needs_token = True
    assert digest(f"{registry.host}/org/app:1") == DIGEST
    assert registry.asked[1] == ("GET", "/token?scope=repository%3Aorg%2Fapp%3Apull&service=it")


def test_a_login_gets_a_token_of_its_own(registry: Registry) -> None:
    registry.needs_token = registry.private = True
    image = parse_image(f"{registry.host}/org/app:1")
    assert OciRegistries(LOOPBACK).digest(image, LOGIN) == DIGEST
    with pytest.raises(ProviderRejected, match="403: denied"):
        OciRegistries(LOOPBACK).digest(image)


def test_a_login_is_sent_itself_where_a_registry_asks_for_that(registry: Registry) -> None:
    registry.basic_only = True
    image = parse_image(f"{registry.host}/org/app:1")
    assert OciRegistries(LOOPBACK).digest(image, LOGIN) == DIGEST
    with pytest.raises(ProviderRejected, match="401"):
        OciRegistries(LOOPBACK).digest(image)


def test_redirects_are_followed(registry: Registry) -> None:
    assert digest(f"{registry.host}/moved:1") == DIGEST
    assert [method for method, _ in registry.asked] == ["HEAD", "HEAD"]


def test_a_registry_within_the_installations_own_network_is_not_asked(registry: Registry) -> None:
    with pytest.raises(ProviderRejected, match=rf"{registry.host} may not be asked: .* not one of the outbound hosts"):
        OciRegistries(EgressPolicy.of("", "outbound hosts")).digest(parse_image(f"{registry.host}/org/app:1"))
    assert registry.asked == []


def test_a_redirect_leads_nowhere_else_than_a_name_may(registry: Registry) -> None:
    registry.elsewhere = "localhost"
    with pytest.raises(ProviderRejected, match=r"localhost:.* may not be asked"):
        digest(f"{registry.host}/moved:1")
    assert registry.asked == [("HEAD", "/v2/moved/manifests/1")]


def test_a_registry_that_redirects_for_ever(registry: Registry) -> None:
    with pytest.raises(Transient, match="it redirects more than 5 times"):
        digest(f"{registry.host}/circle:1")


def test_a_registry_that_tells_no_digest(registry: Registry) -> None:
    registry.tells_digest = False
    assert digest(f"{registry.host}/org/app:1") == DIGEST


def test_what_it_refuses_comes_in_its_own_words(registry: Registry) -> None:
    with pytest.raises(
        ProviderRejected, match=rf"{registry.host}/org/none:2 cannot be had: .* 404: manifest unknown\."
    ):
        digest(f"{registry.host}/org/none:2")


def test_a_busy_registry_is_asked_again(registry: Registry) -> None:
    waits: list[float] = []
    registry.statuses = [503, 429]
    assert digest(f"{registry.host}/org/app:1", waits) == DIGEST
    assert len(waits) == 2
    registry.statuses = [503] * 9
    with pytest.raises(Transient, match=r"cannot be asked for the image .*: it answered 503"):
        digest(f"{registry.host}/org/app:1")


def test_a_registry_that_does_not_answer() -> None:
    host = f"127.0.0.1:{first_free()}"
    with pytest.raises(Transient, match=f"The registry {host} cannot be asked .*: it does not answer: no connection"):
        digest(f"{host}/org/app:1")


@pytest.mark.parametrize(
    ("code", "refusal"),
    [(socket.EAI_NONAME, ProviderRejected), (socket.EAI_AGAIN, Transient)],
    ids=["no such name", "try again"],
)
def test_a_name_that_does_not_exist_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, code: int, refusal: type[Exception]
) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "as the resolver says")

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    waits: list[float] = []
    registries = OciRegistries(EgressPolicy.of("registry.test"), waits.append)

    with pytest.raises(refusal, match=r"The registry registry\.test cannot be asked .* is not known"):
        registries.digest(parse_image("registry.test/org/app:1"))

    assert len(waits) == (0 if refusal is ProviderRejected else 2)


@pytest.mark.skipif(
    not shutil.which("docker-registry"), reason="docker-registry is not installed (apt-get install docker-registry)"
)
def test_a_real_registry(tmp_path: Path) -> None:
    host = f"127.0.0.1:{first_free()}"
    settings = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "store")}},
        "http": {"addr": host},
    }
    (tmp_path / "config.yml").write_text(json.dumps(settings))
    process = subprocess.Popen(
        ["docker-registry", "serve", str(tmp_path / "config.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        pushed = _push(host, "team/app", "1.0")
        assert digest(f"{host}/team/app:1.0") == pushed
        with pytest.raises(ProviderRejected, match="404: manifest unknown"):
            digest(f"{host}/team/app:2.0")
    finally:
        process.kill()
        process.wait()


def _push(host: str, repository: str, tag: str) -> str:
    """An image of one empty layer; returns its digest."""
    blob = b"{}"
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(blob)}
    described = {**described, "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}"}
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": described, "layers": []}).encode()
    place = _send("POST", f"http://{host}/v2/{repository}/blobs/uploads/", b"")["Location"]
    _send("PUT", f"{place}&digest={described['digest']}", blob)
    stored = _send("PUT", f"http://{host}/v2/{repository}/manifests/{tag}", manifest, kind)
    return str(stored["Docker-Content-Digest"])


def _send(method: str, url: str, body: bytes, kind: str = "application/octet-stream") -> dict[str, str]:
    until = time.monotonic() + 20
    while True:
        request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return dict(response.headers)
        except urllib.error.URLError as error:
            if isinstance(error, urllib.error.HTTPError) or time.monotonic() > until:
                raise
            time.sleep(0.05)
