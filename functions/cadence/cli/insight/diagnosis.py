"""Prints why a treatment failed: the cause, the error and its position in the code, the last log lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from cadence.cli.shared.output import clock_time, out
from cadence.cli.shared.preview import short

_MOST_FRAMES = 5
_MOST_TRACES = 3


def show_diagnosis(run_id: str, treatment: str, diagnosis: Mapping[str, Any]) -> None:
    """Prints the cause, its explanations, and stack traces or other errors."""
    if diagnosis["cause"]:
        out.print(Text(f"    {short(diagnosis['cause'])}", "bold red" if diagnosis["state"] != "cancelled" else "bold"))
    for sentence in diagnosis["explanations"]:
        out.print(Text(f"    {sentence}"))
    traces = diagnosis["stack_traces"]
    for trace in traces[-_MOST_TRACES:]:
        out.print()
        _show_trace(trace)
    if len(traces) > _MOST_TRACES:
        out.print(
            Text(f"    ({len(traces) - _MOST_TRACES} earlier ones: cadence show {run_id} {treatment} --json)", "dim")
        )
    if not traces and diagnosis["errors"]:
        out.print()
        for line in diagnosis["errors"][-5:]:
            out.print(Text(f"    {short(line['text'])}", "red"))


def show_last_lines(
    run_id: str, treatment: str, diagnosis: Mapping[str, Any], heading: bool = True, attempt: int | None = None
) -> None:
    """Prints the last log lines, of which the whole log of `attempt` (None: of all) has more.

    Lines of stack traces that are printed above are counted only.
    """
    lines = diagnosis["last_lines"]
    if heading:
        of_attempt = f" --attempt {attempt}" if attempt else ""
        more = f"    all: cadence logs {run_id} -t {treatment}{of_attempt}"
        out.print(Text.assemble(("\nlast lines", "bold"), (more, "dim")))
    if not lines:
        out.print("    (no lines)", style="dim")
    shown_above = _shown_above(diagnosis) if heading else {}
    for line in lines:
        style = "red" if line["level"] == "error" else ""
        if line["cursor"] in shown_above:
            count = shown_above[line["cursor"]]
            if count:
                out.print(Text(f"               ({count} lines of the stack trace above)", "dim"))
            continue
        stream = {"stderr": "!", "agent": "*"}.get(line["stream"], " ")
        out.print(Text.assemble((f"    {clock_time(line['time'])} {stream} ", "dim"), (short(line["text"]), style)))


def _show_trace(trace: Mapping[str, Any]) -> None:
    out.print(Text.assemble("    ", (_error(trace), "bold red"), (f"   {trace['language']}", "dim")))
    cause = trace["caused_by"]
    while cause:
        out.print(Text.assemble("      caused by ", (_error(cause), "red")))
        cause = cause["caused_by"]
    root = trace
    while root["caused_by"]:
        root = root["caused_by"]
    frames = _chosen(root["frames"]) or _chosen(trace["frames"])
    width = max((len(_where(frame)) for frame in frames), default=0)
    place = trace["place"]
    for frame in frames:
        here = place is not None and frame["cursor"] == place["cursor"]
        mark = Text("    ▶ " if here else "      ", "bold yellow")
        style = "bold yellow" if here else ("" if frame["own"] else "dim")
        source = _source(root, trace, frame)
        out.print(
            mark,
            Text.assemble((f"{_where(frame):<{width}}", style), f"  {short(frame['function'])}", (source, "dim")),
            sep="",
        )
    out.print(Text(f"      log line {(place or frames[0])['cursor'] if frames else trace['first']}", "dim"))


def _chosen(frames: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The calls of the user's code, innermost first; calls of libraries only if there are no others."""
    placed = [frame for frame in frames if frame["file"]]
    own = [frame for frame in placed if frame["own"]]
    return (own or placed)[:_MOST_FRAMES]


def _source(root: Mapping[str, Any], trace: Mapping[str, Any], frame: Mapping[str, Any]) -> str:
    """The source line of a call, where the language prints it below the call."""
    if trace["language"] != "Python":
        return ""
    text = trace["text"]
    for at, line in enumerate(text[:-1]):
        if f'File "{frame["file"]}", line {frame["line"]}' in line and not text[at + 1].lstrip().startswith("File "):
            return f"    {short(text[at + 1].strip())}"
    return ""


def _error(trace: Mapping[str, Any]) -> str:
    return short(f"{trace['error']}: {trace['message']}" if trace["message"] else trace["error"])


def _where(frame: Mapping[str, Any]) -> str:
    column = f":{frame['column']}" if frame["column"] else ""
    return short(f"{frame['file']}:{frame['line']}{column}" if frame["line"] else frame["file"])


def _shown_above(diagnosis: Mapping[str, Any]) -> dict[str, int]:
    """The cursors of last lines that belong to printed stack traces: the first of each trace with their number, others
    with 0.
    """
    lines = {line["cursor"]: line for line in diagnosis["last_lines"]}
    order = list(lines)
    found: dict[str, int] = {}
    for trace in diagnosis["stack_traces"][-_MOST_TRACES:]:
        if trace["last"] not in lines:
            continue
        stream = lines[trace["last"]]["stream"]
        end = order.index(trace["last"])
        start = order.index(trace["first"]) if trace["first"] in lines else 0
        within = [cursor for cursor in order[start : end + 1] if lines[cursor]["stream"] == stream]
        found |= {within[0]: len(within), **dict.fromkeys(within[1:], 0)}
    return found
