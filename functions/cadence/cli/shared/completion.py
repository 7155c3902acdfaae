"""Completes values on the command line: runs, treatments, pipelines, projects and pools.

A completion waits a second at most in all, and a failure of any kind completes nothing: the shell prints the line that
the user is writing, and has no place for messages. Everything is imported when it is used.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from cadence.cli.client.client import Client

Completions = list[tuple[str, str]]
"""Values, each with a help text that zsh and fish show."""

SECONDS = 1.0
_RUNS = 50


def complete_run(context: typer.Context, incomplete: str) -> Completions:
    """The newest runs whose id begins as `incomplete` does."""
    named = [("@last", "the newest run"), ("@failed", "the newest failed run")]
    if incomplete.startswith("@"):
        return _beginning(named, incomplete)
    runs = [
        (one["run_id"], f"{one['pipeline']}, {one['state']}, {one['created_at'][:16].replace('T', ' ')}")
        for one in _asked(context, lambda client: client.runs(_RUNS))
    ]
    return _beginning([*runs, *named], incomplete)


def complete_treatment(context: typer.Context, incomplete: str) -> Completions:
    """The treatments of the run that the line names before."""
    run_id = context.params.get("run_id") or "@last"
    treatments = _asked(context, lambda client: client.run(run_id)["treatments"])
    return _beginning([(one["name"], one["state"]) for one in treatments], incomplete)


def complete_pipeline(context: typer.Context, incomplete: str) -> Completions:
    """The stored pipelines of the project."""
    pipelines = _asked(context, lambda client: client.pipelines())
    return _beginning([(one["name"], f"version {one['version']}") for one in pipelines], incomplete)


def complete_project(context: typer.Context, incomplete: str) -> Completions:
    """The projects of the organization."""
    return _beginning([(one["name"], "") for one in _asked(context, lambda client: client.projects())], incomplete)


def complete_pool(context: typer.Context, incomplete: str) -> Completions:
    """The pools of the organization."""
    pools = _asked(context, lambda client: client.pools())
    return _beginning([(one["name"], one["provider"]) for one in pools], incomplete)


def _beginning(values: Iterable[tuple[str, str]], incomplete: str) -> Completions:
    return [value for value in values if value[0].startswith(incomplete)]


def _asked(context: typer.Context, question: "Callable[[Client], Iterable[Any]]") -> list[Any]:
    """The items of an answer; none if there is no installation, no answer in time, or no permission."""
    from cadence.cli.client.connection import NotConnected, connect
    from cadence.cli.client.session import ApiError, Unreachable

    try:
        client = connect(context.params.get("project"))
        client.limit_waiting(SECONDS)
        return list(question(client))
    except (NotConnected, ApiError, Unreachable, ValueError):  # the last: an answer that is no JSON
        return []
