"""Any place of a run's log, by its line, its time, and back from its end."""

import pytest

from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from tests.fakes.runs import a_run
from tests.integration.api.calling import HELLO


@pytest.fixture
def path(api, settings):
    """The log of a run with lines 1 to 12, four in each segment; line n is of second n."""
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    index = IndexLogs(DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"]), a_run)
    for first in (1, 5, 9):
        lines = [
            LogLine(
                seq=n,
                time=f"2026-03-04T05:06:{n:02}.000Z",
                stream="stdout",
                level="info",
                text=f"{n % 2 and 'odd'} {n}",
            )
            for n in range(first, first + 4)
        ]
        batch = LogBatch(run_id=run_id, runner_id="r", treatment="greet", attempt=1, lines=lines)
        index.index_batches(run_id, [batch])
    return f"/v1/runs/{run_id}/logs"


def numbers(page):
    return [line["number"] for line in page["lines"]]


def test_a_line_and_a_time_are_begun_at(api, path):
    by_line = api("GET", path, query={"line": 7, "limit": 3}).json
    assert (numbers(by_line), by_line["total"], by_line["more"]) == ([7, 8, 9], 12, True)
    assert numbers(api("GET", path, query={"after": by_line["after"]}).json) == [10, 11, 12]
    assert numbers(api("GET", path, query={"before": by_line["before"], "limit": 2}).json) == [5, 6]
    by_time = api("GET", path, query={"time": "2026-03-04T06:06:05.500+01:00", "limit": 1}).json
    assert numbers(by_time) == [6]
    assert numbers(api("GET", path, query={"time": "0001-01-01T00:00:00+01:00", "limit": 1}).json) == [1]
    assert numbers(api("GET", path, query={"time": "9999-12-31T23:59:59-01:00", "limit": 1}).json) == []
    filtered = api("GET", path, query={"line": 7, "limit": 2, "grep": "odd"}).json
    assert numbers(filtered) == [7, 9]
    beyond = api("GET", path, query={"line": 13}).json
    assert (numbers(beyond), beyond["total"], beyond["more"]) == ([], 12, False)


def test_the_end_is_read_back_from_to_the_beginning(api, path):
    last = api("GET", path, query={"before": "end", "limit": 5}).json
    assert (numbers(last), last["more"], last["total"]) == ([8, 9, 10, 11, 12], True, 12)
    earlier = api("GET", path, query={"before": last["before"], "limit": 20}).json
    assert (numbers(earlier), earlier["more"], earlier["before"]) == ([1, 2, 3, 4, 5, 6, 7], False, None)
    # Nothing new is there after the end.
    after = api("GET", path, query={"after": last["after"]}).json
    assert (after["lines"], after["after"], after["total"]) == ([], last["after"], None)


def test_a_request_names_one_place(api, path):
    refused = api("GET", path, query={"line": 2, "before": "end"})
    assert refused.status == 422
    assert "Name one place of the log, not before and line." in refused.json["detail"]
    for wrong in ({"before": "nonsense"}, {"line": 0}, {"time": "yesterday"}):
        assert api("GET", path, query=wrong).status == 422, wrong


@pytest.fixture
def mixed(api, settings):
    """The log of a run whose treatments `greet`, `pack` and `ship` wrote an error, a warning and an info line each."""
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    index = IndexLogs(DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"]), a_run)
    for treatment in ("greet", "pack", "ship"):
        lines = [
            LogLine(seq=n, time=f"2026-03-04T05:06:{n:02}.000Z", stream="stdout", level=level, text=f"{level} {n}")
            for n, level in enumerate(("error", "warning", "info"), 1)
        ]
        batch = LogBatch(run_id=run_id, runner_id=treatment, treatment=treatment, attempt=1, lines=lines)
        index.index_batches(run_id, [batch])
    return f"/v1/runs/{run_id}/logs"


def test_lines_of_several_treatments_and_levels_are_listed_forwards_and_backwards(api, mixed):
    def found(**query):
        return [(line["treatment"], line["level"]) for line in api("GET", mixed, query=query).json["lines"]]

    wanted = {"treatment": "greet,ship", "level": "error,warning"}
    expected = [(name, level) for name in ("greet", "ship") for level in ("error", "warning")]
    assert found(**wanted) == expected
    assert found(**wanted, before="end") == expected
    assert found(**wanted, grep="error") == [("greet", "error"), ("ship", "error")]
    assert found(treatment="pack,pack") == [("pack", level) for level in ("error", "warning", "info")]


def test_a_list_of_treatments_or_levels_that_is_none_is_refused(api, mixed):
    for wrong in ({"level": "loud"}, {"level": "error,"}, {"treatment": "greet,"}, {"treatment": "Not a name"}):
        assert api("GET", mixed, query=wrong).status == 422, wrong
    two = api("GET", mixed, query={"treatment": "greet,ship", "step": "test"})
    assert (two.status, "together with its treatment" in two.json["detail"]) == (422, True)
