"""Turns errors into messages and exit codes: 1 the thing failed, 2 wrong use, 3 cannot reach or not allowed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from cadence.cli.client.connection import NotConnected
from cadence.cli.client.session import ApiError, Unreachable
from cadence.cli.shared.output import err, print_findings, print_json

FAILED = 1
WRONG_USE = 2
NOT_REACHED = 3
INTERRUPTED = 130

_NOT_ALLOWED = frozenset({401, 403, 429})


@contextmanager
def reporting_errors(as_json: bool, file: Path | str = "document") -> Iterator[None]:
    """Prints errors of the API and ends the command with the matching exit code.

    Findings are reported as being in `file`.
    """
    try:
        yield
    except ApiError as error:
        if as_json:
            print_json(error.problem)
        else:
            _print_problem(error, str(file))
        raise typer.Exit(_exit_code(error)) from None
    except (Unreachable, NotConnected) as error:
        if as_json:
            print_json({"title": "not reached", "detail": str(error)})
        else:
            _print_error(str(error))
            if isinstance(error, Unreachable):
                _print_address_hint()
        raise typer.Exit(NOT_REACHED) from None


def fail(message: str, code: int = FAILED) -> typer.Exit:
    """Prints `message` as an error and returns the exception that ends the command with `code`."""
    _print_error(message)
    return typer.Exit(code)


def _print_problem(error: ApiError, file: str) -> None:
    findings = error.problem.get("findings")
    if findings:
        print_findings(file, findings)
    _print_error(str(error))
    for violation in error.problem.get("violations") or ():
        if violation["message"] != str(error):
            err.print(f"    {violation['pointer']}: {violation['message']}", markup=False)
    if error.status == 401:
        given = "CADENCE_TOKEN" in os.environ
        hint = "Check CADENCE_TOKEN" if given else "Sign in again (cadence login), or start the local stack again"
        err.print(f"    {hint}" + (", and that CADENCE_URL is its server." if given else ": cadence local up"))


def _print_address_hint() -> None:
    if "CADENCE_URL" in os.environ:
        hint = (
            "It is the address in CADENCE_URL: set it anew, or unset it and CADENCE_TOKEN to use the local stack here."
        )
    else:
        hint = "Start the local stack, if it is one: cadence local up"
    err.print(f"    {hint}", markup=False)


def _exit_code(error: ApiError) -> int:
    if error.status in _NOT_ALLOWED or error.status >= 500:
        return NOT_REACHED
    if error.status == 422 and "findings" not in error.problem:
        return WRONG_USE
    return FAILED


def _print_error(message: str) -> None:
    err.print("[bold red]error:[/] ", end="")
    err.print(message, markup=False)
