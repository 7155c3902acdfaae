"""Ports with a path: restored before the command, captured after it."""

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.values.archives import PACKED_AT
from tests.waiting import eventually

from .conftest import PATIENCE, Start, Work
from .fake_gateway import FakeGateway, Runner

MIB = 1 << 20


def port(name: str, path: str, flow: str = "stream", type_: str = "byte") -> dict[str, Any]:
    return {"port": name, "flow": flow, "type": type_, "path": path}


def tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def member(name: str, type_: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.uid = type_, link, mode, 4711
    return info


def feed(gateway: FakeGateway, runner: Runner, name: str, content: bytes, chunk: int = MIB) -> None:
    stream = gateway.new_stream()
    stream.put_all(content, chunk)
    runner.inputs[name] = [stream]


def test_a_tree_goes_from_one_treatment_to_another(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    make = gateway.add_runner(
        "mkdir -p dist/b/empty dist/a; echo 1 > dist/b/x; echo 2 > dist/a/y; chmod 755 dist/b/x; chmod 600 dist/a/y\n"
        "ln -s ../b/x dist/a/link; head -c 20000000 /dev/zero > dist/large; umask 0; mkdir -p 'dist/ö y'",
        outputs=[port("tree", "dist/")],
    )
    work(make, sandbox)
    take = gateway.add_runner(
        'cd src/got; find . | sort; cat a/link; stat -c "%a %n" a/y b/x; wc -c < large; echo "$CADENCE_IN_tree"',
        2,
        inputs=[port("tree", "src/got/")],
    )
    gateway.connect(make, "tree", take, "tree")
    work(take, sandbox)
    lines = take.text()
    assert lines[:9] == [".", "./a", "./a/link", "./a/y", "./b", "./b/empty", "./b/x", "./large", "./ö y"]
    assert lines[9:13] == ["1", "600 a/y", "755 b/x", "20000000"]
    assert lines[13].endswith("/work/src/got")


def test_the_files_of_a_commit_are_the_working_directory(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner(
        "find . | sort; ./tool; cat docs/note; echo made > made",
        inputs=[{**port("source-tree", "./", "block"), "fed": True}, port("note", "docs/note", "block")],
    )
    content = tar(
        (member("docs", tarfile.DIRTYPE, mode=0o755), b""),
        (member("docs/note"), b"from the commit"),
        (member("tool", mode=0o755), b"#!/bin/sh\necho ran\n"),
    )
    feed(gateway, runner, "source-tree", content)
    feed(gateway, runner, "note", b"from an input\n")
    done = work(runner, sandbox)
    assert (done["outcome"], done["error"]) == ("succeeded", None)
    assert runner.text() == [".", "./docs", "./docs/note", "./tool", "ran", "from an input"]


def test_equal_content_gives_equal_bytes(gateway: FakeGateway, work: Work) -> None:
    digests = []
    for number, order in ((1, "a b c"), (2, "c a b")):
        runner = gateway.add_runner(
            f"mkdir d; for x in {order}; do echo $x > d/$x; touch -d '2001-01-0{number}' d/$x; done; ln d/a d/z; "
            + ("rm d/z; cp d/a d/z" if number == 2 else ":"),
            number,
            outputs=[port("d", "d/")],
        )
        work(runner)
        digests.append(hashlib.sha256(runner.outputs["d"].content).hexdigest())
    assert digests[0] == digests[1]


def test_a_glob_is_packed_relative_to_where_it_begins_to_vary(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        "mkdir -p dist/sub; touch dist/b.whl dist/a.whl dist/c.txt dist/sub/d.whl",
        outputs=[port("flat", "dist/*.whl", "block"), port("deep", "dist/**/*.whl")],
    )
    work(runner)
    found = {}
    for name, stream in runner.outputs.items():
        with tarfile.open(fileobj=io.BytesIO(stream.content)) as archive:
            found[name] = [(each.name, each.mtime, each.uid, each.uname) for each in archive]
    assert found["flat"] == [("a.whl", PACKED_AT, 0, ""), ("b.whl", PACKED_AT, 0, "")]
    assert [each[0] for each in found["deep"]] == ["a.whl", "b.whl", "sub/d.whl"]


def test_a_file_goes_as_it_is_and_is_checked(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        "mkdir out; printf '1\\n2\\n' > out/counts; printf 'x' > out/raw",
        outputs=[port("counts", "out/counts", "stream", "u8"), port("raw", "out/raw", "block")],
    )
    work(runner)
    assert runner.outputs["counts"].content == b"1\n2\n"
    assert runner.outputs["raw"].content == b"x"
    wrong = gateway.add_runner("printf '1\\n-2\\n' > f", 2, outputs=[port("counts", "f", "stream", "u8")])
    assert work(wrong)["error"] == 'output counts, line 2: "-2" is not a u8'


@pytest.mark.parametrize(
    ("command", "path", "error"),
    [
        ("touch a b", "c", "c is no file in the working directory {work}; there is a, b"),
        ("true", "dist/", "dist/ is no directory in the working directory {work}; there is nothing"),
        ("touch x{1,2,3,4,5,6,7,8,9,a,b,c}", "*.whl",
         "*.whl matches nothing in the working directory {work}; there is x1, x2, x3, x4, x5, x6, x7, x8, x9, xa and 2 more"),
        ("ln -s /etc/passwd f", "f", "f is outside of the working directory in the working directory {work}; there is f"),
        ("ln -s /etc d", "d/", "d/ is outside of the working directory in the working directory {work}; there is d"),
        ("ln -s /etc d", "d/host*", "d/host* matches nothing in the working directory {work}; there is d"),
    ],
)  # fmt: skip
def test_what_is_not_there_fails_the_treatment(
    gateway: FakeGateway, work: Work, command: str, path: str, error: str
) -> None:
    runner = gateway.add_runner(f"pwd; {command}", shell="bash -e", outputs=[port("o", path)])
    done = work(runner)
    assert (done["outcome"], done["error"]) == ("failed", "output o: " + error.format(work=runner.text()[0]))


def test_a_link_out_of_what_is_captured_fails_the_treatment(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("mkdir d; ln -s /etc/passwd d/p", outputs=[port("o", "d/")])
    done = work(runner)
    assert done["outcome"] == "failed"
    assert done["error"] == "p is a link to /etc/passwd, out of what is packed: it could not be restored"
    assert runner.outputs["o"].end is None


@pytest.mark.parametrize("compression", ["", ":gz", ":xz"])
def test_an_archive_of_any_program_is_unpacked(gateway: FakeGateway, work: Work, compression: str) -> None:
    runner = gateway.add_runner("cat src/x/y; stat -c %a src/x/y", inputs=[port("i", "src/")])
    content = tar(
        (member("./x", tarfile.DIRTYPE, mode=0), b""), (member("./x/y", mode=0o4777), b"in\n"), mode=f"w{compression}"
    )
    feed(gateway, runner, "i", content, 100)
    work(runner)
    assert runner.text() == ["in", "755"]


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([(member("/abs"), b"x")], "'/abs' would leave the directory"),
        ([(member("../up"), b"x")], "'../up' would leave the directory"),
        ([(member("a/../../up"), b"x")], "'a/../../up' would leave the directory"),
        ([(member("l", tarfile.SYMTYPE, "/etc"), b"")], "'l' is a link to '/etc', out of the directory"),
        ([(member("a/l", tarfile.SYMTYPE, "../../x"), b"")], "'a/l' is a link to '../../x', out of the directory"),
        ([(member("h", tarfile.LNKTYPE, "../script"), b"")],
         "'h' is a link to '../script', which is no file of the archive before it"),
        ([(member("h", tarfile.LNKTYPE, "missing"), b"")],
         "'h' is a link to 'missing', which is no file of the archive before it"),
        ([(member("d", tarfile.CHRTYPE), b"")], "'d' is neither a file, a directory nor a link"),
        ([(member("f", tarfile.FIFOTYPE), b"")], "'f' is neither a file, a directory nor a link"),
        ([(member("l", tarfile.SYMTYPE, "p/q/../.."), b""), (member("p", tarfile.SYMTYPE, "."), b""),
          (member("q", tarfile.DIRTYPE), b""), (member("l/evil"), b"x")],
         "'l/evil' would be written through a link out of the directory"),
    ],
)  # fmt: skip
def test_an_archive_cannot_leave_its_directory(
    gateway: FakeGateway, work: Work, members: list[tuple[tarfile.TarInfo, bytes]], problem: str
) -> None:
    runner = gateway.add_runner("echo ran", inputs=[port("i", "src/")])
    feed(gateway, runner, "i", tar(*members))
    done = work(runner)
    assert (done["outcome"], done["error"]) == ("failed", f"input i is refused: its member {problem}")
    assert runner.text() == []


def test_a_member_replaces_a_link_and_does_not_follow_it(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("cat src/a src/l; test -L src/l || echo plain", inputs=[port("i", "src/")])
    feed(
        gateway,
        runner,
        "i",
        tar((member("a"), b"old\n"), (member("l", tarfile.SYMTYPE, "a"), b""), (member("l"), b"new\n")),
    )
    work(runner)
    assert runner.text() == ["old", "new", "plain"]


@pytest.mark.parametrize("path", ["../x", "/tmp/x", "a/../../x", "l/x"])
def test_an_input_is_restored_in_the_working_directory_only(gateway: FakeGateway, work: Work, path: str) -> None:
    runner = gateway.add_runner("echo ran", inputs=[port("first", "./"), port("i", path)])
    feed(gateway, runner, "first", tar((member("deep/l", tarfile.SYMTYPE, "../.."), b"")))
    feed(gateway, runner, "i", b"x")
    done = work(runner)
    assert done["outcome"] == "failed"
    assert runner.text() == []


def test_no_archive(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("echo ran", inputs=[port("i", "src/")])
    feed(gateway, runner, "i", b"no archive at all" * 1000)
    done = work(runner)
    assert done["outcome"] == "failed"
    assert done["error"].startswith("input i is no whole tar archive")


def test_a_producer_that_fails_while_its_archive_is_unpacked(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("echo ran", inputs=[port("i", "src/")])
    stream = gateway.new_stream()
    stream.put_all(tar((member("a"), bytes(MIB)))[:MIB], end=False)
    runner.inputs["i"] = [stream]
    start(runner)
    eventually(lambda: stream.fetched[0])
    stream.state = "failed"
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert (runner.completed["outcome"], runner.completed["error"]) == ("cancelled", "input i: its producer failed")


def test_two_captured_streams_do_not_wait_for_each_other(gateway: FakeGateway, start: Start, tmp_path: Path) -> None:
    """The first one's consumer has not begun to read; the second one's needs all of it at once."""
    runner = gateway.add_runner(
        "mkdir a b; head -c 200000000 /dev/zero > a/x; head -c 1000000 /dev/zero > b/x",
        outputs=[port("a", "a/"), port("b", "b/")],
    )
    runner.outputs["a"].consumer_next = 0
    start(runner)
    eventually(lambda: runner.outputs["b"].end)
    assert not runner.done.is_set()
    runner.outputs["a"].consumer_next = None
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["outcome"] == "succeeded"


def test_a_wheel_can_be_made_of_a_captured_tree(gateway: FakeGateway, work: Work) -> None:
    make = gateway.add_runner("mkdir src; echo 1 > src/module.py", outputs=[port("tree", "src/")])
    work(make)
    take = gateway.add_runner(
        "python3 -c \"import zipfile; zipfile.ZipFile('w.whl', 'w').write('src/module.py')\"",
        2,
        inputs=[port("tree", "src/")],
    )
    gateway.connect(make, "tree", take, "tree")
    assert work(take)["outcome"] == "succeeded", take.text("stderr")
