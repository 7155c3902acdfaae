from dataclasses import replace
from datetime import UTC, datetime

import pytest

from api.routes.runs import runs as runs_routes
from cadence.adapters.aws.clients import client
from cadence.adapters.aws.step_functions import StepFunctionsMachines
from cadence.application.runs import visible_runs
from cadence.application.shared.identifiers import new_ulid
from cadence.composition.shared import documents
from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import NotFound, Transient
from tests.integration.api.calling import BROKEN, HELLO


def executions(settings):
    found = client("stepfunctions").list_executions(stateMachineArn=settings["run_machine_arn"])
    return [execution["name"] for execution in found["executions"]]


def test_a_document_is_checked_with_all_its_findings(api):
    good = api("POST", "/v1/projects/default/pipelines:validate", {"document": HELLO})
    assert (good.status, good.json) == (200, {"valid": True, "name": "hello", "findings": [], "secrets": []})

    bad = api("POST", "/v1/projects/default/pipelines:validate", {"document": BROKEN})
    assert bad.status == 200
    assert bad.json["valid"] is False
    assert len(bad.json["findings"]) >= 2
    members = {"code", "severity", "message", "pointer", "file", "line", "column", "hint"}
    assert set(bad.json["findings"][0]) == members


def test_a_document_may_be_sent_as_yaml_or_as_an_object(api):
    yaml = api(
        "POST", "/v1/projects/default/pipelines:validate", raw=HELLO, headers={"content-type": "application/yaml"}
    )
    document = {"cadence": 1, "name": "hello", "treatments": {"greet": {"run": "true"}}}
    as_object = api("POST", "/v1/projects/default/pipelines:validate", {"document": document})

    assert yaml.json["valid"] is True
    assert as_object.json["valid"] is True


def test_the_same_document_stays_the_same_version(api):
    path = "/v1/projects/default/pipelines/hello"
    first = api("PUT", path, {"document": HELLO})
    same = api("PUT", path, {"document": HELLO})
    second = api("PUT", path, {"document": HELLO + "# changed\n"})

    assert [a.status for a in (first, same, second)] == [201, 200, 201]
    assert [a.json["version"] for a in (first, same, second)] == [1, 1, 2]
    assert first.json["push"] == {"branches": ["main"], "paths": [], "tags": []}
    assert api("GET", path).json["document"] == HELLO + "# changed\n"
    assert api("GET", path, query={"version": 1}).json["document"] == HELLO
    assert api("GET", path, query={"version": 3}).status == 404
    assert [v["version"] for v in api("GET", path + "/versions").json["items"]] == [2, 1]
    assert [v["version"] for v in api("GET", "/v1/projects/default/pipelines").json["items"]] == [2]


def test_an_invalid_document_stores_and_starts_nothing(api, settings):
    put = api("PUT", "/v1/projects/default/pipelines/hello", {"document": BROKEN})
    run = api("POST", "/v1/projects/default/runs", {"document": BROKEN})

    for answer in (put, run):
        assert answer.status == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["code"] == "invalid_document"
        assert len(answer.json["findings"]) >= 2
    assert api("GET", "/v1/projects/default/pipelines").json["items"] == []
    assert api("GET", "/v1/runs").json["items"] == []
    assert executions(settings) == []
    assert "Contents" not in client("s3").list_objects_v2(Bucket="data")


def test_a_name_that_contradicts_the_document_is_refused(api):
    answer = api("PUT", "/v1/projects/default/pipelines/goodbye", {"document": HELLO})

    assert answer.status == 422
    assert answer.json["violations"][0]["code"] == "name_mismatch"


def test_a_run_starts_with_its_document_frozen(api, settings):
    started = api("POST", "/v1/projects/default/runs", {"document": HELLO, "parameters": {"who": "you"}})

    assert started.status == 201
    run_id = started.json["run_id"]
    assert started.headers["location"] == f"/v1/runs/{run_id}"
    assert executions(settings) == [run_id]
    run = api("GET", f"/v1/runs/{run_id}").json
    assert (run["state"], run["pipeline"], run["parameters"]) == ("pending", "hello", {"who": "you"})
    assert run["treatments"] == []
    assert api("GET", f"/v1/runs/{run_id}/document").text == HELLO


@pytest.mark.parametrize("parameters", [{"who": 1}, {"whom": "me"}])
def test_a_wrong_parameter_starts_nothing(api, settings, parameters):
    answer = api("POST", "/v1/projects/default/runs", {"document": HELLO, "parameters": parameters})

    assert answer.status == 422
    assert answer.json["findings"][0]["line"] == 0
    assert executions(settings) == []


def test_a_stored_pipeline_runs_in_the_version_asked_for(api):
    path = "/v1/projects/default/pipelines/hello"
    api("PUT", path, {"document": HELLO})
    api("PUT", path, {"document": HELLO + "#\n"})

    newest = api("POST", path + "/runs", {})
    first = api("POST", path + "/runs", {"version": 1})

    assert api("GET", f"/v1/runs/{newest.json['run_id']}").json["pipeline_version"] == 2
    assert api("GET", f"/v1/runs/{first.json['run_id']}").json["pipeline_version"] == 1
    assert api("POST", path + "/runs", {"version": 9}).status == 404


def test_a_key_means_one_run_however_often_it_is_sent(api, settings):
    path, body = "/v1/projects/default/runs", {"document": HELLO}
    first = api("POST", path, body, headers={"idempotency-key": "k1"})
    again = api("POST", path, body, headers={"Idempotency-Key": "k1"})
    other = api("POST", path, body, headers={"idempotency-key": "k2"})
    misused = api("POST", path, {**body, "parameters": {"who": "x"}}, headers={"idempotency-key": "k1"})

    assert first.json["run_id"] == again.json["run_id"] != other.json["run_id"]
    assert misused.status == 409
    assert sorted(executions(settings)) == sorted([first.json["run_id"], other.json["run_id"]])


def test_a_run_whose_machine_did_not_start_starts_when_the_request_is_repeated(api, settings, monkeypatch):

    def refuse(*_):
        raise Transient("Step Functions is busy.")

    with monkeypatch.context() as patched:
        patched.setattr(StepFunctionsMachines, "start_run", refuse)
        stored = api("POST", "/v1/projects/default/runs", {"document": HELLO}, headers={"idempotency-key": "k"})
    assert (stored.status, stored.json["state"]) == (201, "pending")  # the watchdog takes it on
    assert executions(settings) == []

    again = api("POST", "/v1/projects/default/runs", {"document": HELLO}, headers={"idempotency-key": "k"})

    assert executions(settings) == [again.json["run_id"]] == [stored.json["run_id"]]


def test_runs_are_listed_newest_first_in_pages(api):
    ids = [api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"] for _ in range(5)]

    first = api("GET", "/v1/runs", query={"limit": 2}).json
    second = api("GET", "/v1/runs", query={"limit": 2, "cursor": first["next"]}).json
    third = api("GET", "/v1/runs", query={"limit": 2, "cursor": second["next"]}).json

    listed = [run["run_id"] for page in (first, second, third) for run in page["items"]]
    assert sorted(listed) == sorted(ids)
    assert listed == sorted(listed, reverse=True)
    assert third["next"] is None


def test_a_cursor_is_good_for_its_own_listing_only(api, other_project):
    for _ in range(2):
        api("POST", "/v1/projects/default/runs", {"document": HELLO})
    cursor = api("GET", "/v1/runs", query={"limit": 1}).json["next"]

    elsewhere = api("GET", "/v1/runs", query={"limit": 1, "project": "default", "cursor": cursor})
    forged = api("GET", "/v1/runs", query={"cursor": cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")})
    junk = api("GET", "/v1/runs", query={"cursor": "%%%"})

    assert [a.status for a in (elsewhere, forged, junk)] == [422, 422, 422]


def test_filters(api, other_project):
    hello = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    bye = HELLO.replace("name: hello", "name: bye")
    other = api("POST", "/v1/projects/other/runs", {"document": bye}).json["run_id"]
    api("POST", f"/v1/runs/{other}/cancel")

    def listed(**query):
        return [run["run_id"] for run in api("GET", "/v1/runs", query=query).json["items"]]

    assert sorted(listed()) == sorted([hello, other])
    assert listed(project="other") == [other]
    assert listed(pipeline="hello") == [hello]
    assert listed(state="cancelling") == [other]
    assert listed(state="failed") == []


def test_cancelling_twice_is_once_and_a_final_run_cannot_be_cancelled(api):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    once = api("POST", f"/v1/runs/{run_id}/cancel")
    twice = api("POST", f"/v1/runs/{run_id}/cancel")

    runs = api.services.runs
    runs.finish_run(runs.get_run(run_id), RunState.CANCELLED, "cancelled by admin", api.services.clock())

    assert (once.status, once.json["state"]) == (twice.status, twice.json["state"]) == (202, "cancelling")
    assert api("GET", f"/v1/runs/{run_id}").json["cause"] == "cancelled by admin"
    assert api("POST", f"/v1/runs/{run_id}/cancel").status == 409


def test_running_again(api):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO, "parameters": {"who": "you"}}).json["run_id"]

    again = api("POST", f"/v1/runs/{run_id}/rerun", {"from": "all"})
    too_early = api("POST", f"/v1/runs/{run_id}/rerun", {"from": "failed"})
    seen = api.services.runs.get_run(run_id)
    api.services.runs.finish_run(seen, RunState.FAILED, "greet failed", api.services.clock())
    failed = api("POST", f"/v1/runs/{run_id}/rerun", {"from": "failed"})

    assert again.status == 201
    assert again.json["run_id"] != run_id
    assert api("GET", f"/v1/runs/{again.json['run_id']}").json["parameters"] == {"who": "you"}
    assert (too_early.status, failed.status) == (409, 201)
    assert api("GET", f"/v1/runs/{failed.json['run_id']}").json["rerun_of"] == run_id


def test_what_a_treatment_is_to_run_is_known_before_it_is_admitted(api):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]

    shout = api("GET", f"/v1/runs/{run_id}/treatments/shout").json
    graph = api("GET", f"/v1/runs/{run_id}/graph").json

    assert shout["state"] == "pending"
    assert shout["inputs"][0]["source"] == "greet.greeting"
    assert [node["name"] for node in graph["nodes"]] == ["greet", "shout"]
    assert graph["edges"][0]["source"] == "greet"
    assert api("GET", f"/v1/runs/{run_id}/treatments/none").status == 404


def test_the_runs_that_came_of_one_are_listed_page_by_page(api, monkeypatch):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    again = api("POST", f"/v1/runs/{run_id}/rerun", {"from": "all"}).json["run_id"]
    first = api.services.runs.get_run(run_id)
    engine = MelodiumRun(group_id="group", position="p", version="0.10.2", mode="direct", supervised=True)
    worker = replace(first, run_id="8a7b6c5d-0000-4000-8000-000000000001", started_by_run=run_id, melodium=engine)
    elsewhere = replace(first, run_id="8a7b6c5d-0000-4000-8000-000000000002", started_by_run=run_id, project="other")
    for run in (worker, elsewhere):
        api.services.runs.create_run(run)

    found = api("GET", f"/v1/runs/{run_id}/following").json
    # Running once more is no rerun: it takes nothing over.
    assert again not in [one["run_id"] for one in found["items"]]
    assert [(one["run_id"], one["how"], one["pipeline"], one["supervised"]) for one in found["items"]] == [
        (worker.run_id, "started", "hello", True)
    ]
    api.services.runs.create_run(replace(first, run_id="01zz", rerun_of=run_id))
    monkeypatch.setattr(runs_routes, "_FOLLOWING_PER_PAGE", 1)
    page = api("GET", f"/v1/runs/{run_id}/following").json
    rest = api("GET", f"/v1/runs/{run_id}/following", query={"cursor": page["next"]}).json
    assert [(one["run_id"], one["how"]) for one in page["items"]] == [("01zz", "rerun")]
    assert rest["items"][0]["run_id"] == worker.run_id
    assert api("GET", "/v1/runs/none/following").status == 404


def test_runs_are_listed_by_branch_starter_and_time(api):
    pushed = {"kind": "push", "branch": "main", "commit": "c0ffee", "message": "Fix it\n\nAt last", "sender": "ada"}
    ids = []
    for event in (pushed, {**pushed, "branch": "topic", "sender": "bob"}, {"kind": "api"}):
        frozen, _ = api.services.freeze_document.freeze("default", "default", HELLO, {})
        ids.append(api.services.request_run.request(frozen, event, "hub", None).run_id)

    def listed(**query: str) -> list[str]:
        return [run["run_id"] for run in api("GET", "/v1/runs", query=query).json["items"]]

    first = api("GET", f"/v1/runs/{ids[0]}").json
    assert [first[name] for name in ("branch", "commit", "commit_message", "starter")] == [
        "main",
        "c0ffee",
        "Fix it",
        "ada",
    ]
    assert (api("GET", f"/v1/runs/{ids[2]}").json["starter"], listed(branch="topic")) == ("hub", [ids[1]])
    assert listed(by="ada") == [ids[0]]
    assert (set(listed(commit="C0FF")), listed(commit="c0ffee0"), listed(commit="c0ffee", branch="main")) == (
        set(ids[:2]),
        [],
        ids[:1],
    )
    assert api("GET", "/v1/runs", query={"commit": "main"}).status == 422
    assert set(listed(by="hub")) == set(ids)
    assert set(listed(since="2020-01-01T00:00:00Z")) == set(ids)
    assert listed(since="2100-01-01T00:00:00Z") == []
    assert api("GET", "/v1/runs", query={"since": "yesterday"}).status == 422
    assert set(listed(until="2100-01-01T00:00:00Z")) == set(ids)
    assert listed(until=first["created_at"], since="2020-01-01T00:00:00Z") == []
    assert api("GET", "/v1/runs", query={"until": "2026-01-01"}).status == 422


@pytest.fixture
def runs_of_days(api):
    """Five runs, one on each of the first days of March 2026, by their ids: three failed, one succeeded, one runs."""
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    first = api.services.runs.get_run(run_id)
    states = (RunState.FAILED, RunState.FAILED, RunState.SUCCEEDED, RunState.FAILED, RunState.RUNNING)
    ids = []
    for day, state in enumerate(states, 1):
        at = datetime(2026, 3, day, 12, tzinfo=UTC)
        ids.append(new_ulid(at))
        pipeline = "release" if day == 4 else "hello"
        api.services.runs.create_run(
            replace(first, run_id=ids[-1], created_at=at, started_at=at, state=state, pipeline=pipeline)
        )
    return ids


def test_runs_of_a_time_are_listed_from_there_on(api, runs_of_days, monkeypatch):
    def page(**query):
        return api("GET", "/v1/runs", query=query).json

    found = page(since="2026-03-02T00:00:00Z", until="2026-03-04T12:00:00Z")["items"]
    assert [run["run_id"] for run in found] == runs_of_days[2:0:-1]
    # Later runs are not read to get there.
    monkeypatch.setattr(visible_runs, "_MOST_READ", 2)
    older = page(until="2026-03-04T12:00:00Z", limit=1)
    assert [run["run_id"] for run in older["items"]] == [runs_of_days[2]]
    rest = page(until="2026-03-04T12:00:00Z", limit=1, cursor=older["next"])
    assert [run["run_id"] for run in rest["items"]] == [runs_of_days[1]]
    other = api("GET", "/v1/runs", query={"until": "2026-03-05T12:00:00Z", "limit": 1, "cursor": older["next"]})
    assert other.json["violations"][0]["code"] == "bad_cursor"


@pytest.mark.parametrize(
    ("until", "runs"),
    [
        ("9999-12-31T23:59:59Z", 6),
        ("9999-12-31T23:59:59-12:00", 6),
        ("1969-12-31T00:00:00Z", 0),
        ("0001-01-01T00:00:00+14:00", 0),
    ],
)
def test_any_time_may_be_asked_for(api, runs_of_days, until, runs):
    assert len(api("GET", "/v1/runs", query={"until": until}).json["items"]) == runs
    counts = api("GET", "/v1/runs/counts", query={"until": until}).json["counts"]
    assert sum(count["runs"] for count in counts) == runs


def test_runs_are_counted_by_their_states_within_a_bound(api, runs_of_days, monkeypatch):
    def counted(**query):
        answer = api("GET", "/v1/runs/counts", query=query).json
        counts = {count["state"]: count["runs"] for count in answer["counts"]}
        return counts, answer["complete"], answer["reached"]

    of_march = {"until": "2026-04-01T00:00:00Z"}
    assert counted(**of_march) == ({"running": 1, "succeeded": 1, "failed": 3}, True, None)
    assert counted(**of_march, pipeline="release")[0] == {"failed": 1}
    assert counted(**of_march, since="2026-03-03T00:00:00Z")[0] == {"running": 1, "succeeded": 1, "failed": 1}
    assert counted(by="nobody")[0] == {}
    monkeypatch.setattr(visible_runs, "_MOST_READ", 2)
    assert counted(**of_march) == ({"running": 1, "failed": 1}, False, "2026-03-04T12:00:00Z")
    assert api("GET", "/v1/runs/counts", query={"state": "failed"}).status == 422


def test_only_who_may_write_or_start_has_a_repository_read_with_the_projects_token(api, monkeypatch):
    read_with = []

    class Reader:
        def read_file(self, url, commit, path, credentials):
            read_with.append(credentials)
            raise NotFound(f"There is no file {path}.")

    monkeypatch.setattr(documents, "_git_reader", lambda hosts: Reader())
    host = {"kind": "github", "project": "default", "name": "hub", "access_token": "ghp_secret"}
    assert api("POST", "/v1/githosts", {**host, "url": "https://git.example.org"}).status == 201
    use = f"{{git: 'https://git.example.org/private', commit: {'a' * 40}, path: ci.yaml, definition: d}}"
    body = {"document": f"cadence: 1\nname: a\ntreatments: {{t: {{use: {use}}}}}\n"}
    path = "/v1/projects/default/pipelines:validate"

    found = api("POST", path, body, token=api.token_for(["pipelines:read"])).json["findings"]
    assert read_with == [None]
    assert "the project's access token is used only for callers with" in str(found)
    for permission in ("pipelines:write", "runs:start"):
        found = api("POST", path, body, token=api.token_for(["pipelines:read", permission])).json["findings"]
        assert read_with.pop().password == "ghp_secret"
        assert "access token" not in str(found)


def test_changes_of_a_run_and_of_the_list_are_followed(api):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    version = api("GET", "/v1/runs").json["version"]
    after = api("GET", f"/v1/runs/{run_id}/changes").json["after"]
    unchanged = api("GET", f"/v1/runs/{run_id}/changes", query={"after": after}).json
    assert (unchanged["treatments"], unchanged["after"], unchanged["reload"]) == ([], after, False)

    api("POST", f"/v1/runs/{run_id}/cancel")

    # Both answer at once, although they may wait.
    changed = api("GET", f"/v1/runs/{run_id}/changes", query={"after": after, "wait": 2}).json
    assert (changed["run"]["state"] in ("cancelling", "cancelled"), changed["after"] != after) == (True, True)
    listed = api("GET", "/v1/runs", query={"version": version, "wait": 2}).json
    assert listed["version"] != version
    assert api("GET", "/v1/runs", query={"limit": 1, "cursor": "x"}).status == 422
    assert api("GET", f"/v1/runs/{run_id}/changes", query={"after": "x"}).status == 422


def test_summaries_of_a_run_are_listed_by_treatment_for_those_who_may_read_lines(api, other_project):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    path = f"/v1/runs/{run_id}/summaries"
    assert api("GET", path).json == {"items": [], "next": None}
    for treatment in ("test", "build"):
        api.services.summaries.put_summary(JobSummary(run_id, treatment, 2, f"# {treatment} <b>"))

    first = api("GET", path, query={"limit": 1}).json
    assert first["items"] == [{"treatment": "build", "attempt": 2, "text": "# build <b>"}]
    rest = api("GET", path, query={"limit": 1, "cursor": first["next"]}).json
    assert ([one["treatment"] for one in rest["items"]], rest["next"]) == (["test"], None)
    assert api("GET", path, query={"cursor": "x"}).status == 422
    assert api("GET", path, token=api.token_for(["runs:read"])).status == 403
    assert api("GET", path, token=api.token_for(["logs:read"], other_project)).status == 404
