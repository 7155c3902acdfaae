"""The command `init`: writes a first pipeline for the repository in a folder."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from cadence.cli.pipelines.first_pipeline import FILES, first_pipeline, name_of
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import print_result

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def init(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The repository's folder.")] = ".",
    name: Annotated[
        str | None, typer.Option("--name", help="The pipeline's name (default: the folder's).", show_default=False)
    ] = None,
    images: Annotated[
        bool | None,
        typer.Option(
            "--images/--no-images",
            help="Run in container images (default), or with the programs of the runner's machine.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a first pipeline for what is in a repository: Python, Node.js, Go, Rust, a Dockerfile.

    The document is written to .cadence/NAME.yaml; a file that exists is never replaced. On a terminal, the command asks
    for the name and whether to use container images, unless options say so.
    """
    root = Path(folder)
    if not root.is_dir():
        raise fail(f"There is no folder {folder}.", WRONG_USE)
    asks = not as_json and _on_a_terminal()
    chosen = name or (typer.prompt("Name of the pipeline", name_of(root)) if asks else name_of(root))
    if not _NAME.fullmatch(chosen):
        message = f"{chosen} is no name of a pipeline: up to 63 small letters, digits, - and _, a letter first."
        raise fail(message, WRONG_USE)
    if images is None:
        question = "Run in container images? Runners need podman or docker for them"
        images = typer.confirm(question, default=True) if asks else True
    document = first_pipeline(root, chosen, images)
    if document is None:
        raise fail(f"{folder} has none of {', '.join(FILES)}: write a pipeline by hand (docs/pipelines.md).", FAILED)
    file = root / ".cadence" / f"{chosen}.yaml"
    try:
        file.parent.mkdir(exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(document)
    except FileExistsError:
        raise fail(f"{file} exists already: delete it, or choose another name with --name.", FAILED) from None
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.", WRONG_USE) from None
    # A machine without podman and docker, or without a registry, cannot run images.
    without = "Without container images: delete the file, and call cadence init --no-images\n" if images else ""
    print_result(
        {"file": str(file), "document": document},
        f"Wrote {file}.\n"
        f"Try it with the files as they are here: cadence run {file} --follow\n"
        f"{without}"
        "See what a push starts (on the local stack): commit it, then cadence local push\n"
        "Run it at each push: commit it, then cadence repository connect URL",
        as_json,
    )


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
