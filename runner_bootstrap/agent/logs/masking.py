"""Masks secrets in text, in every form in which a command is likely to print them."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections import deque
from collections.abc import Iterable

MASK = "***"
# A shorter secret is masked only in its plain form: its encoded forms would match by chance everywhere.
SHORTEST = 4
# A secret wrapped over lines is recognised by pieces of at least this many characters.
SHORTEST_PIECE = 8
# Secrets that are renewed while a command runs: older ones have expired.
MOST_ADDED = 4
_BASE64_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")

_JSON_OF_GO = str.maketrans({"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"})

Span = tuple[int, int]


class Masker:
    """Masks single lines (or any text). Any thread may use it, also while a secret is added."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = list(secrets)
        self._added: deque[str] = deque(maxlen=MOST_ADDED)
        self._prepare(self._secrets)

    def add(self, secret: str) -> None:
        """Masks a further secret from now on. Of those that were added, the last few are remembered."""
        self._added.append(secret)
        self._prepare([*self._secrets, *self._added])

    def _prepare(self, secrets: Iterable[str]) -> None:
        plain: set[str] = set()
        encoded: set[str] = set()
        whole: set[str] = set()
        too_short = 0
        for secret in secrets:
            secret = secret.replace("\r\n", "\n")
            core = secret.strip()
            if len(core) < SHORTEST:
                if secret:
                    whole.add(secret)
                    too_short += 1
                continue
            lines = [line.strip() for line in secret.split("\n")]
            plain.update(line for line in lines if len(line) >= SHORTEST)
            for line in {core, *(line for line in lines if len(line) >= SHORTEST)}:
                plain.update(_escaped(line))
            encoded.update(_base64_forms(core))
            if any(0 < len(line) < SHORTEST for line in lines):
                whole.add(core)
        self.too_short = too_short
        # Longest first, so that a secret within another one is part of what is already masked.
        self._plain = sorted(plain, key=len, reverse=True)
        self._encoded = sorted(encoded, key=len, reverse=True)
        self._whole = sorted(whole, key=len, reverse=True)
        self._pieces = [form for form in self._plain + self._encoded if len(form) > SHORTEST_PIECE]
        # Each line with something to mask holds one of the first, or begins with one of the second, spaces aside.
        ends = {end for form in self._pieces for end in (form[:SHORTEST_PIECE], form[-SHORTEST_PIECE:])}
        short = {form for form in self._plain + self._encoded if len(form) <= SHORTEST_PIECE}
        self._suspicious = sorted(ends | short | {form for form in self._whole if "\n" not in form})
        self._starts = frozenset(
            form[at : at + SHORTEST_PIECE] for form in self._pieces for at in range(len(form) - SHORTEST_PIECE + 1)
        )
        self.several_lines = [form for form in self._whole if "\n" in form]
        #: No match is longer than this.
        self.reach = max((len(form) for form in self._plain + self._encoded + self._whole), default=0) + 2

    def mask(self, text: str) -> str:
        """Returns ``text`` with every secret replaced by ``***``."""
        spans = self._spans(text)
        return _replace(text, spans) if spans else text

    def mask_lines(self, lines: list[str]) -> list[str]:
        """Returns each line as `mask` does, in a time that hardly depends on their number if they hold no secret.

        A secret of several very short lines is the business of `LineMasker`.
        """
        if not self._suspicious:
            return lines
        together = "\n".join(lines)
        found = [part for part in self._suspicious if part in together]
        starts = [line.lstrip()[:SHORTEST_PIECE] for line in lines] if self._starts else []
        wrapped = not self._starts.isdisjoint(starts)
        if not found and not wrapped:
            return lines
        return [
            self.mask(line)
            if any(part in line for part in found) or (wrapped and starts[number] in self._starts)
            else line
            for number, line in enumerate(lines)
        ]

    def mask_start(self, text: str) -> tuple[str, str]:
        """Masks the start of a text whose end is still to come; returns the masked start and the untouched rest."""
        spans = self._spans(text)
        # Four more, so that a character with missing bytes (at most three have come) stays in the rest.
        cut = max(0, len(text) - self.reach - 4)
        for start, end in _united(spans):
            if start < cut < end:
                cut = start
        return _replace(text[:cut], [span for span in spans if span[1] <= cut]), text[cut:]

    def mask_bytes(self, content: bytes) -> bytes:
        """Masks bytes that need not be UTF-8."""
        return self.mask(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _spans(self, text: str) -> list[Span]:
        spans: list[Span] = []
        for form in self._plain:
            if form in text:
                spans += _occurrences(form, text)
        for form in self._whole:
            if form in text:
                spans += _occurrences(form, text)
        for form in self._encoded:
            if form in text:
                spans += [_with_shared_characters(span, text) for span in _occurrences(form, text)]
        if self._pieces:
            spans += self._wrapped(text)
        return spans

    def _wrapped(self, text: str) -> list[Span]:
        """Finds pieces of a secret that a line wrap left at the start or the end of the line, or as the whole line."""
        spans: list[Span] = []
        content = text.strip()
        start = text.find(content) if content else 0
        end = start + len(content)
        for form in self._pieces:
            if SHORTEST_PIECE <= len(content) < len(form) and content in form:
                return [(start, end)]
            head, tail = form[:SHORTEST_PIECE], form[-SHORTEST_PIECE:]
            at = content.find(head, max(0, len(content) - len(form) + 1))
            while at >= 0:
                if form.startswith(content[at:]):
                    spans.append((start + at, end))
                    break
                at = content.find(head, at + 1)
            at = content.rfind(tail, 0, len(form))
            while at >= 0:
                if form.endswith(content[: at + SHORTEST_PIECE]):
                    spans.append((start, start + at + SHORTEST_PIECE))
                    break
                at = content.rfind(tail, 0, at + SHORTEST_PIECE - 1)
        return spans


class LineMasker:
    """Masks a sequence of lines; holds a line back only while it may start a secret of several very short lines."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held: list[str] = []

    def feed(self, line: str) -> list[str]:
        """Returns the masked lines that are complete after ``line`` (without its line end)."""
        if not self._masker.several_lines:
            return [self._masker.mask(line)]
        text = "\n".join([*self._held, line])
        for form in self._masker.several_lines:
            text = text.replace(form, MASK)
        start = self._possible_start(text + "\n")
        if start is None:
            self._held = []
            return [self._masker.mask(masked_line) for masked_line in text.split("\n")]
        ready = text.split("\n")
        first_held = text.count("\n", 0, start)
        self._held = ready[first_held:]
        return [self._masker.mask(masked_line) for masked_line in ready[:first_held]]

    def flush(self) -> list[str]:
        """Returns the lines that were held back, at the end of the sequence."""
        held, self._held = self._held, []
        return [self._masker.mask(line) for line in held]

    def _possible_start(self, text: str) -> int | None:
        starts = []
        for form in self._masker.several_lines:
            for length in range(min(len(form) - 1, len(text)), 0, -1):
                if text.endswith(form[:length]):
                    starts.append(len(text) - length)
                    break
        return min(starts) if starts else None


def _escaped(secret: str) -> set[str]:
    """Returns the secret itself and its JSON, URL, HTML, Python, shell and hexadecimal forms."""
    forms = {secret, repr(secret)[1:-1], ascii(secret)[1:-1], *_in_shells(secret), *_in_markup(secret)}
    for ascii_only in (True, False):
        inner = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        forms |= {inner, inner.replace("/", "\\/"), json.dumps(inner)[1:-1], inner.translate(_JSON_OF_GO)}
    content = secret.encode("utf-8", "surrogatepass")
    for safe in ("", "/", "!'()*", "!'()*/"):
        quoted = urllib.parse.quote(content, safe=safe)
        for form in (quoted, quoted.replace("%20", "+")):
            forms |= {form, re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), form)}
    forms |= {content.hex(), content.hex().upper()}
    return forms


def _in_shells(secret: str) -> set[str]:
    """Returns what `set -x`, `printf %q`, `declare -p` and Python's `shlex.quote` print, without the outer quotes."""
    quoted = {secret.replace("'", "'\\''"), secret.replace("'", "'\"'\"'")}
    double = re.sub(r'([\\"$`])', r"\\\1", secret)
    ansi = secret.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    plain = re.sub(r"""([ \t"'\\|&;()<>!{}*\[\]?^$`,]|^[#~]|(?<=[:=])~)""", r"\\\1", secret)
    return quoted | {double, ansi, plain}


def _in_markup(secret: str) -> set[str]:
    """Returns the forms of the secret in XML and HTML."""
    text = html.escape(secret, quote=False)
    attribute = text.replace('"', "&quot;")
    numbered = text.replace('"', "&#34;")
    return {text, attribute, numbered.replace("'", "&#39;")} | {
        attribute.replace("'", form) for form in ("&#x27;", "&#39;", "&apos;")
    }


def _base64_forms(secret: str) -> set[str]:
    """Returns the characters that depend on the secret alone, for each position within groups of three bytes."""
    content = secret.encode("utf-8", "surrogatepass")
    forms = set()
    for offset in range(3):
        standard = base64.b64encode(b"\0" * offset + content)
        start = -(-offset * 8 // 6)
        end = (offset + len(content)) * 8 // 6
        form = standard[start:end].decode()
        forms |= {form, form.replace("+", "-").replace("/", "_")}
    return forms


def _with_shared_characters(span: Span, text: str) -> Span:
    """Extends a span by the neighbours that encode some of the secret's bits together with others', and by padding."""
    start, end = span
    if start and text[start - 1] in _BASE64_CHARACTERS:
        start -= 1
    if end < len(text) and text[end] in _BASE64_CHARACTERS:
        end += 1
    while end < len(text) and text[end] == "=":
        end += 1
    return start, end


def _occurrences(form: str, text: str) -> list[Span]:
    spans = []
    at = text.find(form)
    while at >= 0:
        spans.append((at, at + len(form)))
        at = text.find(form, at + 1)
    return spans


def _united(spans: list[Span]) -> list[Span]:
    united: list[Span] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united


def _replace(text: str, spans: list[Span]) -> str:
    parts = []
    position = 0
    for start, end in _united(spans):
        parts += [text[position:start], MASK]
        position = end
    return "".join([*parts, text[position:]])
