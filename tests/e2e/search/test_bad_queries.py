"""Queries that are none, ask for too much or for what is others': a clear answer, and soon."""

import pytest

from tests.e2e.api import Api

REFUSED = {
    "level:eror": "It is one of error, warning, info, debug",
    "since:yesterdayy": "is no time (at character 7). Write for example 2h",
    "(a": "This bracket is not closed (at character 1)",
    '"open': "This quote is not closed",
    "/(?=x)/": "look-around",
    "/a{1000000}/": "repeats too much",
    "since:9999999999d": "is no time",
    "since:2020-01-01 until:1999-01-01": "nothing is kept that long",
    "1d..2d": "ends before it begins",
    "until:1e400d": "is no time",
    "-" * 100: "There is no word in",
    " ".join("a" * 70): "At most 64 are possible",
    "x" * 2_000: "at most 1024 characters",
}
# Regular expressions that take others for ever take time linear in the text here; others' names find nothing.
ANSWERED = (
    "/(a+)+$/",
    "/(.*a){30}/",
    f"/{'(a|aa)' * 20}+$/",
    "organization:rival x",
    "run:../../etc",
    "project:rival x",
)


@pytest.mark.parametrize("query", REFUSED)
def test_what_is_wrong_with_a_query_is_said_with_its_place(api: Api, query: str) -> None:
    for path in ("/v1/logs", "/v1/logs/counts", "/v1/logs/live"):
        answer = api.call("GET", path, params={"q": query})
        assert answer.status_code == 422, answer.text
        assert REFUSED[query] in str(answer.json()["violations"]), answer.text


def test_no_query_holds_a_search_up(api: Api) -> None:
    """Each of them within the half minute that any request has, whatever there is to be searched."""
    for query in ANSWERED:
        assert api.call("GET", "/v1/logs", params={"q": query}).status_code == 200, query


def test_absurd_ranges_and_what_is_others_are_refused(api: Api) -> None:
    for path, status in (
        ("/v1/logs/counts?q=since:3000d&interval=1", 422),
        ("/v1/logs/counts?q=since:10000d", 422),
        ("/v1/logs?project=rival", 404),
        ("/v1/logs?cursor=forged", 422),
        ("/v1/logs/live?after=forged", 422),
        ("/v1/runs/01zzzzzzzzzzzzzzzzzzzzzzzz/logs", 404),
        ("/v1/dead-letters/record-0000000000000000", 404),
        ("/v1/projects/rival/retention", 404),
    ):
        answer = api.call("GET", path)
        assert answer.status_code == status, (path, answer.text)
        assert answer.json()["detail"]
