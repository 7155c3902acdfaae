"""`cadence github-app`: the browser goes to GitHub with the manifest and comes back with a code."""

import html
import json
import re
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from typer.testing import Result

from tests.doubles.github import app_pem
from tests.doubles.github_repository import CODE, GithubRepository
from tests.integration.api.test_cli import cadence, server

__all__ = ["cadence", "server"]

Cadence = Callable[..., Result]


class Browser:
    """Opens the command's page as a browser does, and returns with a code. `state` replaces GitHub's."""

    def __init__(self) -> None:
        self.manifest: dict[str, Any] = {}
        self.state = ""

    def open(self, address: str) -> bool:
        threading.Thread(target=self._visit, args=(address,)).start()  # the command answers once it waits
        return True

    def _visit(self, address: str) -> None:
        page = requests.get(address, timeout=60).text
        form, manifest = re.search(r'action="([^"]+)"', page), re.search(r'value="([^"]+)"', page)
        assert form is not None and manifest is not None
        self.manifest = json.loads(html.unescape(manifest[1]))
        (state,) = parse_qs(urlsplit(html.unescape(form[1])).query)["state"]
        answer = {"code": CODE, "state": self.state or state}
        requests.get(self.manifest["redirect_url"], params=answer, timeout=60)


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    made = Browser()
    monkeypatch.setattr(webbrowser, "open", made.open)
    return made


def test_an_app_is_registered_used_and_forgotten(cadence: Cadence, browser: Browser, tmp_path: Path) -> None:
    github = GithubRepository(clone_url="https://git.invalid/acme/site.git")
    key = tmp_path / "key.pem"
    key.write_text(app_pem())
    with github.serving() as url:
        github.url = url
        made = cadence("github-app", "create", "--host", url, "--name", "Ours", "--json")
        assert made.exit_code == 0, made.output
        app = json.loads(made.stdout)
        assert browser.manifest["name"] == "Ours" and app["name"] == "Cadence of Acme"

        assert "Cadence of Acme" in cadence("github-app", "list").output
        connect = ("repository", "connect", f"{url}/acme/site", "--kind", "github", "--app", "Cadence of Acme")
        assert cadence(*connect).exit_code == 0
        assert "of a GitHub App" in " ".join(cadence("repository", "show", "acme/site").output.split())
        rotated = cadence("github-app", "rotate", app["id"], "--private-key", str(key))
        assert "private key were replaced" in rotated.output
        assert cadence("github-app", "delete", app["id"]).exit_code != 0
        assert cadence("repository", "disconnect", "acme/site").exit_code == 0
        assert cadence("github-app", "delete", app["id"]).exit_code == 0
        assert json.loads(cadence("github-app", "list", "--json").stdout) == []


def test_an_answer_of_another_registration_is_refused(cadence: Cadence, browser: Browser) -> None:
    browser.state = "of-somebody-else"

    refused = cadence("github-app", "create", "--host", "http://127.0.0.1:9")
    assert refused.exit_code != 0 and "another registration" in refused.output


def test_a_file_that_holds_no_key_is_refused(cadence: Cadence, tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("words")

    refused = cadence("github-app", "rotate", "any", "--private-key", str(tmp_path / "a.pem"))
    assert refused.exit_code == 2 and "no private key" in " ".join(refused.output.split())
