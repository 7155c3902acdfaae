"""How much of workflows `cadence import` carries over: ``python -m bench.importing.workflow_files FOLDER``.

``FOLDER`` has a folder for each repository, with `.github` and the composite actions in it. A job never runs if its
treatment has `when: false`. A step is carried over unless its action has no counterpart, or its condition cannot be
translated. A job is idle if its treatment runs nothing, as all that it has are actions without counterparts.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import yaml

from cadence.cli.pipelines.import_workflow import action_reader
from cadence.importing import Imported, ImportFailure, SourceFormat, convert
from cadence.importing.shared.names import slug
from cadence.importing.shared.shell import HOME_WITHIN, NOTHING_CARRIED_OVER

_OTHER_SYSTEM = re.compile(r"windows|macos", re.IGNORECASE)
_LEFT_OUT = re.compile(r"^jobs\.[^:]+: uses: ")
_NO_CONDITION = "The condition of the step cannot be translated"


@dataclass
class Counted:
    """Numbers of files, jobs and steps; `seconds` of processor time, in all and of the slowest file.

    `elsewhere` are the jobs for Windows or macOS among those that never run.
    """

    files: int = 0
    refused: int = 0
    invalid: int = 0
    jobs: int = 0
    never: int = 0
    elsewhere: int = 0
    idle: int = 0
    steps: int = 0
    carried_over: int = 0
    seconds: float = 0
    slowest: float = 0

    def add(self, other: "Counted") -> None:
        summed = [mine + theirs for mine, theirs in zip(astuple(self)[:-1], astuple(other)[:-1], strict=True)]
        self.__init__(*summed, slowest=max(self.slowest, other.slowest))  # type: ignore[misc]


def counted(file: Path) -> Counted:
    """Converts one file and counts. Steps of composite actions count as the one that uses them."""
    text = file.read_text(encoding="utf-8", errors="replace")
    began = time.process_time()
    try:
        imported = convert(text, SourceFormat.GITHUB, name=file.stem, read_action=action_reader(file))
    except ImportFailure:
        return Counted(files=1, refused=1)
    seconds = time.process_time() - began
    jobs = {key: body for key, body in yaml.safe_load(text)["jobs"].items() if isinstance(body, dict)}
    steps = sum(len(body.get("steps") or ()) for body in jobs.values())
    never, elsewhere = _never(imported, jobs)
    treatments = yaml.safe_load(imported.document)["treatments"].values()
    return Counted(
        files=1, invalid=not imported.valid, jobs=len(jobs), never=never, elsewhere=elsewhere,
        idle=sum(_is_idle(treatment) for treatment in treatments), steps=steps,
        carried_over=steps - min(steps, _lost(imported)), seconds=seconds, slowest=seconds,
    )  # fmt: skip


def _never(imported: Imported, jobs: dict[str, Any]) -> tuple[int, int]:
    """The jobs that never run, and those of them that are for another system than Linux."""
    treatments = yaml.safe_load(imported.document)["treatments"]
    names = {slug(key): body for key, body in jobs.items()}
    never = [name for name, body in treatments.items() if body.get("when") is False]
    return len(never), sum(bool(_OTHER_SYSTEM.search(str(_machine(names.get(name, {}))))) for name in never)


def _is_idle(treatment: dict[str, Any]) -> bool:
    if "trigger" in treatment or treatment.get("when") is False:
        return False
    scripts = [treatment["run"]] if "run" in treatment else [step["run"] for step in treatment["steps"]]
    lines = [line.strip() for script in scripts for line in script.splitlines()]
    return all(
        line in ("", "true", HOME_WITHIN) or line.startswith("#") or NOTHING_CARRIED_OVER in line for line in lines
    )


def _machine(job: dict[str, Any]) -> Any:
    """What decides on the system of a job: its label, or the matrix that has the label."""
    label = job.get("runs-on", "")
    return (job.get("strategy"), label) if "matrix." in str(label) else label


def _lost(imported: Imported) -> int:
    return sum(bool(_LEFT_OUT.match(note.what)) or _NO_CONDITION in note.why for note in imported.notes)


def table(folders: Iterable[Path]) -> Iterator[str]:
    """The rows of a table in Markdown: one for each folder, and one for all."""
    yield "| repository | files | valid | jobs | never run | of them for Windows, macOS | idle | steps carried over | slowest |"
    yield "|---|---|---|---|---|---|---|---|---|"
    everything = Counted()
    for folder in folders:
        found = Counted()
        for file in sorted(folder.glob(".github/workflows/*.y*ml")):
            found.add(counted(file))
        everything.add(found)
        yield _row(folder.name.replace("+", "/"), found)
    yield _row("all", everything)


def _row(name: str, found: Counted) -> str:
    valid = found.files - found.refused - found.invalid
    share = f"{found.carried_over} of {found.steps} ({100 * found.carried_over / max(found.steps, 1):.0f} %)"
    return (
        f"| {name} | {found.files} | {valid} | {found.jobs} | {found.never} | {found.elsewhere} | {found.idle} | {share} | "
        f"{found.slowest:.3f} s |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.importing.workflow_files", description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    folders = sorted(entry for entry in options.folder.iterdir() if entry.is_dir())
    if not folders:
        parser.error(f"there is no folder in {options.folder}")
    for line in table(folders):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
