"""The command `tests`."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.completion import complete_run, complete_treatment
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Project
from cadence.cli.shared.output import date_time, out, print_json, print_section_table, seconds_text

_LONGEST_MESSAGE = 12


class CaseChoice(StrEnum):
    ALL = "all"
    FAILING = "failing"
    NEW = "new"
    FLAKY = "flaky"
    SKIPPED = "skipped"
    PASSED = "passed"


def show_tests(
    run_id: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run: its id, the beginning or end of it (four letters or more), @last, or @failed.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ] = None,
    outcome: Annotated[CaseChoice, typer.Option(help="The tests that are listed.")] = CaseChoice.FAILING,
    slowest: Annotated[
        int | None, typer.Option(min=1, max=1000, metavar="N", help="List the N slowest tests.", show_default=False)
    ] = None,
    treatment: Annotated[
        str | None,
        typer.Option(
            "--treatment",
            "-t",
            help="Only tests of this treatment.",
            show_default=False,
            autocompletion=complete_treatment,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50_000, help="The most tests to list.")] = 50,
    pipeline: Annotated[
        str | None,
        typer.Option(help="In place of a run: the newest results and flaky tests of a pipeline.", show_default=False),
    ] = None,
    branch: Annotated[str, typer.Option(help="With --pipeline: the branch.", show_default=False)] = "",
    repository: Annotated[
        str, typer.Option(help="With --pipeline: the name or id of the repository.", show_default=False)
    ] = "",
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show the tests of a run: counts, new failures against the base branch, flaky ones, the slowest."""
    if (run_id is None) == (pipeline is None):
        raise fail("Give a run, or --pipeline.", WRONG_USE)
    with reporting_errors(as_json):
        client = connect(project)
        if pipeline is not None:
            answer = client.branch_tests(pipeline, _repository_id(client, repository), branch)
        else:
            order, chosen = ("slowest", CaseChoice.ALL) if slowest else ("report", outcome)
            answer = client.run_tests(str(run_id), str(chosen), order, treatment, slowest or limit)
    if as_json:
        print_json(answer)
    elif pipeline is not None:
        _show_branch(answer)
    else:
        _show_run(answer, slowest=slowest is not None)


def counts_text(counts: Mapping[str, Any]) -> str:
    """Returns counts in words: `120 tests: 117 passed, 3 failed (2 new, 1 known as flaky), 4.2 s`."""
    failing = counts["failed"] + counts["errors"]
    kinds = [
        f"{counts[key]} {words}"
        for key, words in (("new", "new"), ("known_flaky", "known as flaky"), ("quarantined", "in quarantine"))
        if counts[key]
    ]
    parts = [f"{counts['passed']} passed"]
    if failing:
        parts.append(f"{failing} failed" + (f" ({', '.join(kinds)})" if kinds else ""))
    if counts["skipped"]:
        parts.append(f"{counts['skipped']} skipped")
    noun = "test" if counts["total"] == 1 else "tests"
    return f"{counts['total']} {noun}: {', '.join(parts)}, {seconds_text(counts['seconds'])}"


def _show_run(answer: Mapping[str, Any], *, slowest: bool) -> None:
    if not answer["treatments"]:
        out.print("No treatment of this run has reported tests (yet). A treatment with `reports` does.", markup=False)
        return
    out.print(Text(counts_text(answer["counts"]), "bold"))
    for one in answer["treatments"]:
        if len(answer["treatments"]) > 1 or one["base_run"]:
            base = f", compared with run {one['base_run']}" if one["base_run"] else ""
            out.print(f"  {one['treatment']}  {counts_text(one['counts'])}{base}", markup=False)
        for attempt in one["attempts"]:
            if attempt["problem"]:
                out.print(Text(f"  {one['treatment']}, attempt {attempt['attempt']}: {attempt['problem']}", "yellow"))
    if slowest:
        rows = [(f"{case['seconds']:.3f} s", case["treatment"], case["name"]) for case in answer["items"]]
        print_section_table(("TIME", "TREATMENT", "TEST"), rows)
        return
    for case in answer["items"]:
        _show_case(case)
    if answer["next"]:
        out.print("… and more; --limit shows them", style="dim")


def _show_case(case: Mapping[str, Any]) -> None:
    marks = [
        words
        for shown, words in (
            (case["new"], "new failure"),
            (case["flaky"], "flaky"),
            (case["quarantined"], "in quarantine"),
        )
        if shown
    ]
    place = f"  {case['file']}" + (f":{case['line']}" if case["line"] else "") if case["file"] else ""
    colour = "red" if case["outcome"] in ("failed", "error") else "dim"
    out.print()
    out.print(
        Text.assemble(
            (f"{case['outcome']}  ", colour),
            (case["name"], "bold"),
            f"  ({case['treatment']})",
            (f"  {', '.join(marks)}" if marks else "", "yellow"),
            (place, "dim"),
        )
    )
    lines = (case["message"] or "").splitlines()
    for line in lines[:_LONGEST_MESSAGE]:
        out.print(Text(f"    {line}"))
    if len(lines) > _LONGEST_MESSAGE:
        out.print(f"    … {len(lines) - _LONGEST_MESSAGE} more lines", style="dim")


def _show_branch(answer: Mapping[str, Any]) -> None:
    if not answer["treatments"] and not answer["flaky"]:
        out.print("No results of tests are known there. Give --branch and --repository of the runs.", markup=False)
        return
    out.print(Text(counts_text(answer["counts"]), "bold"))
    rows = [
        (one["treatment"], counts_text(one["counts"]), date_time(one["at"]), one["run_id"])
        for one in answer["treatments"]
    ]
    print_section_table(("TREATMENT", "TESTS", "READ", "RUN"), rows)
    if answer["flaky"]:
        out.print("\nflaky tests")
        print_section_table(("TREATMENT", "TEST", "SEEN LAST", "RUN"), _flaky_rows(answer["flaky"]))


def _flaky_rows(flaky: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [(one["treatment"], one["name"], date_time(one["seen_at"]), one["run_id"]) for one in flaky]


def _repository_id(client: Client, name: str) -> str:
    """Returns the id of a connected repository; any other name as it is."""
    if not name:
        return ""
    named = [one for one in client.repositories() if name in (one["id"], one["name"])]
    return str(named[0]["id"]) if named else name
