"""The commands `audit export` and `audit verify`: the chain of the audit log, verified on this machine."""

import gzip
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import err, out, print_json
from cadence.domain.access.audit_chain import ChainHead, ChainReport, verify_chain

_HEAD = re.compile(r"([1-9][0-9]{0,14}):([0-9a-f]{64})")
_MOST_SHOWN = 20


def export_records(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file (default: standard output)."),
    ] = None,
    after: Annotated[int, typer.Option(min=0, help="Leave out the records up to this number.")] = 0,
) -> None:
    """Write the chained records of the audit log as JSON Lines, the oldest first."""
    with reporting_errors(as_json=False):
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in _pages(after, []))
        if output is None:
            sys.stdout.writelines(lines)
            return
        with output.open("w", encoding="utf-8") as file:
            file.writelines(lines)


def verify_records(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Files of `audit export`, or of the locked bucket (.gz), in order (default: records of the API).",
            show_default=False,
        ),
    ] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER:DIGEST", help="A record that an earlier verification printed; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify the audit log: no record was changed, removed or reordered.

    Everything is computed on this machine from the records themselves. Keep the last line, and give it as --known the
    next time: a log that was made anew as a whole can be recognized by that alone.
    """
    heads = [_head(text) for text in known or ()]
    if files:
        report = verify_chain(_records_of(files), heads)
    else:
        with reporting_errors(as_json):
            # The installation names its end before the records are read, and has to show what leads there.
            records = list(_pages(0, heads))
        report = verify_chain(records, heads)
    if as_json:
        print_json(_as_json(report))
    else:
        _print(report)
    if not report.intact:
        raise typer.Exit(FAILED)


def _pages(after: int, heads: list[ChainHead]) -> Iterator[dict[str, Any]]:
    """Yields the records of the API; adds the end that it names in the first page to `heads`."""
    api, first = connect(), True
    while True:
        page = api.audit_chain(after)
        if first and page["head"]["sequence"] > after:
            heads.append(ChainHead(page["head"]["sequence"], page["head"]["digest"]))
        first = False
        yield from page["items"]
        if page["next"] is None:
            return
        after = int(page["next"])


def _records_of(files: Iterable[Path]) -> Iterator[Any]:
    for path in files:
        try:
            content = path.read_bytes()
            text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            raise fail(f"{path} cannot be read: {error}. Name files of `cadence audit export`.", WRONG_USE) from None
        for number, line in enumerate(text.splitlines(), 1):
            try:
                yield json.loads(line)
            except ValueError:
                message = f"{path}, line {number} is no JSON. Name files of `cadence audit export`."
                raise fail(message, WRONG_USE) from None


def _head(text: str) -> ChainHead:
    match = _HEAD.fullmatch(text)
    if match is None:
        raise fail(f"--known is {text!r}: use a number and a digest, as `cadence audit verify` prints them.", WRONG_USE)
    return ChainHead(int(match[1]), match[2])


def _as_json(report: ChainReport) -> dict[str, Any]:
    return {
        "intact": report.intact,
        "records": report.records,
        "first": report.first,
        "head": {"sequence": report.head.sequence, "digest": report.head.digest},
        "findings": [
            {"fault": str(one.fault), "sequence": one.sequence, "message": one.message} for one in report.findings
        ],
    }


def _print(report: ChainReport) -> None:
    _print_findings([one.message for one in report.findings])
    if not report.records:
        out.print("There are no chained records.", markup=False)
        return
    result = "intact" if report.intact else "NOT intact"
    numbers = f"{report.first} to {report.head.sequence}"
    out.print(f"{report.records} records, {numbers}: {result}.", markup=False)
    if report.intact:
        out.print(f"{report.head.sequence}:{report.head.digest}", markup=False, soft_wrap=True)


def _print_findings(messages: Sequence[str]) -> None:
    for message in messages[:_MOST_SHOWN]:
        err.print(f"  {message}", markup=False)
    if len(messages) > _MOST_SHOWN:
        err.print(f"  and {len(messages) - _MOST_SHOWN} more (--json lists all)", markup=False)
