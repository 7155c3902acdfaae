"""Searching, counting and following lines through the API: what the token sees, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from tests.fakes.runs import a_run


@pytest.fixture
def write(api, settings):
    """Writes lines of a run; their times are the given seconds ago."""
    index, segments = DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"])
    written: dict[str, int] = {}

    def write(run_id: str, *texts: str, organization: str = "default", project: str = "default", ago: int = 60) -> None:
        first = written.get(run_id, 0) + 1
        written[run_id] = first + len(texts) - 1
        at = f"{datetime.now(UTC) - timedelta(seconds=ago):%Y-%m-%dT%H:%M:%S}.000Z"
        lines = [
            LogLine(seq=first + n, time=at, stream="stdout", level="info", text=text) for n, text in enumerate(texts)
        ]
        store = IndexLogs(index, segments, lambda name: a_run(name, organization, project))
        store.index_batches(
            run_id,
            [LogBatch(run_id=run_id, runner_id=f"{run_id}-1", treatment="greet", attempt=1, lines=lines, pool="spot")],
        )

    return write


def texts(answer) -> list[str]:
    assert answer.status == 200, answer.text
    return [line["text"] for line in answer.json["lines"]]


def test_lines_are_found_page_by_page_across_runs(api, write):
    write("01a", "connection refused", "fine", ago=120)
    write("01b", "ERROR: connection reset", ago=60)
    first = api("GET", "/v1/logs", query={"q": "connection since:1h", "limit": 1})
    rest = api("GET", "/v1/logs", query={"q": "connection since:1h", "limit": 1, "cursor": first.json["next"]})
    assert texts(first) + texts(rest) == ["ERROR: connection reset", "connection refused"]
    assert first.json["lines"][0] == {
        "project": "default",
        "pipeline": "build",
        "run": "01b",
        "treatment": "greet",
        "track": None,
        "attempt": 1,
        "runner": "01b-1",
        "pool": "spot",
        "seq": 1,
        "stream": "stdout",
        "level": "error",
        "text": "ERROR: connection reset",
        "continued": False,
        "gap": None,
        "step": None,
        "segment": 0,
        "index": 0,
        "time": first.json["lines"][0]["time"],
    }
    assert first.json["reached"] and texts(api("GET", "/v1/logs", query={"q": "level:error"})) == [
        "ERROR: connection reset"
    ]
    other = api("GET", "/v1/logs", query={"q": "connection", "cursor": first.json["next"]})
    assert other.status == 422 and other.json["violations"][0]["code"] == "bad_cursor"


def test_nothing_of_other_projects_and_organizations_is_found_counted_or_followed(api, write):
    api("POST", "/v1/projects", {"name": "web"})
    narrow = api.token_for(["logs:read"], project="web")
    after = api("GET", "/v1/logs/live", token=narrow).json["after"]
    write("01a", "of default")
    write("01b", "of web", project="web")
    write("01c", "of somebody else", organization="rival", project="web")
    for query in ("", "project:default,web", "of", "organization:rival OR of", "-nothing", "run:01a,01b,01c"):
        assert texts(api("GET", "/v1/logs", query={"q": query}, token=narrow)) == ["of web"], query
        assert texts(api("GET", "/v1/logs/live", query={"q": query, "after": after}, token=narrow)) == ["of web"]
        counts = api("GET", "/v1/logs/counts", query={"q": query, "by": "project"}, token=narrow).json["counts"]
        assert [(count["value"], count["lines"]) for count in counts] == [("web", 1)]
    assert sorted(texts(api("GET", "/v1/logs"))) == ["of default", "of web"]
    for path in ("/v1/logs", "/v1/logs/live", "/v1/logs/counts"):
        assert api("GET", path, query={"project": "default"}, token=narrow).status == 404
        assert api("GET", path, token=api.token_for(["runs:read"])).status == 403


def test_lines_are_followed_from_a_cursor_on(api, write):
    write("01a", "before")
    begin = api("GET", "/v1/logs/live", query={"q": "tick"}).json
    assert begin["lines"] == [] and begin["more"] is False
    write("01a", "tick 1", "tock")
    write("01b", "tick 2")
    page = api("GET", "/v1/logs/live", query={"q": "tick", "after": begin["after"], "wait": 1})
    assert sorted(texts(page)) == ["tick 1", "tick 2"]
    assert texts(api("GET", "/v1/logs/live", query={"q": "tick", "after": page.json["after"]})) == []
    assert api("GET", "/v1/logs/live", query={"after": "1.2-x"}).status == 422


def test_counts_by_field_and_time(api, write):
    write("01a", "one", "two", ago=3600)
    write("01b", "one", ago=30)
    by_run = api("GET", "/v1/logs/counts", query={"q": "one OR two", "by": "run"}).json
    assert [(count["value"], count["lines"]) for count in by_run["counts"]] == [("01a", 2), ("01b", 1)]
    assert by_run["complete"] is True
    by_time = api("GET", "/v1/logs/counts", query={"q": "since:1d", "interval": 60}).status
    assert by_time == 422  # 1,440 intervals
    by_hour = api("GET", "/v1/logs/counts", query={"q": "since:1d", "interval": 600}).json["counts"]
    assert [count["lines"] for count in by_hour] == [2, 1]
    assert api("GET", "/v1/logs/counts", query={"interval": 600}).status == 422
    assert api("GET", "/v1/logs/counts", query={"by": "state"}).status == 422
    assert api("GET", "/v1/logs/counts", query={"by": "text"}).status == 422


def test_counts_by_several_fields_are_those_by_each(api, write):
    write("01a", "one")
    write("01b", "two", ago=1200)
    counts = api("GET", "/v1/logs/counts", query={"by": "run,level"}).json
    assert [(one["field"], one["value"], one["lines"]) for one in counts["counts"]] == [
        ("run", "01a", 1),
        ("run", "01b", 1),
        ("level", "info", 2),
    ]
    assert counts["complete"]
    by_run = api("GET", "/v1/logs/counts", query={"by": "run"}).json["counts"]
    assert by_run == counts["counts"][:2]
    for wrong in ("run,state", "run,", "run,text", ",".join(["run"] * 7)):
        assert api("GET", "/v1/logs/counts", query={"by": wrong}).status == 422, wrong
    refused = api("GET", "/v1/logs/counts", query={"q": "since:1d", "by": "run,level", "interval": 600})
    assert (refused.status, refused.json["violations"][0]["pointer"]) == (422, "interval")


@pytest.mark.parametrize(
    "query",
    [
        *(
            '"open',
            "foo:bar",
            "level:loud",
            "/(a{1000}){1000}/",
            r"/(a)\1/",
            "/" + "a" * 300 + "/",
            "since:9999999999w",
        ),
        *("since:0001-01-01", "since:9999-12-31", "since:1h until:2h", "(" * 100, "a OR", "x" * 1025, "!!!"),
    ],
)
def test_bad_queries_are_refused_with_what_to_write_instead(api, query):
    for path in ("/v1/logs", "/v1/logs/live", "/v1/logs/counts"):
        answer = api("GET", path, query={"q": query})
        assert answer.status == 422, answer.text
        assert answer.json["violations"][0]["pointer"] == "q" and len(answer.json["detail"]) > 20
