"""The command line against the api Lambda itself, served on loopback."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from typer.testing import CliRunner, Result

from api.routes.runs import run_details
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.cli.client.client import Client
from cadence.cli.client.short_ids import unique_endings
from cadence.cli.insight.summaries import show_summary
from cadence.cli.main import app
from cadence.cli.shared.document_file import MOST_BYTES
from cadence.domain.pipelines.document.syntax.source import MAX_BYTES
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import RunState
from tests.fakes.runs import a_run
from tests.integration.api.calling import BROKEN, HELLO, Api, event


@pytest.fixture
def server(api: Api) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length).decode() if length else None
            address = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            golden = event(self.command, unquote(address.path), address.query, headers, body)
            response = api.handler(golden, None)
            self.send_response(response["statusCode"])
            for name, value in response["headers"].items():
                self.send_header(name, value)
            content = (response.get("body") or "").encode()
            if response.get("isBase64Encoded"):
                content = base64.b64decode(content)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cadence(api, server, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CADENCE_URL", server)
    monkeypatch.setenv("CADENCE_TOKEN", api.token)

    def call(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return call


def test_a_document_of_20_mb_is_told_before_it_is_sent(cadence, tmp_path):
    (tmp_path / "huge.yaml").write_text("#" * 20_000_000)

    result = cadence("validate", "huge.yaml")

    assert result.exit_code == 1
    assert "20,000,000 bytes" in " ".join(result.stderr.split())
    assert "document-too-large" in result.stderr
    assert MOST_BYTES == MAX_BYTES


def test_findings_are_printed_like_a_compilers(cadence, tmp_path):
    (tmp_path / "bad.yaml").write_text(BROKEN)

    result = cadence("validate", "bad.yaml")

    assert result.exit_code == 1
    assert "bad.yaml:2:1: error[" in result.stderr
    assert "hint: " in result.stderr
    assert "bad.yaml: not valid" in result.stdout


def test_a_broken_document_starts_nothing(cadence, tmp_path):
    (tmp_path / "bad.yaml").write_text(BROKEN)

    result = cadence("run", "bad.yaml")

    assert result.exit_code == 1
    assert "bad.yaml:2:1: error[" in result.stderr
    assert json.loads(cadence("runs", "--json").stdout) == []


def test_running_listing_showing_and_cancelling(cadence, tmp_path):
    (tmp_path / "hello.yaml").write_text(HELLO)

    assert cadence("validate", "hello.yaml").exit_code == 0
    started = cadence("run", "hello.yaml", "--param", "who=you")
    run_id = started.stdout.strip()
    assert started.exit_code == 0
    assert run_id in cadence("runs").stdout
    shown = cadence("show", run_id)
    assert shown.exit_code == 0
    assert "who=you" in shown.stdout
    assert cadence("cancel", run_id, "--json").exit_code == 0
    assert json.loads(cadence("show", run_id, "--json").stdout)["state"] == "cancelling"


def test_a_document_can_come_from_standard_input(cadence):
    assert cadence("validate", "-", stdin=HELLO).exit_code == 0


def test_following_a_run_that_fails_ends_with_1(api, cadence, tmp_path):
    (tmp_path / "hello.yaml").write_text(HELLO)
    started = api.services.request_run.start

    def failing(run_id, *rest):
        run = started.start(run_id, *rest)
        return api.services.runs.finish_run(run, RunState.FAILED, "greet failed", api.services.clock())

    object.__setattr__(api.services.request_run, "start", SimpleNamespace(start=failing))

    result = cadence("run", "hello.yaml", "--follow")

    assert result.exit_code == 1
    assert "failed" in result.stdout
    assert "cadence show " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "01nothing"], 1, "There is no run '01nothing' here."),
        (["run", "missing.yaml"], 2, "missing.yaml cannot be read"),
        (["run", "-", "--param", "novalue"], 2, "NAME=VALUE"),
        (["trace", "01r", "no-port"], 2, "TREATMENT.PORT"),
        (["runs", "--limit", "0"], 2, "limit"),
    ],
)
def test_wrong_use_is_told(cadence, arguments, code, said):
    result = cadence(*arguments, stdin=HELLO)

    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_not_allowed_and_not_reached_are_3(cadence, monkeypatch):
    monkeypatch.setenv("CADENCE_TOKEN", "cad_wrong")
    refused = cadence("runs")
    assert (refused.exit_code, "CADENCE_TOKEN" in refused.stderr) == (3, True)

    monkeypatch.delenv("CADENCE_URL")
    half = cadence("runs")
    assert (half.exit_code, "CADENCE_URL is not set" in half.stderr) == (3, True)

    monkeypatch.delenv("CADENCE_TOKEN")
    neither = cadence("runs")
    assert (neither.exit_code, "cadence local up" in neither.stderr) == (3, True)


def test_the_local_stacks_file_is_found_from_a_folder_below(api, server, cadence, monkeypatch, tmp_path):
    monkeypatch.delenv("CADENCE_URL")
    monkeypatch.delenv("CADENCE_TOKEN")
    (tmp_path / ".cadence").mkdir()
    (tmp_path / ".cadence" / "local.json").write_text(json.dumps({"url": server, "token": api.token}))
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")

    assert cadence("runs").exit_code == 0


def test_a_secrets_value_is_read_from_standard_input_and_never_printed(cadence):
    assert cadence("secret", "set", "git-read", "the-value").exit_code == 2
    stored = cadence("secret", "set", "git-read", stdin="the-value\n")
    listed = cadence("secret", "list", "--json")

    assert stored.exit_code == 0
    assert [one["name"] for one in json.loads(listed.stdout)] == ["git-read"]
    assert "the-value" not in stored.output + listed.output
    assert cadence("secret", "delete", "git-read").exit_code == 0
    assert cadence("secret", "delete", "git-read").exit_code == 1


def test_secrets_of_others_than_the_project(cadence):
    cadence("team", "create", "dev")
    made = [
        cadence("secret", "set", "ghcr", "--organization", stdin="the-value\n"),
        cadence("secret", "set", "npm", "--team", "dev", "--give-to", "default", stdin="the-value\n"),
        cadence("secret", "set", "license", "--pool", "local", stdin="the-value\n"),
    ]
    assert [one.stdout for one in made] == [
        "Set secret ghcr of the organization, version 1, given to all projects.\n",
        "Set secret npm of the team dev, version 1, given to default.\n",
        "Set secret license of the pool local, version 1.\n",
    ]
    rows = [line.split()[:2] for line in cadence("secret", "list").stdout.splitlines()]
    assert rows == [["ghcr", "organization"], ["license", "pool:local"], ["npm", "team:dev"]]
    shared = cadence("secret", "list", "--organization").stdout
    assert "all projects" in shared
    assert "what runs there" in shared
    for wrong in (
        ("--organization", "--team", "dev"),
        ("--pool", "local", "--give-to", "default"),
        ("--give-to", "default"),
        ("--organization", "--environment", "production"),
    ):
        assert cadence("secret", "set", "x", *wrong, stdin="the-value\n").exit_code == 2
    removed = cadence("secret", "delete", "npm", "--team", "dev", "--yes")
    assert removed.stdout == "Deleted secret npm of the team dev.\n"
    assert cadence("secret", "delete", "npm", "--yes").exit_code == 1


def test_resources(cadence, tmp_path):
    (tmp_path / "hello.yaml").write_text(HELLO)

    assert cadence("pipeline", "create", "hello.yaml").stdout == "Stored pipeline hello, version 1.\n"
    assert cadence("pipeline", "show", "hello").stdout == HELLO
    assert "hello" in cadence("pipeline", "list").stdout
    assert cadence("start", "hello").exit_code == 0
    created = json.loads(cadence("githost", "create", "mine", "--json").stdout)
    assert created["webhook_path"].startswith("/webhooks/github/")
    assert created["webhook_path"] in cadence("githost", "list").stdout
    token = cadence("token", "create", "ci", "--permission", "runs:read").stdout.strip()
    assert token.startswith("cad_")
    listed = json.loads(cadence("token", "list", "--json").stdout)
    ci = next(one for one in listed if one["name"] == "ci")
    assert cadence("token", "delete", ci["token_id"]).exit_code == 0
    assert "local" in cadence("pool", "list").stdout
    assert cadence("host", "list").exit_code == 0
    assert cadence("runner", "list").exit_code == 0


def test_alerts_are_set_tried_silenced_and_listed(cadence, tmp_path):
    rule = tmp_path / "rule.yaml"
    rule.write_text("when:\n  treatment: {exit_codes: [137]}\nchannels: [ops]\n")
    url = "--setting=url=http://127.0.0.1:1/hook"
    made = cadence("alert", "channel", "create", "ops", "--kind", "webhook", url)
    assert "secret  whsec_" in made.stdout
    everyone = cadence(
        "alert", "channel", "create", "ops", "--project", "*", "--kind", "slack", "--secret", stdin="http://x/\n"
    )
    assert everyone.exit_code == 0 and "http://x/" not in everyone.output
    assert cadence("alert", "rule", "create", "killed", str(rule)).stdout == "Stored alert rule killed.\n"
    assert cadence("alert", "rule", "list").stdout.split("\t")[:2] == ["default", "killed"]
    assert "exit_codes" in cadence("alert", "rule", "show", "killed").stdout
    assert "would have fired 0 times" in cadence("alert", "rule", "dry-run", str(rule), "--since", "2h").stdout
    assert "Sending a test message to ops." in cadence("alert", "rule", "test", "killed").stdout
    assert "until" in cadence("alert", "silence", "create", "--for", "2h", "--where", "rule=killed").stdout
    assert "rule=killed" in cadence("alert", "silence", "list").stdout
    listed = [line.split("\t") for line in cadence("alert", "channel", "list").stdout.splitlines()]
    assert [one[:3] for one in listed] == [["*", "ops", "slack"], ["default", "ops", "webhook"]]
    rule.write_text("when: {run: {}, log: {query: x}}\nchannels: [ops]\n")
    wrong = cadence("alert", "rule", "create", "killed", str(rule))
    assert wrong.exit_code == 2 and "/rule/when" in wrong.stderr
    assert cadence("alert", "rule", "delete", "killed").exit_code == 0
    assert cadence("alert", "list", "--json").stdout.strip() == "[]"
    assert cadence("alert", "silence", "create", "--for", "soon").exit_code == 2


def test_a_run_is_named_by_a_part_of_its_id_or_as_the_last_one(cadence, tmp_path):
    (tmp_path / "hello.yaml").write_text(HELLO)
    first, second = (cadence("run", "hello.yaml").stdout.strip() for _ in range(2))

    def shown(named: str) -> str:
        return str(json.loads(cadence("show", named, "--json").stdout)["run_id"])

    assert shown("@last") == second
    assert (shown(first[-10:]), shown(second[-10:]), shown(first)) == (first, second, first)
    assert cadence("show", "@last").stdout.startswith(f"run {second}")
    assert f"/{second}#code=" in cadence("open", "@last").stdout
    both = cadence("show", first[:4])
    assert (both.exit_code, "is not unique: 2 runs" in both.stderr) == (1, True)
    ends = unique_endings([first, second])
    told = "".join(both.stderr.split())
    assert all(f"{ends[run_id]}({run_id})" in told and shown(ends[run_id]) == run_id for run_id in (first, second))
    none = cadence("show", "@failed")
    assert (none.exit_code, "no run that @failed could name" in none.stderr) == (1, True)


def test_errors_of_the_connection_are_json_where_json_is_requested(cadence, monkeypatch):
    monkeypatch.setenv("CADENCE_URL", "foo")
    plain, as_json = cadence("runs"), cadence("runs", "--json")
    assert (plain.exit_code, as_json.exit_code) == (3, 3)
    assert "CADENCE_URL is 'foo', which is no address" in plain.stderr
    assert "which is no address" in json.loads(as_json.stdout)["detail"]


def test_several_documents_are_validated_without_a_server(cadence, monkeypatch, tmp_path):
    monkeypatch.delenv("CADENCE_URL")
    monkeypatch.delenv("CADENCE_TOKEN")
    (tmp_path / "hello.yaml").write_text(HELLO)
    (tmp_path / "bad.yaml").write_text(BROKEN)
    good = cadence("validate", "--offline", "hello.yaml")
    both = cadence("validate", "--offline", "hello.yaml", "bad.yaml")
    assert (good.exit_code, both.exit_code) == (0, 1)
    assert "hello.yaml: hello is valid" in both.stdout
    assert "bad.yaml: not valid" in both.stdout
    assert json.loads(cadence("validate", "--offline", "hello.yaml", "--json").stdout)["valid"] is True


def test_a_run_is_followed_by_a_token_that_may_not_read_logs(api, cadence, monkeypatch, tmp_path):
    (tmp_path / "hello.yaml").write_text(HELLO)
    started = api.services.request_run.start

    def ended(run_id, *rest):
        run = started.start(run_id, *rest)
        return api.services.runs.finish_run(run, RunState.SUCCEEDED, None, api.services.clock())

    object.__setattr__(api.services.request_run, "start", SimpleNamespace(start=ended))
    made = cadence("token", "create", "ci", "--permission", "runs:read", "--permission", "runs:start", "--json")
    monkeypatch.setenv("CADENCE_TOKEN", json.loads(made.stdout)["token"])
    followed = cadence("run", "hello.yaml", "--follow")
    assert followed.exit_code == 0, followed.output
    assert "may not read logs" in followed.stderr


def test_a_short_secret_is_set_with_a_warning(cadence):
    short, long = cadence("secret", "set", "a", stdin="x\n"), cadence("secret", "set", "b", stdin="xyz1\n")
    assert (short.exit_code, long.exit_code) == (0, 0)
    assert "fewer than 4 characters" in short.stderr
    assert long.stderr == ""


def test_a_log_is_printed_from_a_place_on(api, cadence, settings):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    index = IndexLogs(DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"]), a_run)
    for n in range(1, 5):
        line = LogLine(seq=n, time=f"2026-03-04T05:06:0{n}.000Z", stream="stdout", level="info", text=f"line {n}")
        batch = LogBatch(run_id=run_id, runner_id="r", treatment="greet", attempt=1, lines=[line])
        index.index_batches(run_id, [batch])

    def printed(*place: str) -> list[int]:
        result = cadence("logs", run_id, "--json", *place)
        assert result.exit_code == 0, result.output
        return [json.loads(line)["number"] for line in result.stdout.splitlines()]

    assert printed() == [1, 2, 3, 4]
    assert printed("--tail", "3") == [2, 3, 4]
    assert printed("--tail", "1", "--grep", "line [12]") == [2]
    assert printed("--line", "3") == [3, 4]
    assert printed("--since", "2026-03-04T05:06:04Z") == [4]
    assert cadence("logs", run_id, "--tail", "1", "--line", "2").exit_code == 2


def test_lines_of_several_levels_are_printed(api, cadence, settings):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    index = IndexLogs(DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"]), a_run)
    lines = [
        LogLine(seq=n, time=f"2026-03-04T05:06:0{n}.000Z", stream="stdout", level=level, text=f"line {n}")
        for n, level in enumerate(("debug", "info", "warning", "error"), 1)
    ]
    index.index_batches(run_id, [LogBatch(run_id=run_id, runner_id="r", treatment="greet", attempt=1, lines=lines)])

    def printed(*filters: str) -> list[int]:
        result = cadence("logs", run_id, "--json", *filters)
        assert result.exit_code == 0, result.output
        return [json.loads(line)["number"] for line in result.stdout.splitlines()]

    assert printed("--level", "error", "--level", "warning") == [3, 4]
    assert printed(*["--level", "error"] * 5) == [4]
    assert printed("--level", "error,debug", "--treatment", "greet") == [1, 4]
    refused = cadence("logs", run_id, "--level", "loud")
    assert refused.exit_code == 2 and "error, warning, info, debug" in refused.stderr
    both = cadence("logs", run_id, "-t", "greet", "-t", "missing")
    assert both.exit_code != 0 and "missing" in both.stderr


def test_lines_are_counted_by_several_fields(api, cadence, settings):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    mine = partial(a_run, organization="default", project="default")
    index = IndexLogs(DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"]), mine)
    at = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}.000Z"
    lines = [
        LogLine(seq=n, time=at, stream="stdout", level=level, text="refused")
        for n, level in enumerate(("error", "error", "info"), 1)
    ]
    index.index_batches(run_id, [LogBatch(run_id=run_id, runner_id="r", treatment="greet", attempt=1, lines=lines)])
    counted = cadence("search", "refused", "--count-by", "level,treatment")
    assert counted.exit_code == 0, counted.output
    rows = [line.split("\t") for line in counted.stdout.splitlines()]
    assert rows == [["level", "error", "2"], ["level", "info", "1"], ["treatment", "greet", "3"]]
    assert cadence("search", "refused", "--count-by", "level,state").exit_code == 2


def test_the_values_of_a_run_are_listed_and_runs_are_found_by_commit(api, cadence, monkeypatch):
    frozen, _ = api.services.freeze_document.freeze("default", "default", HELLO, {})
    pushed = {"kind": "push", "branch": "main", "commit": "c0ffee00"}
    run_id = api.services.request_run.request(frozen, pushed, "hub", None).run_id
    greeting = Value(
        run_id=run_id, treatment="greet", port="greeting", flow="block", type="string", sha256="a" * 64, size=3,
        chunks=1, attempt=1,
    )  # fmt: skip
    api.services.runs.put_values([greeting, replace(greeting, treatment="shout", type="u8")])
    monkeypatch.setattr(run_details, "_VALUES_PER_PAGE", 1)

    listed = cadence("value", "list", run_id)

    assert listed.exit_code == 0, listed.output
    assert [line.split("\t") for line in listed.stdout.splitlines()] == [
        ["greet.greeting", "Block<string>", "3 B", "a" * 16],
        ["shout.greeting", "Block<u8>", "3 B", "a" * 16],
    ]
    assert cadence("runs", "--commit", "C0FFEE").stdout.split("\t")[0] == run_id
    assert cadence("runs", "--commit", "beef").stdout == ""
    assert cadence("runs", "--since", "1h", "--until", "2100-01-01T00:00Z").stdout.split("\t")[0] == run_id
    assert cadence("runs", "--until", "2020-01-01T00:00Z").stdout == ""
    assert cadence("runs", "--count", "--commit", "c0ffee").stdout.splitlines() == ["pending\t1", "all\t1"]
    assert json.loads(cadence("runs", "--count", "--json").stdout) == {
        "counts": [{"state": "pending", "runs": 1}],
        "complete": True,
        "reached": None,
    }
    refused = cadence("runs", "--count", "--state", "failed")
    assert refused.exit_code == 2 and "leave out --state" in refused.stderr


def test_summaries_are_shown_with_their_run_and_their_treatment(api, cadence, server, capsys):
    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    lines = "\n".join(f"- line {number}" for number in range(40))
    for treatment, text in (("greet", lines), ("zeta", "**well**")):
        api.services.summaries.put_summary(JobSummary(run_id, treatment, 1, text))

    shown = cadence("show", run_id)
    assert shown.exit_code == 0, shown.output
    assert "summary of greet\n- line 0\n" in shown.stdout
    assert f"- line 29\n… 10 more lines: cadence show {run_id} greet\n" in shown.stdout
    assert "summary of zeta\n**well**\n" in shown.stdout

    show_summary(Client(server, api.token), run_id, "greet")
    assert capsys.readouterr().out == f"\nsummary of greet\n{lines}\n"
