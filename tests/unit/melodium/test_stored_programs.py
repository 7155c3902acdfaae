"""Programs without an engine: what is taken for one, what is refused, and what can be read of it."""

import bz2
import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.melodium.archive import files_in
from cadence.domain.melodium.headers import treatments
from cadence.domain.melodium.stored_program import MOST_BYTES, decoded, facts_of, program_of
from cadence.domain.shared.errors import InvalidRequest
from tests.e2e.engine import PROGRAMS

COUNTING = {path.name: path.read_bytes() for path in (PROGRAMS / "counting").iterdir()}


def tar(files: dict[str, bytes], **said: object) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in said.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        tar(COUNTING),
        gzip.compress(tar(COUNTING), mtime=0),
        bz2.compress(tar({f"project/.melodium-ci/{name}": content for name, content in COUNTING.items()})),
        b"#!/usr/bin/env melodium\n#! version 0\n" + bz2.compress(tar(COUNTING)),
    ],
    ids=["tar", "gzip", "in a folder", "jeu"],
)
def test_however_it_is_packed_it_is_the_same_program(content: bytes) -> None:
    program = program_of(files_in(content))
    assert program == program_of(COUNTING)
    assert decoded(program.encoded()) == program


def test_entrypoints_are_read_with_their_types() -> None:
    facts = facts_of(program_of(COUNTING))
    assert (facts.name, facts.version, facts.faults) == ("counting", "0.1.0", ())
    main, tally = facts.entrypoints["main"], facts.entrypoints["tally"]
    assert main.header and tally.header
    assert [(one.name, one.type, one.default) for one in main.header.parameters] == [
        ("greeting", "string", '"hello"'),
        ("times", "u64", None),
    ]
    assert main.header.documentation == "Says hello, and is done."
    assert tally.treatment == "counting/words::tally"
    assert [(one.name, one.type) for one in tally.header.outputs] == [
        ("words", "Stream<string>"),
        ("counts", "Stream<u128>"),
        ("limit", "Block<u64>"),
        ("ended", "Block<void>"),
    ]


def test_a_script_names_itself() -> None:
    facts = facts_of(program_of({"wrong_type.mel": (PROGRAMS / "stale" / "wrong_type.mel").read_bytes()}))
    assert (facts.name, list(facts.entrypoints)) == ("stale", ["main"])
    header = facts.entrypoints["main"].header
    assert header is not None
    assert (header.line, header.column) == (10, 11)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (tar({"../out.mel": b""}), "leads out of the program"),
        (tar({"/etc/x.mel": b""}), "leads out of the program"),
        (tar({"x.mel": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link or device"),
        (tar({"x.mel": b""}, type=tarfile.LNKTYPE, linkname="y"), "is a link or device"),
        (tar({"x": b""}, type=tarfile.CHRTYPE), "is a link or device"),
        (gzip.compress(bytes(50 * MOST_BYTES), mtime=0), "unpacks to more than"),
        (bz2.compress(bytes(50 * MOST_BYTES)), "unpacks to more than"),
        (b"\x1f\x8bno archive", "damaged"),
        (tar({"a.mel": b"", "b.mel": b""}), "needs a Compo.toml"),
        (tar({"Compo.toml": b"", "big": bytes(MOST_BYTES + 1)}), "bytes together"),
        (tar({"Compo.toml": b"", **{f"{number}.mel": b"" for number in range(600)}}), "has 601 files"),
        (b"\xff\xfe", "text in UTF-8"),
    ],
    ids=["above", "absolute", "link", "hard link", "device", "gzip bomb", "bzip2 bomb", "damaged", "no compo", "large",
         "many", "not text"],
)  # fmt: skip
def test_what_is_no_program_is_refused_with_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        program_of(files_in(content))


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("treatment main(x)\n{\n}", 1, 16, "name: type"),
        ("treatment main()\n  input a: Flow<u8>\n{\n}", 2, 12, "a Block or a Stream"),
        ("treatment main()\n  inputs a: Block<u8>\n{\n}", 2, 3, "neither a model, a port"),
        ("treatment main(", 1, 16, "ends before )"),
        ("// a comment\n\ntreatment (", 3, 11, "instead of the name of a treatment"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, line: int, column: int, message: str) -> None:
    _, (fault,) = treatments("a.mel", text)
    assert (fault.line, fault.column) == (line, column)
    assert message in fault.message


@given(st.text(alphabet='treatment main(){}[]<>:="\\/*,\n 1a', max_size=200))
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    treatments("a.mel", text)


def test_bodies_and_comments_are_not_taken_for_treatments(tmp_path: Path) -> None:
    text = '/* treatment no() {} */\ntreatment yes() { treatment: x(v="treatment also() {}") }\n#[autorun]\ntreatment two() {}\n'
    found, faults = treatments("a.mel", text)
    assert (list(found), faults) == (["yes", "two"], ())
