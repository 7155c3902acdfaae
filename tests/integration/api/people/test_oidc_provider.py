"""Both flows of `cadence login` with a real OpenID provider (`.ci/peers oidc-provider`)."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from cadence.cli.client.provider_sign_in import ProviderSignIn
from cadence.composition.access.sign_in import sign_in
from tests.integration.api.calling import Api

CACHE = Path(os.environ.get("CADENCE_PEERS") or Path.home() / ".cache" / "cadence-peers")
FOLDER = CACHE / "oidc-provider-9.13.3"
SERVER = Path(__file__).parents[3] / "peers" / "oidc_provider" / "server.mjs"

pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules" / "oidc-provider" / "package.json").exists() or shutil.which("node") is None,
    reason="oidc-provider is not built (.ci/peers oidc-provider), or node is not installed",
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    command = ["node", str(SERVER), str(FOLDER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def browse(address: str) -> None:
    """Opens an address, signs in as `ada` and agrees to everything that is asked."""
    session = requests.Session()
    page = session.get(address, timeout=60)
    for _ in range(6):
        form = re.search(r"<form[^>]*action=\"([^\"]+)\"", page.text)
        if page.status_code != 200 or form is None:
            return
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
        if 'name="login"' in page.text:
            fields |= {"login": "ada", "password": "x"}
        if 'name="confirm"' in page.text:
            fields["confirm"] = "yes"
        page = session.post(urljoin(page.url, form[1]), data=fields, timeout=60)


def test_both_flows(api: Api, issuer: str) -> None:
    api("PUT", "/v1/identity-providers/corp", {"issuer": issuer, "client_id": "cadence"})
    member_id = api("POST", "/v1/members", {"name": "Ada", "email": "ada@example.org"}).json["member_id"]
    at = ProviderSignIn(issuer=issuer, client_id="cadence", scopes=("openid", "email", "profile"))
    way = sign_in()

    def in_a_thread(address: str) -> None:
        threading.Thread(target=browse, args=(address,), daemon=True).start()

    browser = at.with_browser(in_a_thread)
    assert way.sign_in("default", "corp", browser.id_token, browser.nonce).member.member_id == member_id

    device = at.with_device(lambda address, code: in_a_thread(address))
    assert way.sign_in("default", "corp", device.id_token, device.nonce).member.member_id == member_id
