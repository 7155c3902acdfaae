"""Badges of pipelines: who sees them, by which address, and what the command prints."""

from urllib.parse import urlsplit

from cadence.domain.runs.states import RunState
from tests.integration.api.calling import Api
from tests.integration.api.test_cli import cadence, server
from tests.integration.api.test_run_tests import PUSH, Reported, reported

__all__ = ["cadence", "reported", "server"]

BADGE = "/v1/projects/default/pipelines/tests/badge"
PICTURE = "/v1/badges/default/default/tests/badge.svg"


def test_a_badge_needs_its_token_unless_the_project_declares_it_public(reported: Reported, other_project: str) -> None:
    api: Api = reported.api
    reported.run(state=RunState.SUCCEEDED, event=PUSH)
    reader = api.token_for(["runs:read"], "default")
    found = api("GET", BADGE, token=reader, query={"branch": "main", "repository": "acme/site"}).json
    address = urlsplit(found["path"])
    assert (address.path, found["public"]) == (PICTURE, False)

    picture = api("GET", PICTURE, token=None, query=address.query)
    assert picture.status == 200 and "tests: passing" in picture.text
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["cache-control"] == "no-cache"
    again = api("GET", PICTURE, token=None, query=address.query, headers={"if-none-match": picture.headers["etag"]})
    assert (again.status, again.text) == (304, "")
    refused = [
        api("GET", path, token=None, query=query)
        for path, query in (
            (PICTURE, "branch=main"),
            (PICTURE, address.query.replace("main", "other")),
            ("/v1/badges/default/none/tests/badge.svg", address.query),
            ("/v1/badges/none/default/tests/badge.svg", address.query),
        )
    ]
    assert {(one.status, one.json["detail"]) for one in refused} == {(404, refused[0].json["detail"])}
    assert api("GET", BADGE, token=api.token_for(["runs:read"], other_project)).status == 404

    assert api("PUT", "/v1/projects/default/badges", {"public": True}, token=reader).status == 403
    assert api("PUT", "/v1/projects/default/badges", {"public": True}).json == {"public": True}
    assert api("GET", "/v1/projects/default/badges").json == {"public": True}
    assert "tests: passing" in api("GET", PICTURE, token=None).text
    assert api("GET", BADGE).json == {"path": PICTURE, "public": True}
    assert api("GET", f"/v1/badges/default/{other_project}/tests/badge.svg", token=None).status == 404


def test_the_command_prints_markdown(cadence, reported: Reported) -> None:
    printed = cadence("badge", "set", "--public")
    assert printed.exit_code == 0, printed.stderr
    assert "Everybody may see the badges" in printed.stdout

    markdown = cadence("badge", "show", "tests", "--branch", "main").stdout.strip()
    assert markdown.startswith("[![tests](http://")
    assert f"{PICTURE}?branch=main)](" in markdown and markdown.endswith("/ui/pipelines/default/tests)")
    private = cadence("badge", "set", "--private", "--revoke-tokens").stdout
    assert "Only those who have a badge's token" in private
    assert "token=" in cadence("badge", "show", "tests").stdout
