"""Values that the shells complete: runs, treatments, pipelines, projects, pools."""

import socket
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from cadence.cli.main import app
from tests.integration.api.calling import HELLO, Api
from tests.integration.api.provenance.test_provenance import CONTENTS, DOCUMENT, admitted
from tests.integration.api.test_cli import cadence, server

__all__ = ["cadence", "server"]

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(cadence, monkeypatch) -> Complete:
    """The completions of a line, as a shell asks for them; the limit is that of a busy machine."""
    monkeypatch.setattr("cadence.cli.shared.completion.SECONDS", 60.0)

    def completions(line: str, shell: str = "bash") -> list[str]:
        words = line.split(" ")
        environment = {
            "_CADENCE_COMPLETE": f"complete_{shell}",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
            "_TYPER_COMPLETE_ARGS": line,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
        result = CliRunner().invoke(app, [], env=environment, prog_name="cadence")
        assert (result.exit_code, result.stderr) == (0, "")
        return [line for line in result.stdout.splitlines() if line]

    return completions


def test_values_are_completed(api: Api, cadence, complete: Complete, tmp_path) -> None:
    (tmp_path / "hello.yaml").write_text(HELLO)
    run_id = cadence("run", "hello.yaml").stdout.strip()
    assert cadence("pipeline", "create", "hello.yaml").exit_code == 0
    api("POST", "/v1/projects", {"name": "web"})

    assert complete("cadence show ") == [run_id, "@last", "@failed"]
    assert complete(f"cadence cancel {run_id[:8]}") == [run_id]
    assert complete("cadence diff @last @f") == ["@failed"]
    assert complete("cadence start h") == ["hello"]
    assert complete("cadence runs --project we") == ["web"]
    assert complete("cadence project delete w") == ["web"]
    assert complete("cadence pool show nothing-like-it") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_treatments_of_the_run_are_completed_in_each_shell(api: Api, complete: Complete, shell: str) -> None:
    run_id = admitted(api, DOCUMENT, CONTENTS).run_id

    for named in (run_id, run_id[-6:], "@last"):
        (found,) = complete(f"cadence show {named} ke", shell)
        assert "keep" in found and "rows" not in found
        (found,) = complete(f"cadence logs {named} -t ke", shell)
        assert "keep" in found


def test_names_of_commands_import_none_of_them(complete: Complete) -> None:
    assert complete("cadence sh") == ["show", "shell"]
    assert {"runs", "local", "pool"} <= set(complete("cadence "))
    assert "--version" in complete("cadence --v")


def test_without_an_answer_nothing_is_completed_or_said(complete: Complete, monkeypatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts, and never answers
        monkeypatch.setenv("CADENCE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr("cadence.cli.shared.completion.SECONDS", 0.1)
        assert complete("cadence show ") == ["@last", "@failed"]
        assert complete("cadence pool show ") == []
    assert complete("cadence pool show ") == []  # nothing listens there any more
    monkeypatch.setenv("CADENCE_URL", "no address")
    assert complete("cadence start ") == []
