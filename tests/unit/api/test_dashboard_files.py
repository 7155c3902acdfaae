"""The Lambda that serves the dashboard: files, addresses of the page's own, headers, and a page that is missing."""

import base64
import gzip
from pathlib import Path

import pytest

from dashboard.handler import CONTENT_SECURITY_POLICY, content_security_policy, handler, respond


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>the page")
    (tmp_path / "assets" / "index-1a2b.js").write_text("run()")
    (tmp_path / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(b"run()", mtime=0))
    return tmp_path


@pytest.mark.parametrize("path", ["/ui", "/ui/runs", "/ui/runs/01hx/t/a%2Fb", "/ui/search"])
def test_every_address_below_ui_is_the_page(page, path):
    answer = respond(page, path, accepts_gzip=False)

    assert answer["statusCode"] == 200
    assert base64.b64decode(answer["body"]) == b"<!doctype html>the page"
    assert answer["headers"]["cache-control"] == "no-cache"
    assert answer["headers"]["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_assets_are_immutable_and_compressed_for_those_who_ask(page):
    plain = respond(page, "/ui/assets/index-1a2b.js", accepts_gzip=False)
    small = respond(page, "/ui/assets/index-1a2b.js", accepts_gzip=True)

    assert base64.b64decode(plain["body"]) == b"run()"
    assert "immutable" in plain["headers"]["cache-control"]
    assert plain["headers"]["content-type"] == "text/javascript; charset=utf-8"
    assert small["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(small["body"])) == b"run()"


@pytest.mark.parametrize(
    "path", ["/ui/assets/none.js", "/ui/assets/../index.html", "/ui/assets/", "/ui/assets/%2e%2e/index.html"]
)
def test_other_files_are_not_served(page, path):
    assert respond(page, path, accepts_gzip=False)["statusCode"] == 404


def test_a_missing_page_says_why(tmp_path):
    (tmp_path / "missing.txt").write_text("npm: <no network>")

    answer = respond(tmp_path, "/ui/runs", accepts_gzip=True)

    assert answer["statusCode"] == 503
    assert "npm: &lt;no network>" in answer["body"]
    assert "control plane works" in answer["body"]


def test_the_root_leads_to_the_page():
    answer = handler({"rawPath": "/"}, None)

    assert (answer["statusCode"], answer["headers"]["location"]) == (302, "/ui")


def test_nothing_inline_and_nothing_foreign_is_allowed():
    for word in ("unsafe", "http:", "https:", "data:", "*"):
        assert word not in CONTENT_SECURITY_POLICY


def test_a_page_may_also_connect_to_the_websocket_api():
    address = "wss://a1b2.execute-api.eu-west-3.amazonaws.com/live"

    assert "connect-src 'self' wss://a1b2.execute-api.eu-west-3.amazonaws.com;" in content_security_policy(address)
    assert content_security_policy("/v1/live/socket") == CONTENT_SECURITY_POLICY
