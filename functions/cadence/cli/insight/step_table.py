"""The steps of a treatment on its page, and their scripts."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from cadence.cli.shared.output import parsed_time, print_section_table, seconds_text, state_text
from cadence.cli.shared.preview import plain


def show_steps(steps: list[Mapping[str, Any]]) -> None:
    """Prints the state, the time and the exit code of each step."""
    print_section_table(
        ("   STEP", "NAME", "STATE", "RAN", "EXIT CODE"),
        (
            (
                f"    {step['number']}",
                plain(step["name"]),
                _state(step),
                _ran(step),
                "-" if step["exit_code"] is None else str(step["exit_code"]),
            )
            for step in steps
        ),
    )


def scripts(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields a heading and a script: that of the treatment, or those of its steps."""
    steps = spec.get("steps") or ()
    if not steps:
        yield f"{spec['shell']}:", spec["run"]
    for number, step in enumerate(steps, 1):
        settings = [
            *(["always"] if step["always"] else []),
            *(["on_failure"] if step["on_failure"] else []),
            *(["soft_fail"] if step["soft_fail"] else []),
            *(f"{name}={plain(value)}" for name, value in sorted(step["env"].items())),
        ]
        marks = f" ({', '.join(settings)})" if settings else ""
        yield f"{number} {plain(step['name'])}{marks}, {step['shell']}:", step["run"]


def _state(step: Mapping[str, Any]) -> Text:
    soft = step["soft_fail"] and step["state"] == "failed"
    return Text("failed (soft)", "yellow") if soft else state_text(step["state"])


def _ran(step: Mapping[str, Any]) -> str:
    if not (step["started_at"] and step["finished_at"]):
        return "-"
    seconds = (parsed_time(step["finished_at"]) - parsed_time(step["started_at"])).total_seconds()
    return f"{seconds:.2f} s" if seconds < 1 else seconds_text(seconds)
