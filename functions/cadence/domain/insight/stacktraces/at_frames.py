"""Recognises traces with `at` before each call: JavaScript and TypeScript, Java and Kotlin, C# and others of .NET."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cadence.domain.insight.stacktraces.model import Frame, StackTrace, number

# How many lines a message may have between the error's name and the first call.
_LONGEST_MESSAGE = 15

_AT = re.compile(r"\s+at \S")
_JVM = re.compile(
    r"\s+at (?:[\w.$@-]+/{1,2})?(?P<function>[\w.$<>-]+)\((?P<file>[\w$.-]+|Native Method|Unknown Source)(?::(?P<line>\d+))?\)"
)
_DOTNET = re.compile(
    r"\s+at (?P<function>[\w.<>`|+\[\],]+(?:\[[^\]]*\])?\([^)]*\))(?: in (?P<file>.+):line (?P<line>\d+))?\s*$"
)
_MONO = re.compile(r"\s+at (?P<function>[\w.<>`|+\[\],]+ \([^)]*\)) \[0x[0-9a-f]+\] in (?P<file>.+?):(?P<line>\d+)\s*$")
# Mono names an inner error on the line of the outer one.
_INLINE_INNER = re.compile(r"^(?P<outer>.*?) ---> (?P<inner>[A-Za-z_][\w.`+]*: .*)$")
_JS = re.compile(
    r"\s+at (?:async )?(?:(?P<function>[^()]+?) \()?(?P<file>(?:file://)?[^()\s][^()]*?|<anonymous>)"
    r"(?::(?P<line>\d+):(?P<column>\d+))?\)?(?: \{)?\s*$"
)
_MORE = re.compile(r"\s*\.\.\. \d+ (?:more|common frames omitted)")
_END_OF_INNER = re.compile(r"\s*--- End of ")

_HEAD = re.compile(
    r"\s*(?P<link>Caused by: |Suppressed: |\[cause\]: | ?---> (?:\(Inner Exception #\d+\) )?)?"
    r'(?:Uncaught |Unhandled exception\. |Unhandled Exception: |Exception in thread "[^"]*" )?'
    r"(?P<error>[A-Za-z_$][\w.$`+]*)(?: \[\w+\])?(?:: ?(?P<message>.*))?$"
)
_INTRODUCED = re.compile(
    r'\s*(?:Caused by: |\[cause\]: | ?---> |Uncaught |Unhandled [Ee]xception|Exception in thread ")'
)
_NAMED = re.compile(r"(?:Error|Exception|Throwable|Failure|Panic)\d*$|\.[A-Z]\w+$|^[A-Za-z]+(?:Error|Exception)")

_JVM_LIBRARY = re.compile(
    r"(?:java|javax|jdk|sun|com\.sun|jakarta|kotlin|kotlinx|scala|groovy|org\.(?:junit|gradle|apache|springframework|codehaus"
    r"|hibernate|slf4j|testng|mockito))\."
)
_JS_LIBRARY = re.compile(r"node_modules/|node:|^internal/|^<anonymous>$|^native$")
_DOTNET_LIBRARY = re.compile(r"(?:System|Microsoft|Xunit|NUnit)\.")


@dataclass(frozen=True)
class _Language:
    pattern: re.Pattern[str]
    own: Callable[[re.Match[str]], bool]

    def frame(self, line: str, on: int) -> Frame | None:
        match = self.pattern.match(line)
        if match is None:
            return None
        parts = match.groupdict()
        file = parts["file"]
        unknown = file in {"Native Method", "Unknown Source"} or (file or "").startswith("<")
        known = None if unknown else file
        function = (parts["function"] or "").strip()
        return Frame(
            function=function,
            file=known,
            line=number(parts["line"]),
            column=number(parts.get("column")),
            own=self.own(match),
            on=on,
        )


# In this order: a call of the Java virtual machine also looks like one of JavaScript.
_LANGUAGES = {
    "Java": _Language(_JVM, lambda match: not _JVM_LIBRARY.match(match["function"])),
    "Mono": _Language(
        _MONO, lambda match: not match["file"].startswith("<") and not _DOTNET_LIBRARY.match(match["function"])
    ),
    ".NET": _Language(
        _DOTNET, lambda match: match["file"] is not None and not _DOTNET_LIBRARY.match(match["function"])
    ),
    "JavaScript": _Language(_JS, lambda match: not _JS_LIBRARY.search(match["file"])),
}


@dataclass(kw_only=True)
class _Part:
    """One error of a chain while it is being read."""

    error: str
    message: str
    first: int
    inner: bool
    frames: list[Frame]


def trace(lines: Sequence[str], start: int) -> StackTrace | None:
    """Returns the trace whose error is named on line `start`; its calls may follow after a message of several lines."""
    if not _names_error(lines[start]):
        return None
    calls = next(
        (at for at in range(start + 1, min(start + 1 + _LONGEST_MESSAGE, len(lines))) if _is_end(lines[at])), None
    )
    if calls is None or (not _AT.match(lines[calls]) and not _names_inner(lines[calls])):
        return None
    first_call = next((at for at in range(calls, min(calls + 40, len(lines))) if _AT.match(lines[at])), None)
    name = _language(lines[first_call]) if first_call is not None else None
    if name is None:
        return None
    parts, last = _parts(lines, start, _LANGUAGES[name])
    if not any(part.frames for part in parts):
        return None
    return _chained(_language_name(name, parts), parts, last)


def _parts(lines: Sequence[str], start: int, language: _Language) -> tuple[list[_Part], int]:
    inline = _INLINE_INNER.match(lines[start])
    parts = [_part(inline["outer"] if inline else lines[start], start, inner=False)]
    if inline:
        parts.append(_part(inline["inner"], start, inner=True))
    last = at = start
    quiet = 0  # lines since the last that belonged to the trace
    for at in range(start + 1, len(lines)):
        line = lines[at]
        frame = language.frame(line, at) if _AT.match(line) else None
        if frame:
            _owner(parts, line).frames.append(frame)
        elif _names_inner(line):
            parts.append(_part(line, at, inner=True))
        elif _END_OF_INNER.match(line):
            _ended(parts)
        elif not _MORE.match(line):
            quiet += 1
            if quiet > (_LONGEST_MESSAGE if not parts[-1].frames else 0):
                break
            continue
        last, quiet = at, 0
    return parts, last


def _owner(parts: list[_Part], line: str) -> _Part:
    """Returns the error that a call belongs to: the latest.

    .NET prints the calls of inner errors first and marks where they end.
    """
    return next((part for part in reversed(parts) if part.inner), parts[0])


def _ended(parts: list[_Part]) -> None:
    for part in reversed(parts):
        if part.inner:
            part.inner = False
            return


def _part(line: str, at: int, *, inner: bool) -> _Part:
    head = _HEAD.match(line)
    error, message = (head["error"], head["message"] or "") if head else (line.strip(), "")
    return _Part(error=error, message=message.removesuffix(" {"), first=at, inner=inner, frames=[])


def _language_name(language: str, parts: Sequence[_Part]) -> str:
    if language == "Java" and any(
        (frame.file or "").endswith(".kt") for part in parts for frame in part.frames if frame.own
    ):
        return "Kotlin"
    if language == "JavaScript" and any(
        (frame.file or "").endswith((".ts", ".tsx")) for part in parts for frame in part.frames if frame.own
    ):
        return "TypeScript"
    return ".NET" if language == "Mono" else language


def _chained(language: str, parts: Sequence[_Part], last: int) -> StackTrace:
    cause: StackTrace | None = None
    ends = [part.first - 1 for part in parts[1:]] + [last]
    for part, end in reversed(list(zip(parts, ends, strict=True))):
        whole = last if part is parts[0] else end
        cause = StackTrace(
            language=language,
            error=part.error,
            message=part.message,
            frames=tuple(part.frames),
            first=part.first,
            last=whole,
            caused_by=cause,
        )
    assert cause is not None
    return cause


def _language(line: str) -> str | None:
    return next((name for name, language in _LANGUAGES.items() if language.pattern.match(line)), None)


def _names_error(line: str) -> bool:
    head = _HEAD.match(line)
    if head is None or head["link"]:
        return False
    return bool(_INTRODUCED.match(line) or _NAMED.search(head["error"]))


def _names_inner(line: str) -> bool:
    head = _HEAD.match(line)
    return head is not None and bool(head["link"]) and not line.lstrip().startswith("Suppressed")


def _is_end(line: str) -> bool:
    """Returns whether the message has ended: with a call, or with another error."""
    return bool(_AT.match(line)) or _names_error(line) or _names_inner(line)
