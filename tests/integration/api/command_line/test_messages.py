"""What the command line says when something is missing, elsewhere or written wrongly."""

import json
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
import urllib3
from typer.testing import CliRunner
from urllib3.exceptions import MaxRetryError, NameResolutionError, SSLError

from cadence.cli.client.session import _reason
from cadence.cli.logs import logs
from cadence.cli.main import app
from cadence.cli.reference import _commands
from cadence.cli.runs.list_runs import STATES
from cadence.cli.search.search import COUNTED
from cadence.cli.shared import arguments
from cadence.domain.logs import log
from cadence.domain.pipelines.unknown_names import choices
from cadence.domain.runs.states import RunState
from cadence.domain.search.query import FieldName
from cadence.local.commands import app as local_app
from tests.git.repositories import Repository
from tests.integration.api.calling import HELLO
from tests.integration.api.test_cli import cadence, server
from tests.integration.api.test_working_tree import PLANNED

__all__ = ["cadence", "server"]


def test_a_document_in_its_folder_has_no_warning_to_put_it_there(cadence, tmp_path: Path) -> None:
    folder = Repository(tmp_path / "site").folder
    (folder / ".cadence").mkdir()
    for file in (folder / ".cadence" / "t.yaml", folder / "t.yaml"):
        file.write_text(PLANNED)

    assert "no-source" not in cadence("validate", str(folder / ".cadence" / "t.yaml")).output
    assert "no-source" in cadence("validate", str(folder / "t.yaml")).output


def test_deliveries_of_a_git_host_are_said_to_be_listed_there(cadence) -> None:
    cadence("githost", "create", "hub", "--kind", "github")
    cadence("githost", "create", "orders", "--kind", "generic")

    refused = cadence("githost", "deliveries", "hub")
    assert refused.exit_code == 1 and "is of the kind github" in refused.stderr
    assert cadence("githost", "deliveries", "orders").exit_code == 0


def test_runs_and_logs_tell_what_does_not_exist(cadence, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    run_id = cadence("run", "hello.yaml").stdout.strip()

    missing = cadence("logs", "@last", "-t", "nope")
    assert missing.exit_code == 1 and "nope" in missing.stderr
    assert cadence("logs", "@last", "-t", "greet").exit_code == 0
    broken = cadence("runs", "--state", "broken")
    assert broken.exit_code == 2 and "the states are pending, running" in " ".join(broken.stderr.split())
    monkeypatch.setenv("CADENCE_PROJECT", "nope")
    assert run_id not in cadence("runs").stdout
    assert run_id in cadence("runs", "--project", "*").stdout


def test_the_states_of_runs_are_those_of_the_domain() -> None:
    assert list(STATES) == [str(state) for state in RunState]


def test_the_levels_of_lines_are_those_of_the_domain() -> None:
    assert logs.LEVELS == log.LEVELS


def test_the_fields_that_are_counted_are_those_of_the_domain() -> None:
    assert (*COUNTED, FieldName.STATE) == tuple(FieldName)


def test_options_say_what_they_take(cadence) -> None:
    counted, listed = cadence("search", "x", "--count-by", "level,foo"), cadence("runs", "--commit", "zzz")
    assert (counted.exit_code, listed.exit_code) == (2, 2)
    assert counted.stderr == (
        "error: --count-by takes fields out of organization, project, pipeline, run, treatment, runner, pool, stream, "
        "level, not 'foo'.\n"
    )
    assert listed.stderr == (
        "error: --commit takes a commit or how it begins, 4 to 64 hexadecimal digits, not 'zzz'.\n"
    )


def test_a_cancelled_run_is_named_by_its_id_and_pipeline(cadence, tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    run_id = cadence("run", "hello.yaml").stdout.strip()

    assert cadence("cancel", "@last").stdout == f"Run {run_id} of hello is cancelling.\n"


def test_an_address_is_checked_before_a_token_is_asked_for(cadence) -> None:
    refused = cadence("repository", "connect", "file:///x", stdin="")
    assert refused.exit_code == 2 and "file:///x is no address of a code host" in refused.stderr
    empty = cadence("repository", "connect", "https://git.example/acme/site", stdin="")
    assert "The value of the access token is empty." in empty.stderr
    assert cadence("repository", "doctor", "nothing").exit_code == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1"])
def test_an_unreachable_server_comes_with_what_to_do(cadence, monkeypatch, tmp_path: Path, url: str) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    monkeypatch.setenv("CADENCE_URL", url)
    assert "It is the address in CADENCE_URL" in cadence("runs").stderr
    assert "cadence validate --offline hello.yaml" in " ".join(cadence("validate", "hello.yaml").stderr.split())
    monkeypatch.delenv("CADENCE_URL")
    monkeypatch.delenv("CADENCE_TOKEN")
    (tmp_path / ".cadence").mkdir()
    (tmp_path / ".cadence" / "local.json").write_text(json.dumps({"url": url, "token": "cad_x"}))
    assert "cadence local up" in cadence("runs").stderr


def test_wrong_places_of_options_and_wrong_parameters_are_named(cadence, tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)

    early = cadence("--json", "runs")
    assert early.exit_code == 2 and "Write --json after the command" in early.stderr
    assert "--param whoo: error[unknown-parameter]" in cadence("run", "hello.yaml", "--param", "whoo=x").stderr


def test_a_deletion_is_confirmed_on_a_terminal(monkeypatch) -> None:
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(arguments, "sys", SimpleNamespace(stdin=terminal, stderr=terminal))
    asked: list[str] = []
    monkeypatch.setattr(typer, "confirm", lambda question, err: asked.append(question))

    with pytest.raises(typer.Exit):
        arguments.confirm_deletion("secret a", yes=False)
    arguments.confirm_deletion("secret a", yes=True)
    assert asked == ["Delete secret a?"]


def test_every_command_that_deletes_takes_yes() -> None:
    verbs = {"delete", "erase", "remove", "revoke", "discard", "disconnect", "uninvite"}
    options = {
        path: {option for parameter in command.params for option in parameter.opts}
        for path, command in _commands(typer.main.get_command(app), "cadence")
        if path.rpartition(" ")[2] in verbs
    }
    assert len(options) > 15
    assert [path for path, known in options.items() if "--yes" not in known] == []


def test_a_member_is_removed_after_a_question(cadence, monkeypatch) -> None:
    created = json.loads(cadence("member", "create", "Bea", "--email", "bea@example.org", "--json").stdout)
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(arguments, "sys", SimpleNamespace(stdin=terminal, stderr=terminal))

    kept = cadence("member", "delete", created["member_id"], stdin="n\n")
    assert kept.exit_code == 1 and "Nothing was deleted." in kept.stderr
    assert created["member_id"] in cadence("member", "list").stdout
    assert cadence("member", "delete", created["member_id"], stdin="y\n").exit_code == 0


def test_scripts_are_not_asked(cadence) -> None:
    cadence("secret", "set", "a", stdin="value\n")
    cadence("secret", "set", "b", stdin="value\n")

    assert cadence("secret", "delete", "a").stdout == "Deleted secret a.\n"
    assert cadence("secret", "delete", "b", "--yes").exit_code == 0


def test_the_status_of_a_stopped_stack_names_the_server_in_use(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CADENCE_URL", "http://127.0.0.1:1")
    shown = CliRunner().invoke(local_app, ["status", "--folder", str(tmp_path)])
    assert shown.exit_code == 1 and "Commands use the server in CADENCE_URL, http://127.0.0.1:1" in shown.output


def test_reasons_are_words() -> None:
    pool = urllib3.HTTPSConnectionPool("nowhere.invalid")
    connection = urllib3.connection.HTTPSConnection("nowhere.invalid")
    unknown = NameResolutionError("nowhere.invalid", connection, socket.gaierror(-2, "unknown"))
    assert _reason(MaxRetryError(pool, "/", unknown)) == "no host has this name"
    assert _reason(MaxRetryError(pool, "/", SSLError("certificate verify failed"))) == "TLS: certificate verify failed"


def test_wrong_names_come_with_those_that_were_meant(api, cadence, tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    run_id = cadence("run", "hello.yaml").stdout.strip()

    def refused(*arguments: str) -> str:
        result = cadence(*arguments)
        assert result.exit_code == 1
        return " ".join(result.stderr.split())

    none = refused("start", "nope")
    assert none.endswith("There is no pipeline 'nope'.")
    assert api("PUT", "/v1/projects/default/pipelines/hello", {"document": HELLO}).status == 201
    assert "There is no pipeline 'helo'. Did you mean 'hello'?" in refused("start", "helo")
    assert "There is no pipeline 'zzz'. There is: hello." in refused("start", "zzz")
    assert "There is no version 9 of pipeline 'hello'." in refused("start", "hello", "--version", "9")
    assert f"Run {run_id} has no treatment 'grete'. Did you mean 'greet'?" in refused("show", run_id, "grete")
    assert "has no treatment 'zzz'. There are: greet, shout." in refused("approve", run_id, "zzz")
    assert "does not wait for an approval" in refused("approve", run_id, "greet")


def test_at_most_five_names_are_listed() -> None:
    assert choices("x", ["aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg"]) == (
        " There are: aaa, bbb, ccc, ddd, eee and 2 more."
    )
    assert choices("x", []) == ""


@pytest.mark.parametrize(
    "command", [("runs",), ("audit", "list"), ("logs", "@last"), ("export", "backfill", "create", "x")]
)
@pytest.mark.parametrize("written", ["yesterdai", "2026-13-45", "999999w", "1h30m", "-5"])
def test_a_time_that_cannot_be_read(cadence, command: tuple[str, ...], written: str) -> None:
    result = cadence(*command, f"--since={written}")

    assert result.exit_code == 2
    assert result.stderr == (
        "error: --since takes a time such as 2026-01-31T12:00Z or 2026-01-31, or an age such as 30m, 6h or 7d, not "
        f"{written!r}.\n"
    )


def test_a_time_without_a_zone_is_that_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert arguments.time_of("--since", "2026-01-31") == "2026-01-31T00:00:00+09:00"
        assert arguments.time_of("--since", "2026-01-31T12:00Z") == "2026-01-31T21:00:00+09:00"
    finally:
        monkeypatch.undo()
        time.tzset()
