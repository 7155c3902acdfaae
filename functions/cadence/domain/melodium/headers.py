"""Reads the headers of treatments in Mélodium source text, which is possible without an engine."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a file that cannot be read; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class ProgramParameter:
    """A parameter of a treatment: its type in Mélodium's syntax, and the text of its default (None: it has none)."""

    name: str
    type: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredPort:
    """A port of a treatment; `type` is `Block<…>` or `Stream<…>`."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentHeader:
    """The header of a treatment.

    `models` and `generics` are those that another treatment has to give it: an entrypoint has neither.
    """

    name: str
    line: int
    column: int
    documentation: str = ""
    parameters: tuple[ProgramParameter, ...] = ()
    inputs: tuple[DeclaredPort, ...] = ()
    outputs: tuple[DeclaredPort, ...] = ()
    models: tuple[str, ...] = ()
    generics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


_TOKENS = re.compile(
    r"(?P<doc>/\*\*.*?\*/)|(?P<comment>//[^\n]*|/\*.*?\*/|\#\[[^\]\n]*\])|(?P<space>\s+)"
    r'|(?P<string>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)+\')|(?P<word>[A-Za-z0-9_.]+)|(?P<sign>.)',
    re.DOTALL,
)
_OPENING, _CLOSING = "([{<", ")]}>"


def treatments(file: str, text: str) -> tuple[dict[str, TreatmentHeader], tuple[Fault, ...]]:
    """Returns the headers of a file's treatments by name, and the parts that cannot be read."""
    reader = _Reader(file, text)
    headers: dict[str, TreatmentHeader] = {}
    faults = []
    while (start := reader.next_treatment()) is not None:
        try:
            header = reader.header(start)
            headers[header.name] = header
        except _Unreadable as error:
            faults.append(reader.fault(error.at, error.message))
    return headers, tuple(faults)


class _Unreadable(Exception):
    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at, self.message = at, message


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self._file, self._text = file, text
        self._tokens = list(_tokens(text))
        self._at = 0

    def fault(self, at: int, message: str) -> Fault:
        """Returns a fault at an offset of the text."""
        return Fault(self._file, *_position(self._text, at), message)

    def next_treatment(self) -> str | None:
        """Moves behind the next word `treatment` outside of any body; returns the documentation before it."""
        depth, documentation = 0, ""
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.kind == "doc":
                documentation = token.text
                continue
            if token.text == "treatment" and token.kind == "word" and depth == 0:
                return documentation
            if token.kind == "sign":
                depth += (token.text == "{") - (token.text == "}")
            documentation = ""
        return None

    def header(self, documentation: str) -> TreatmentHeader:
        """Reads the header after the word `treatment`. Raises _Unreadable."""
        name = self._word("the name of a treatment")
        generics = tuple(part[0].text for part in self._list("<", ">") if part)
        models = tuple(part[0].text for part in self._list("[", "]") if part)
        parameters = tuple(self._parameter(part) for part in self._list("(", ")", needed=True))
        ports: dict[str, list[DeclaredPort]] = {"input": [], "output": []}
        while (token := self._take("{ or a port")).text != "{":
            if token.text in ports:
                ports[token.text].append(self._port())
            elif token.text == "model":
                self._word("the name of a model")
                self._expect(":")
                self._word("a model")
                self._list("(", ")", needed=True)
            elif token.text == "require":
                self._take("@")
                self._word("a context")
            else:
                raise _Unreadable(token.at, f"{token.text!r} is neither a model, a port nor the beginning of the body")
        self._at -= 1
        line, column = _position(self._text, name.at)
        return TreatmentHeader(
            name=name.text,
            line=line,
            column=column,
            documentation=_documentation_text(documentation),
            parameters=parameters,
            inputs=tuple(ports["input"]),
            outputs=tuple(ports["output"]),
            models=models,
            generics=generics,
        )

    def _parameter(self, tokens: list[_Token]) -> ProgramParameter:
        words = list(tokens)
        if words and words[0].text in ("const", "var"):
            words.pop(0)
        if len(words) < 3 or words[1].text != ":":
            at = tokens[0].at if tokens else self._here()
            raise _Unreadable(at, "a parameter is written as name: type, or name: type = default")
        equals = next((index for index, token in enumerate(words) if token.text == "="), None)
        type_ = _joined(words[2:equals])
        default = None
        if equals is not None and equals + 1 < len(words):
            default = self._text[words[equals + 1].at : words[-1].at + len(words[-1].text)]
        return ProgramParameter(words[0].text, type_, default)

    def _port(self) -> DeclaredPort:
        name = self._word("the name of a port")
        self._expect(":")
        flow = self._word("Block or Stream")
        if flow.text not in ("Block", "Stream"):
            raise _Unreadable(flow.at, f"a port is a Block or a Stream, not {flow.text!r}")
        parts = self._list("<", ">", needed=True)
        return DeclaredPort(name.text, f"{flow.text}<{','.join(_joined(part) for part in parts)}>")

    def _list(self, opening: str, closing: str, *, needed: bool = False) -> list[list[_Token]]:
        """Returns the tokens between brackets, split at the commas."""
        if self._at >= len(self._tokens) or self._tokens[self._at].text != opening:
            if needed:
                raise _Unreadable(self._here(), f"{opening} is missing")
            return []
        self._at += 1
        parts: list[list[_Token]] = [[]]
        depth = 0
        while True:
            token = self._take(closing)
            if token.kind == "sign" and depth == 0 and token.text == closing:
                return [part for part in parts if part]
            if token.kind == "sign":
                depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if token.text == "," and depth == 0:
                parts.append([])
            else:
                parts[-1].append(token)

    def _word(self, expected: str) -> _Token:
        token = self._take(expected)
        if token.kind != "word":
            raise _Unreadable(token.at, f"{token.text!r} is there instead of {expected}")
        return token

    def _expect(self, sign: str) -> None:
        token = self._take(sign)
        if token.text != sign:
            raise _Unreadable(token.at, f"{token.text!r} is there instead of {sign!r}")

    def _take(self, expected: str) -> _Token:
        while self._at < len(self._tokens) and self._tokens[self._at].kind == "doc":
            self._at += 1
        if self._at >= len(self._tokens):
            raise _Unreadable(len(self._text), f"the file ends before {expected}")
        self._at += 1
        return self._tokens[self._at - 1]

    def _here(self) -> int:
        return self._tokens[self._at].at if self._at < len(self._tokens) else len(self._text)


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKENS.finditer(text):
        kind = match.lastgroup or "sign"
        if kind not in ("space", "comment"):
            yield _Token(kind, match[0], match.start())


def _joined(tokens: list[_Token]) -> str:
    return "".join(token.text for token in tokens)


def _documentation_text(documentation: str) -> str:
    return documentation.removeprefix("/**").removesuffix("*/").strip()


def _position(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
