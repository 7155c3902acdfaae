"""A secret is hidden in every form, wherever it stands, and nothing else is touched."""

import base64
import json
import socket
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from runner_bootstrap.agent.logs.buffer import LogBuffer
from runner_bootstrap.agent.logs.line_reader import LOGGED_AT_ONCE, LineReader
from runner_bootstrap.agent.logs.masking import MASK, LineMasker, Masker
from tests.unit.agent.logs.log_blocks import lines_of_spans

secrets = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=8, max_size=40)
words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)

FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 after one byte": lambda secret: base64.b64encode(b"x" + secret.encode() + b"y").decode(),
    "base64 after two bytes": lambda secret: base64.b64encode(b"user:pw:" + secret.encode() + b"yz").decode(),
    "base64, URL alphabet": lambda secret: base64.urlsafe_b64encode(b"u:" + secret.encode()).decode(),
    "URL": lambda secret: urllib.parse.quote(secret, safe=""),
    "URL, slashes kept": lambda secret: urllib.parse.quote(secret),
    "form": urllib.parse.quote_plus,
    "JSON": lambda secret: json.dumps({"key": secret}),
    "JSON, not ASCII only": lambda secret: json.dumps([secret], ensure_ascii=False),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "shell trace": lambda secret: "+ echo '" + secret.replace("'", "'\\''") + "'",
}


@pytest.mark.parametrize("form", FORMS)
@given(secret=secrets, before=words, after=words)
@example(secret="quo\"te\\s/and'more", before="", after="")
@example(secret="päss wörd+/=%&", before="a", after="b")
def test_every_form_is_masked(form: str, secret: str, before: str, after: str) -> None:
    written = FORMS[form](secret)
    masked = Masker([secret]).mask(f"{before} {written} {after}")
    assert MASK in masked
    assert secret not in masked
    if "base64" in form:
        # Only the characters beside the secret's may stay, and they are not enough for any of its bytes.
        core = base64.b64encode(b"\0\0\0" + secret.encode() + b"\0\0\0").decode()
        assert core[4:12] not in masked
    else:
        assert written.strip('"[]{}') not in masked


@given(secret=secrets, line=words)
def test_other_text_stays(secret: str, line: str) -> None:
    masker = Masker([secret])
    shown = masker.mask(line)
    assume(MASK not in line)
    assert shown == line or MASK in shown
    if not any(secret[start : start + 4] in line for start in range(len(secret) - 3)) and len(line.strip()) < 8:
        assert shown == line


@given(st.lists(secrets, min_size=2, max_size=5))
def test_overlapping_secrets_are_all_hidden(several: list[str]) -> None:
    chained = [*several, several[0] + several[1], several[0][2:] + several[1][:4]]
    masked = Masker(chained).mask(" ".join([several[0] + several[1], *several]))
    assert not any(secret in masked for secret in chained)


@given(lines=st.lists(st.text("abcdefghijklmnop", min_size=4, max_size=12), min_size=2, max_size=6))
def test_each_line_of_a_secret_of_several_lines_is_hidden(lines: list[str]) -> None:
    masker = LineMasker(Masker(["\n".join(lines) + "\n"]))
    shown = [masked for line in lines for masked in masker.feed(f"> {line}")] + masker.flush()
    assert shown == [f"> {MASK}"] * len(lines)


@pytest.mark.parametrize("width", [20, 57, 76])
@given(
    secret=st.binary(min_size=60, max_size=200).map(lambda content: base64.b85encode(content).decode()),
    shift=st.integers(0, 40),
)
def test_a_wrapped_form_is_hidden_line_by_line(width: int, secret: str, shift: int) -> None:
    written = base64.b64encode(b"z" * shift + secret.encode()).decode()
    lines = [written[start : start + width] for start in range(0, len(written), width)]
    masker = Masker([secret])
    shown = "".join(masker.mask(line) for line in lines)
    start = -(-shift * 8 // 6)
    core = written[start : (shift + len(secret)) * 8 // 6]
    # At most the few characters of a line's piece that is too short to be told from chance stay.
    assert not any(core[at : at + 10] in shown for at in range(len(core) - 10))


def test_a_secret_of_very_short_lines_is_hidden_as_a_whole() -> None:
    masker = LineMasker(Masker(["ab\ncd\nef"]))
    lines = ["x", "ab", "cd", "ab", "cd", "ef", "y ab", "cd", "ef z", "ab"]
    shown = [masked for line in lines for masked in masker.feed(line)] + masker.flush()
    assert shown == ["x", "ab", "cd", MASK, f"y {MASK} z", "ab"]


def test_short_secrets_are_masked_as_they_stand_and_counted() -> None:
    masker = Masker(["abc", "", "z"])
    assert masker.too_short == 2
    assert masker.mask("abcd y") == f"{MASK}d y"


def test_a_preview_of_bytes_is_masked_and_otherwise_untouched() -> None:
    masker = Masker(["s3cr3t-value"])
    content = b"\xff\x00\xfe s3cr3t-value \x80"
    assert masker.mask_bytes(content) == b"\xff\x00\xfe *** \x80"


@given(
    hidden=st.lists(st.one_of(secrets, st.sampled_from(["abc", "line one of it\nline two of it"])), max_size=3),
    pieces=st.lists(st.one_of(words, secrets, st.integers(0, 9), st.just("\n")), max_size=12),
)
def test_lines_together_are_masked_like_each_by_itself(hidden: list[str], pieces: list[Any]) -> None:
    """Also pieces of a secret that a wrapped line leaves: numbers stand for halves of the first one."""
    whole = hidden[0] if hidden else "nothing is hidden here"
    halves = (whole[:9], whole[-9:], whole[3:12], whole)
    text = "".join(halves[piece % 4] if isinstance(piece, int) else piece for piece in pieces)
    masker = Masker(hidden)
    assert masker.mask_lines(text.split("\n")) == [masker.mask(line) for line in text.split("\n")]


@given(st.lists(st.binary(max_size=12).map(lambda part: part.replace(b"\n", b"")), min_size=1, max_size=30))
def test_lines_together_are_read_like_each_by_itself(lines: list[bytes]) -> None:
    read = read_lines([b"".join(line + b"\n" for line in lines)])
    assert [line["text"] for line in read] == [line.decode("utf-8", "replace").rstrip("\r") for line in lines]
    assert [line["seq"] for line in read] == list(range(1, len(lines) + 1))


def read_lines(parts: list[bytes], *hidden: str) -> list[dict[str, Any]]:
    buffer = LogBuffer(0.01, True, Masker(hidden))
    # Each part is one packet, so one read.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reader = LineReader(ours.detach(), "stdout", buffer)
    reader.start()
    with theirs:
        for part in parts:
            if part:
                theirs.sendall(part)
    reader.join()
    buffer.flush()
    lines = []
    while block := buffer.next_block():
        lines += lines_of_spans(block.first, block.spans, block.packed)
        buffer.accept(block.last)
    return lines


@given(secret=secrets, cuts=st.lists(st.integers(0, 60), max_size=6))
def test_a_secret_split_over_reads_is_masked(secret: str, cuts: list[int]) -> None:
    content = f"one {secret} two\nthree {secret}".encode()
    places = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    lines = read_lines([content[start:end] for start, end in zip(places, places[1:])], secret)
    assert [line["text"] for line in lines] == [f"one {MASK} two", f"three {MASK}"]


@given(st.integers(-20, 60), st.sampled_from(["s3cr3t-value", "päßwörd-長い秘密"]))
def test_a_secret_in_a_line_without_end_is_masked(offset: int, secret: str) -> None:
    """Such a line is cut where it gets too long, at some distance from its last byte; the cut divides no secret."""
    packet = 65536
    tail = "-" * 2000
    start = LOGGED_AT_ONCE + packet - Masker([secret]).reach - offset
    filler = "é" * (start // 2) + "-" * (start % 2)
    content = (filler + secret + tail + "\n").encode()
    lines = read_lines([content[start : start + packet] for start in range(0, len(content), packet)], secret)
    assert "".join(line["text"] for line in lines) == filler + MASK + tail
    assert [line.get("continued", False) for line in lines] == [True] * (len(lines) - 1) + [False]
    assert max(len(line["text"].encode()) for line in lines) <= packet


def test_secrets_that_are_renewed_are_masked_from_then_on_and_the_last_ones_stay_masked() -> None:
    masker = Masker(["first-secret"])
    renewed = [f"renewed-secret-{number}" for number in range(3)]
    assert masker.mask(renewed[0]) == renewed[0]
    for secret in renewed:
        masker.add(secret)
    assert [masker.mask(f"a {secret} b") for secret in ("first-secret", *renewed)] == [f"a {MASK} b"] * 4
