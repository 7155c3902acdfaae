"""The two flows of `cadence login`, against a provider on loopback that checks what it is sent."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests

from cadence.cli.client.connection import connect
from cadence.cli.client.contexts import ConnectionContext, StoredContexts, read_contexts, write_contexts
from cadence.cli.client.provider_sign_in import ProviderSignIn, SignInFailed
from tests.fakes.answering import Asked, Reply, answering


class Provider:
    """Answers as RFC 8628 and RFC 7636 say; `pending` is how often the device flow is not decided yet."""

    def __init__(self) -> None:
        self.pending: list[str] = []
        self.challenge = ""
        self.url = ""

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(body=self.discovery())
        answer = self.post(asked.path, dict(parse_qsl(asked.raw.decode())))
        return Reply(400 if "error" in answer else 200, answer)

    def discovery(self) -> dict[str, Any]:
        names = ("authorization", "token", "device_authorization")
        return {f"{name}_endpoint": f"{self.url}/{name}" for name in names}

    def post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        if path == "/device_authorization":
            return {
                "device_code": "d", "user_code": "ABCD", "verification_uri": "http://id/device", "interval": 1,
                "expires_in": 60,
            }  # fmt: skip
        if form["grant_type"] == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            proven = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenge
            return {"id_token": f"for {form['code']}"} if proven else {"error": "invalid_grant"}
        return {"error": self.pending.pop(0)} if self.pending else {"id_token": f"for {form['device_code']}"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    with answering(made.answer) as made.url:
        yield made


def at(provider: Provider, waits: list[float]) -> ProviderSignIn:
    return ProviderSignIn(issuer=provider.url, client_id="cadence", scopes=("openid",), sleep=waits.append)


def test_a_device_waits_as_long_as_the_provider_asks(provider):
    waits: list[float] = []
    shown: list[tuple[str, str]] = []
    provider.pending = ["authorization_pending", "slow_down", "authorization_pending"]

    answer = at(provider, waits).with_device(lambda address, code: shown.append((address, code)))

    assert (answer.id_token, answer.nonce) == ("for d", None)
    assert shown == [("http://id/device", "ABCD")]
    assert waits == [1, 1, 6, 6]


def test_a_device_gives_up(provider):
    provider.pending = ["authorization_pending"] * 100
    with pytest.raises(SignInFailed, match="in time"):
        at(provider, []).with_device(lambda address, code: None)
    provider.pending = ["access_denied"]
    with pytest.raises(SignInFailed, match="access_denied"):
        at(provider, []).with_device(lambda address, code: None)


def browser(provider: Provider, **changed: str) -> Any:
    """A browser whose user signs in at once, in a thread of its own."""

    def open_page(address: str) -> None:
        query = {name: one[0] for name, one in parse_qs(urlsplit(address).query).items()}
        provider.challenge = query["code_challenge"]
        assert query["code_challenge_method"] == "S256"
        back = {"state": query["state"], "code": "c", **changed}
        url = f"{query['redirect_uri']}?{urlencode(back)}"

        def visit() -> None:
            requests.get(url.replace("/callback", "/favicon.ico"), timeout=60)
            requests.get(url, timeout=60)

        threading.Thread(target=visit, daemon=True).start()

    return open_page


def test_a_browser_proves_that_it_began_the_sign_in(provider):
    answer = at(provider, []).with_browser(browser(provider))
    assert answer.id_token == "for c"
    assert answer.nonce


def test_answers_to_another_sign_in_are_refused(provider):
    with pytest.raises(SignInFailed, match="another sign-in"):
        at(provider, []).with_browser(browser(provider, state="other"))


def test_a_provider_without_the_flow_is_named(provider):
    provider.discovery = dict
    with pytest.raises(SignInFailed, match="device_authorization_endpoint"):
        at(provider, []).with_device(lambda address, code: None)


def test_contexts_are_kept_for_their_owner_only(tmp_path):
    file = tmp_path / "private" / "contexts.json"
    one = ConnectionContext("acme", "https://c.example", "acme", "cad_x")
    assert read_contexts(file) == StoredContexts({})

    write_contexts(file, StoredContexts({"acme": one}, "acme"))

    assert read_contexts(file).current == one
    assert file.stat().st_mode & 0o777 == 0o600
    client = connect(environment={"CADENCE_CONTEXTS": str(file)}, folder=tmp_path)
    assert (client.url, client.token) == ("https://c.example", "cad_x")
    file.write_text("{}")
    with pytest.raises(ValueError, match="no file of contexts"):
        read_contexts(file)
