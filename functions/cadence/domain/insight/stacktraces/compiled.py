"""Recognises traces of Go, Rust, and of C and C++ by the sanitizers or gdb."""

import re
from collections.abc import Sequence

from cadence.domain.insight.stacktraces.model import Frame, StackTrace, number

_GO_HEAD = re.compile(r"(?P<error>panic|fatal error): (?P<message>.*)$")
_GO_GOROUTINE = re.compile(r"goroutine \d+(?: gp=\S+)?(?: m=\S+)?(?: mp=\S+)? \[[^\]]*\]:$")
_GO_CALL = re.compile(r"(?:created by )?(?P<function>[\w./*()\-\[\]{}·~%]+?)(?:\([^()]*\))?(?: in goroutine \d+)?$")
_GO_PLACE = re.compile(r"\t(?P<file>.+):(?P<line>\d+)(?: \+0x[0-9a-f]+)?$")
_GO_LIBRARY = re.compile(r"/go/src/|/go/pkg/mod/|/golang\.org/toolchain")
# Between the panic and its goroutine: the signal, an empty line, further panics.
_GO_LONGEST_HEAD = 12

_RUST_HEAD = re.compile(
    r"thread '(?P<thread>[^']*)'(?: \(\d+\))? panicked at (?:'(?P<old>.*)', )?(?P<file>[^:]+):(?P<line>\d+):(?P<column>\d+):?$"
)
_RUST_CALL = re.compile(r"\s*\d+: (?:0x[0-9a-f]+ - )?(?P<function>\S.*)$")
_RUST_PLACE = re.compile(r"\s+at (?P<file>\S.*?):(?P<line>\d+)(?::(?P<column>\d+))?$")
_RUST_LIBRARY = re.compile(r"/rustc/|\.cargo/registry/|/library/(?:std|core|alloc)/")

_SANITIZER_HEAD = re.compile(r"==\d+==\s?(?:ERROR|WARNING): (?P<error>\w+Sanitizer): (?P<message>.*)$")
_UNDEFINED = re.compile(r"(?P<file>[^:\s][^:]*):(?P<line>\d+):(?P<column>\d+): runtime error: (?P<message>.+)$")
_SANITIZER_CALL = re.compile(
    r"\s+#(?P<depth>\d+) (?:0x[0-9a-f]+ )?(?:in )?(?P<function>\S+(?:\([^)]*\))?)"
    r"(?: (?P<file>[^():\s][^():]*)(?::(?P<line>\d+))?(?::(?P<column>\d+))?| \(.*\))?(?: \(BuildId: \w+\))?$"
)
_GDB_HEAD = re.compile(
    r"(?:Program received signal|Program terminated with signal|Thread .* received signal) (?P<error>SIG\w+), (?P<message>.*?)\.?$"
)
_GDB_CALL = re.compile(
    r"#(?P<depth>\d+)\s+(?:0x[0-9a-f]+ in )?(?P<function>\S+) \(.*\)(?: at (?P<file>.+):(?P<line>\d+)| from .+)?$"
)
_C_LIBRARY = re.compile(r"^(?:\.\./|/usr/(?:include|src|lib))|libsanitizer|sysdeps|/libc")


def go_panic(lines: Sequence[str], start: int) -> StackTrace | None:
    """Returns the panic or fatal error of Go that line `start` begins."""
    head = _GO_HEAD.match(lines[start])
    if head is None:
        return None
    until = min(start + _GO_LONGEST_HEAD, len(lines))
    goroutine = next((at for at in range(start + 1, until) if _GO_GOROUTINE.match(lines[at])), None)
    if goroutine is None:
        return None
    frames, last = [], goroutine
    at = goroutine + 1
    while at + 1 < len(lines):
        call, place = _GO_CALL.match(lines[at]), _GO_PLACE.match(lines[at + 1])
        if call is None or place is None:
            break
        if not lines[at].startswith("created by "):  # the function that started the goroutine is no caller
            own = not _GO_LIBRARY.search(place["file"]) and not call["function"].startswith("runtime.")
            frames.append(
                Frame(
                    function=call["function"],
                    file=place["file"],
                    line=number(place["line"]),
                    column=None,
                    own=own,
                    on=at + 1,
                )
            )
        last, at = at + 1, at + 2
    return StackTrace(
        language="Go", error=head["error"], message=head["message"], frames=tuple(frames), first=start, last=last
    )


def rust_panic(lines: Sequence[str], start: int) -> StackTrace | None:
    """Returns the panic of Rust that line `start` begins, with or without a backtrace."""
    head = _RUST_HEAD.match(lines[start])
    if head is None:
        return None
    last, message = start, head["old"]
    if message is None:
        last = min(start + 1, len(lines) - 1)
        message = lines[last] if last > start else ""
    frames, at = [], _rust_backtrace(lines, last)
    while at is not None and at < len(lines):
        call = _RUST_CALL.match(lines[at])
        if call is None:
            break
        place = _RUST_PLACE.match(lines[at + 1]) if at + 1 < len(lines) else None
        on = at + 1 if place else at
        file = place["file"] if place else None
        frames.append(
            Frame(
                function=call["function"],
                file=file,
                line=number(place["line"]) if place else None,
                column=number(place["column"]) if place else None,
                own=file is not None and not _RUST_LIBRARY.search(file),
                on=on,
            )
        )
        last, at = on, on + 1
    if not any(frame.own for frame in frames):
        frames.insert(0, _rust_place(head, start))
    return StackTrace(
        language="Rust",
        error=f"panic in thread {head['thread']}",
        message=message,
        frames=tuple(frames),
        first=start,
        last=last,
    )


def _rust_backtrace(lines: Sequence[str], after: int) -> int | None:
    for at in range(after + 1, min(after + 10, len(lines))):
        if lines[at].strip() == "stack backtrace:":
            return at + 1
    return None


def _rust_place(head: re.Match[str], on: int) -> Frame:
    own = not _RUST_LIBRARY.search(head["file"])
    return Frame(
        function="", file=head["file"], line=number(head["line"]), column=number(head["column"]), own=own, on=on
    )


def sanitizer_report(lines: Sequence[str], start: int) -> StackTrace | None:
    """Returns the report of a sanitizer that line `start` begins."""
    head = _SANITIZER_HEAD.match(lines[start])
    if head is None:
        return _undefined_behaviour(lines, start)
    calls = next((at for at in range(start + 1, min(start + 8, len(lines))) if _SANITIZER_CALL.match(lines[at])), None)
    if calls is None:
        return None
    frames, last = _calls(lines, calls, _SANITIZER_CALL)
    message = re.sub(r" (?:on (?:unknown )?address 0x|\(pc 0x| at pc 0x).*", "", head["message"])
    return StackTrace(language="C/C++", error=head["error"], message=message, frames=frames, first=start, last=last)


def _undefined_behaviour(lines: Sequence[str], start: int) -> StackTrace | None:
    head = _UNDEFINED.match(lines[start])
    if head is None:
        return None
    place = Frame(
        function="", file=head["file"], line=number(head["line"]), column=number(head["column"]), own=True, on=start
    )
    frames, last = _calls(lines, start + 1, _SANITIZER_CALL)
    return StackTrace(
        language="C/C++",
        error="UndefinedBehaviorSanitizer",
        message=head["message"],
        frames=frames or (place,),
        first=start,
        last=last,
    )


def gdb_backtrace(lines: Sequence[str], start: int) -> StackTrace | None:
    """Returns the backtrace of gdb that line `start` begins."""
    head = _GDB_HEAD.match(lines[start])
    if head is None:
        return None
    calls = next((at for at in range(start + 1, min(start + 8, len(lines))) if lines[at].startswith("#0 ")), None)
    if calls is None:
        return None
    frames, last = _calls(lines, calls, _GDB_CALL)
    return (
        StackTrace(
            language="C/C++", error=head["error"], message=head["message"], frames=frames, first=start, last=last
        )
        if frames
        else None
    )


def _calls(lines: Sequence[str], start: int, pattern: re.Pattern[str]) -> tuple[tuple[Frame, ...], int]:
    """Returns the calls with ascending depth from line `start` on, and the last of their lines."""
    frames: list[Frame] = []
    for at in range(start, len(lines)):
        call = pattern.match(lines[at])
        if call is None or int(call["depth"]) != len(frames):
            break
        parts = call.groupdict()
        own = parts["file"] is not None and not _C_LIBRARY.search(parts["file"])
        frames.append(
            Frame(
                function=parts["function"],
                file=parts["file"],
                line=number(parts["line"]),
                column=number(parts.get("column")),
                own=own,
                on=at,
            )
        )
    return tuple(frames), start - 1 + len(frames)
