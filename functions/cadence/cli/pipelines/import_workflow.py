"""The command `import`: converts workflows of other systems into pipeline documents."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from cadence.cli.shared.document_file import read_document
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import err, print_findings, print_json
from cadence.importing import MAX_YAML_BYTES, Imported, ImportFailure, Scales, SourceFormat, convert


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The workflow to import; - reads standard input.")],
    origin: Annotated[
        SourceFormat | None,
        typer.Option(
            "--from", help="The system it comes from (default: detected from the content).", show_default=False
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="OUT", help="Write the document to this file.", show_default=False),
    ] = None,
    commands: Annotated[
        bool, typer.Option("--commands", help="WfCommons: keep the commands of the tasks instead of simulating them.")
    ] = False,
    time_scale: Annotated[
        float,
        typer.Option(
            min=0, max=1_000, help="WfCommons: simulated run time of a task, as a factor of the recorded one."
        ),
    ] = 1.0,
    size_scale: Annotated[
        float,
        typer.Option(min=0, max=1_000, help="WfCommons: simulated size of a file, as a factor of the recorded one."),
    ] = 1.0,
    as_json: Json = False,
) -> None:
    """Convert a workflow of GitHub Actions, GitLab CI, Bitbucket, Woodpecker or WfCommons into a pipeline document.

    Prints the document to standard output, and a report of what was not converted to standard error.
    """
    text = read_document(file)
    try:
        imported = convert(
            text,
            origin,
            Scales(commands, time_scale, size_scale),
            "" if file == "-" else _stem(file),
            action_reader(None if file == "-" else Path(file)),
        )
    except ImportFailure as error:
        _print_failure(file, error, as_json)
        raise typer.Exit(FAILED) from None
    if output is not None:
        try:
            Path(output).write_text(imported.document)
        except OSError as error:
            raise fail(f"{output} cannot be written: {error.strerror}.", WRONG_USE) from None
    if as_json:
        print_json(_as_json(imported, with_document=output is None))
    else:
        _print_report(file, imported, output)
    if not imported.valid:
        raise typer.Exit(FAILED)


def action_reader(file: Path | None) -> Callable[[str], str | None]:
    """Returns what reads actions and workflows of the repository that a file lies in, and no files outside of it."""
    folders = file.resolve().parents if file is not None else ()
    root = next((folder for folder in folders if (folder / ".github").is_dir()), None)

    def read(folder: str) -> str | None:
        if root is None:
            return None
        for name in ("", "action.yml", "action.yaml"):
            # Names that are too long and links in a circle raise, too.
            with suppress(OSError, RuntimeError):
                found = (root / folder / name).resolve()
                if found.is_relative_to(root) and found.is_file() and found.stat().st_size <= MAX_YAML_BYTES:
                    return found.read_text(encoding="utf-8", errors="replace")
        return None

    return read


def _stem(file: str) -> str:
    return Path(file).name.lstrip(".").split(".")[0]


def _print_failure(file: str, error: ImportFailure, as_json: bool) -> None:
    if as_json:
        print_json({"valid": False, "error": str(error), "line": error.line})
        return
    err.print(f"{file}:{error.line}: error: {error}" if error.line else f"{file}: error: {error}", markup=False)


def _as_json(imported: Imported, *, with_document: bool) -> dict[str, object]:
    return {
        "from": imported.kind,
        "valid": imported.valid,
        **({"document": imported.document} if with_document else {}),
        "report": [{"line": n.line, "what": n.what, "why": n.why, "todo": n.todo} for n in imported.notes],
        "findings": [
            {
                "code": f.code,
                "severity": f.severity,
                "message": f.message,
                "line": f.line,
                "column": f.column,
                "hint": f.hint,
            }
            for f in imported.findings
        ],
    }


def _print_report(file: str, imported: Imported, output: str | None) -> None:
    if output is None:
        typer.echo(imported.document, nl=False)
    for note in imported.notes:
        where = f"{file}:{note.line}" if note.line else file
        err.print(f"{where}: {note.what}\n    why: {note.why}\n    do: {note.todo}", markup=False)
    print_findings(
        output or "the document",
        (
            {
                "line": f.line,
                "column": f.column,
                "pointer": f.pointer,
                "severity": f.severity,
                "code": f.code,
                "message": f.message,
                "hint": f.hint,
            }
            for f in imported.findings
        ),
    )
    count = len(imported.notes)
    verdict = "a valid pipeline" if imported.valid else "NOT a valid pipeline"
    converted = "everything was converted" if not count else f"{count} {'items' if count > 1 else 'item'} to review"
    err.print(f"{file} ({imported.kind}): {verdict}, {converted}", markup=False)
