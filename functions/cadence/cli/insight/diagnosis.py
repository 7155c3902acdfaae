"""Why a treatment failed, for a person: the cause, the error and the place it comes from, the last lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from cadence.cli.shared.output import clock_time, out
from cadence.cli.shared.preview import short

_MOST_FRAMES = 5
_MOST_TRACES = 3


def show_diagnosis(run_id: str, treatment: str, said: Mapping[str, Any]) -> None:
    if said["cause"]:
        out.print(Text(f"    {short(said['cause'])}", "bold red" if said["state"] != "cancelled" else "bold"))
    for sentence in said["explanations"]:
        out.print(Text(f"    {sentence}"))
    traces = said["stack_traces"]
    for trace in traces[-_MOST_TRACES:]:
        out.print()
        _show_trace(trace)
    if len(traces) > _MOST_TRACES:
        out.print(
            Text(f"    ({len(traces) - _MOST_TRACES} more before: cadence show {run_id} {treatment} --json)", "dim")
        )
    if not traces and said["errors"]:
        out.print()
        for line in said["errors"][-5:]:
            out.print(Text(f"    {short(line['text'])}", "red"))


def show_last_lines(run_id: str, treatment: str, said: Mapping[str, Any], heading: bool = True) -> None:
    lines = said["last_lines"]
    if heading:
        more = f"    all: cadence logs {run_id} -t {treatment}"
        out.print(Text.assemble(("\nlast lines", "bold"), (more, "dim")))
    if not lines:
        out.print("    (it wrote no lines)", style="dim")
    shown_above = _shown_above(said) if heading else {}
    for line in lines:
        style = "red" if line["level"] == "error" else ""
        if line["cursor"] in shown_above:
            told = shown_above[line["cursor"]]
            if told:
                out.print(Text(f"               ({told} lines of the stack trace above)", "dim"))
            continue
        stream = {"stderr": "!", "agent": "*"}.get(line["stream"], " ")
        out.print(Text.assemble((f"    {clock_time(line['time'])} {stream} ", "dim"), (short(line["text"]), style)))


def _show_trace(trace: Mapping[str, Any]) -> None:
    out.print(Text.assemble("    ", (_error(trace), "bold red"), (f"   {trace['language']}", "dim")))
    cause = trace["caused_by"]
    while cause:
        out.print(Text.assemble("      because of ", (_error(cause), "red")))
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
    """One's own calls, the innermost first; those of libraries only if there are no others."""
    placed = [frame for frame in frames if frame["file"]]
    own = [frame for frame in placed if frame["own"]]
    return (own or placed)[:_MOST_FRAMES]


def _source(root: Mapping[str, Any], trace: Mapping[str, Any], frame: Mapping[str, Any]) -> str:
    """The code of a call, where the language writes it below."""
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


def _shown_above(said: Mapping[str, Any]) -> dict[str, int]:
    """The cursors of lines of stack traces that are shown: the first that is a last line with their number, the others with 0."""
    lines = {line["cursor"]: line for line in said["last_lines"]}
    order = list(lines)
    found: dict[str, int] = {}
    for trace in said["stack_traces"][-_MOST_TRACES:]:
        if trace["last"] not in lines:
            continue
        stream = lines[trace["last"]]["stream"]
        end = order.index(trace["last"])
        start = order.index(trace["first"]) if trace["first"] in lines else 0
        within = [cursor for cursor in order[start : end + 1] if lines[cursor]["stream"] == stream]
        found |= {within[0]: len(within), **dict.fromkeys(within[1:], 0)}
    return found
