"""The script that runs the named steps of a treatment one after the other, and what is known about each of them.

The script prints a mark on both output streams where a step starts and ends. The readers of the streams take the marks
out; between them, lines belong to the step. So steps work in the same way on the host, in a container and in a pod.
"""

from __future__ import annotations

import secrets
import shlex
import threading
from collections.abc import Sequence
from typing import Any, Optional

from ..assignments.assigned_steps import AssignedStep
from ..assignments.assignment import Assignment
from ..shared.clock import timestamp
from ..shared.errors import CANCELLED, FAILED, INFRASTRUCTURE, INTERRUPTED, TIMED_OUT
from .workspace import Workspace

#: The file's name among the outputs; no port's name has a dot. Lines NAME=value in it are variables of later steps.
VARIABLES_FILE = "step.env"
_SEPARATOR = "\x1e"
#: What a step was, if the assignment ended with this outcome while it ran.
_ENDED = {TIMED_OUT: "timed_out", CANCELLED: "cancelled", INFRASTRUCTURE: "lost", INTERRUPTED: "lost", FAILED: "failed"}

_BEGINNING = r"""# Runs the steps of this treatment one after the other.
cadence_failed=0
cadence_stopped=
trap 'cadence_stopped=1' TERM

# Takes lines NAME=value, or NAME<<END with a value of several lines up to END, as variables of later steps.
cadence_take() {
  [ -s "$CADENCE_ENV" ] || return 0
  while IFS= read -r cadence_line || [ -n "$cadence_line" ]; do
    case $cadence_line in
      *=*)
        cadence_name=${cadence_line%%=*}
        cadence_value=${cadence_line#*=}
        ;;
      *'<<'*)
        cadence_name=${cadence_line%%'<<'*}
        cadence_end=${cadence_line#*'<<'}
        cadence_value=
        cadence_between=
        while IFS= read -r cadence_line || [ -n "$cadence_line" ]; do
          [ "$cadence_line" != "$cadence_end" ] || break
          cadence_value=$cadence_value$cadence_between$cadence_line
          cadence_between='
'
        done
        ;;
      '') continue ;;
      *) cadence_name= ;;
    esac
    case $cadence_name in
      '' | [0-9]* | *[!A-Za-z0-9_]* | CADENCE_*)
        echo "CADENCE_ENV: a line is left out: it has to be NAME=value, and no NAME begins with CADENCE_" >&2
        ;;
      *)
        if (export "$cadence_name=$cadence_value") 2>/dev/null; then
          export "$cadence_name=$cadence_value"
        else
          echo "CADENCE_ENV: the shell does not allow $cadence_name to be set" >&2
        fi
        ;;
    esac
  done < "$CADENCE_ENV"
  true > "$CADENCE_ENV"
}

# Notes the end of step $1 with exit code $2; $3 is 1 if it may fail. A step that was stopped has not ended by itself.
cadence_ended() {
  [ -z "$cadence_stopped" ] || return 0
  cadence_take
  cadence_mark "end $1 $2"
  [ "$2" -eq 0 ] || [ "$3" -eq 1 ] || [ "$cadence_failed" -ne 0 ] || cadence_failed=$2
}
"""
_ENDING = """
[ -z "$cadence_stopped" ] || exit 143
exit "$cadence_failed"
"""


class StepRecorder:
    """The steps of one assignment and their states. Its methods are called by several threads."""

    def __init__(self, steps: Sequence[AssignedStep]) -> None:
        self._steps = steps
        self._lock = threading.Lock()
        self._records: list[dict[str, Any]] = [{"state": "skipped" if step.skip else "pending"} for step in steps]
        self._changes, self._reported = 1, 0
        self._word = secrets.token_hex(8)
        #: What a mark begins with, in bytes of an output stream. No script can know it before it runs.
        self.mark = f"{_SEPARATOR}{self._word} ".encode()
        #: Whether the marks are read by a person, who starts the script from a shell.
        self.readable = False

    def __bool__(self) -> bool:
        return bool(self._steps)

    def command(self, workspace: Workspace, *, stdout_is_data: bool) -> list[str]:
        """Writes all scripts and returns the command that runs them. Raises AgentError."""
        parts = [self._marking(stdout_is_data), _BEGINNING]
        for number, step in enumerate(self._steps, 1):
            path = workspace.write(f"step-{number}", step.script)
            if not step.skip:
                parts.append(_part(number, step, [*step.shell.split(), str(path)]))
        return ["sh", str(workspace.write("script", "\n".join([*parts, _ENDING])))]

    def variables(self, workspace: Workspace) -> dict[str, str]:
        """Returns the variable that names the file for variables of later steps."""
        return {"CADENCE_ENV": str(workspace.outputs / VARIABLES_FILE)} if self._steps else {}

    def take(self, words: bytes, *, decides: bool) -> Optional[int]:
        """Takes the rest of a mark and returns the number of the step that runs now, from 1; None between steps.

        Every mark comes on each stream; only that of the stream that ``decides`` changes a step's state.
        """
        kind, _, rest = words.decode("ascii", "replace").strip().partition(" ")
        number, _, code = rest.partition(" ")
        if not number.isdigit() or not 1 <= int(number) <= len(self._records):
            return None
        if kind == "start":
            if decides:
                self._start(int(number))
            return int(number)
        if decides and code.isdigit():
            self._end(int(number), min(int(code), 255))
        return None

    def finish(self, outcome: Optional[str]) -> None:
        """Settles the steps that have not ended: the assignment ended with ``outcome``."""
        with self._lock:
            for record in self._records:
                if record["state"] == "running":
                    record.update(state=_ENDED.get(outcome or "", "failed"), finished_at=timestamp())
                elif record["state"] == "pending":
                    record["state"] = "skipped"
            self._changes += 1

    def failed_step(self) -> str:
        """Returns the name of the first step that failed the treatment; empty if there is none."""
        with self._lock:
            for step, record in zip(self._steps, self._records):
                if record["state"] == "failed" and not step.soft_fail:
                    return step.name
        return ""

    def report(self) -> Optional[dict[str, Any]]:
        """Returns the states of all steps; None if there are no steps."""
        with self._lock:
            if not self._steps:
                return None
            return {"revision": self._changes, "steps": [dict(record) for record in self._records]}

    def news(self) -> Optional[dict[str, Any]]:
        """Returns what ``report`` does if something has changed since ``reported``."""
        report = self.report()
        return report if report and report["revision"] > self._reported else None

    def reported(self, report: Optional[dict[str, Any]]) -> None:
        """Notes that the gateway has a report."""
        if report:
            self._reported = max(self._reported, report["revision"])

    def _start(self, number: int) -> None:
        with self._lock:
            record = self._records[number - 1]
            if record["state"] == "pending":
                record.update(state="running", started_at=timestamp())
                self._changes += 1

    def _end(self, number: int, code: int) -> None:
        with self._lock:
            record = self._records[number - 1]
            if record["state"] == "running":
                record.update(state="failed" if code else "succeeded", finished_at=timestamp(), exit_code=code)
                self._changes += 1

    def _marking(self, stdout_is_data: bool) -> str:
        if self.readable:
            return "cadence_mark() { printf '\\n--- %s\\n' \"$1\" >&2; }\n"
        print_mark = f"printf '\\036{self._word} %s\\n' \"$1\""
        return f"cadence_mark() {{ {print_mark} >&2; {'' if stdout_is_data else f'{print_mark}; '}}}\n"


def command_of(assignment: Assignment, steps: StepRecorder, workspace: Workspace) -> list[str]:
    """Writes the script, or those of the steps, and returns the command that runs them. Raises AgentError."""
    if steps:
        return steps.command(workspace, stdout_is_data=bool(assignment.stdout))
    return [*assignment.shell.split(), str(workspace.write("script", assignment.script))]


def _part(number: int, step: AssignedStep, command: Sequence[str]) -> str:
    """Returns the part of the script that runs one step in a process of its own."""
    runs = '[ -z "$cadence_stopped" ]'
    if not step.always:
        runs += f' && [ "$cadence_failed" -{"ne" if step.on_failure else "eq"} 0 ]'
    lines = [
        f"# {number}: {step.name}",
        f"if {runs}; then",
        f"cadence_mark 'start {number}'",
        "(",
        *(f"export {name}={shlex.quote(value)}" for name, value in step.env.items()),
        f"exec {' '.join(map(shlex.quote, command))}",
        ")",
        f'cadence_ended {number} "$?" {int(step.soft_fail)}',
        "fi",
    ]
    return "\n".join(lines)
