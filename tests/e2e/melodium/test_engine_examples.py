"""The engine's own examples and tests that concern a control plane, from a copy of its repository.

`CADENCE_MELODIUM_SOURCE` names the copy, a checkout or a bare repository (github.com/melodium-tech/melodium); without
it they are skipped. The programs are those of 0.10: they are run with the version under test, with its secrets and with
the stack's address. docs/melodium-contract.md (§9) has the outcomes.
"""

import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from cadence.local.shared.ports import first_free
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.e2e.engine import (
    BINARY,
    HAS_SECRETS,
    VERSION,
    Engine,
    Ids,
    detailed,
    is_listening,
    needs_engine,
    reaches_workers,
    secret,
)
from tests.e2e.melodium.test_melodium_workers import a_request, workers_of
from tests.programs import WITHOUT_BUBBLEWRAP, bubblewrap
from tests.waiting import eventually

SOURCE = os.environ.get("CADENCE_MELODIUM_SOURCE")
SECONDS = 240
GREETING = {"response": "Hello World!", "ps": "Thanks for contacting me :D"}

pytestmark = [
    pytest.mark.engine,
    needs_engine,
    reaches_workers,
    pytest.mark.skipif(not SOURCE, reason="CADENCE_MELODIUM_SOURCE names no copy of the engine's repository"),
]


# What the engine's own documentation names is what 0.11.0 does.
ends_a_stream_once = pytest.mark.skipif(not HAS_SECRETS, reason="0.10.2 passes an empty last piece to these programs")


@dataclass(frozen=True)
class Source:
    """The programs of the engine's repository, as the engine under test and the stack need them."""

    folder: Path
    engine: Engine

    @contextmanager
    def running(self, program: str, ids: Ids, cwd: Path, *words: str) -> "Iterator[subprocess.Popen[str]]":
        """A program under way, which reports; it is ended with the block, if it has not by itself."""
        argv = [str(BINARY), "run", "--api-report", *detailed(), str(self.folder / program), *words]
        with (cwd / "output").open("w") as output:
            process = subprocess.Popen(
                argv, cwd=cwd, env=self.engine.environment(ids), stdout=output, stderr=subprocess.STDOUT, text=True
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(SECONDS)
            finally:
                process.kill()
                process.wait()

    def with_port(self, program: str, written: int, port: int) -> str:
        """Gives a program another port than the one that is written in it; returns the program."""
        file = self.folder / program
        file.write_text(file.read_text().replace(f"port={written}", f"port={port}"))
        return program

    def run(self, program: str, ids: Ids, cwd: Path, *words: str) -> str:
        """Runs a program to its end; returns what it wrote."""
        with self.running(program, ids, cwd, *words) as process:
            status = process.wait(SECONDS)
        written = (cwd / "output").read_text()
        assert status == 0 and "Failed to" not in written, written
        return written


def today(text: str, url: str) -> str:
    """A program of 0.10 as one of the version under test, which reports to `url`."""
    text = re.sub(r"\b0\.10\.[12]\b", VERSION, text).replace("https://api.melodium.tech/0.1", url)
    if not HAS_SECRETS:
        return text
    text = re.sub(r"\b((?:api_token|remote_key|self_key):\s*)string\b", r"\1Secret<string>", text)
    text = text.replace("|wrap<string>(api_token)", "|wrap<Secret<string>>(api_token)")
    if "string_map::|entry" in text:  # it has no generics, which is an error since 0.11.0
        text = text.replace("|entry<string>(", "|entry(")
    arch = "use work/resources/arch::"  # that of a service is an option since 0.11.0
    return text.replace(f"{arch}|amd64", f"{arch}|amd64\n{arch}Arch").replace("|amd64(),", "|wrap<Arch>(|amd64()),")


@pytest.fixture(scope="module")
def source(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Source:
    return prepared(Engine(f"{stack.url}/0.1", stack.token), tmp_path_factory.mktemp("source"))


def prepared(engine: Engine, folder: Path) -> Source:
    words = ["git", "-C", str(SOURCE), "archive", "HEAD", "examples", "tests"]
    with tarfile.open(fileobj=io.BytesIO(subprocess.run(words, capture_output=True, check=True).stdout)) as archive:
        archive.extractall(folder, filter="data")
    for file in (*folder.rglob("*.mel"), *folder.rglob("Compo.toml")):
        file.write_text(today(file.read_text(), engine.url))
    shutil.copytree(folder / "examples/06_distributed_work", folder / "examples/06_mended")
    main = folder / "examples/06_mended/main.mel"
    main.write_text(f"use root/worker::process\n{main.read_text()}")
    return Source(folder, engine)


def the_worker(api: Api, parent: str) -> str:
    """The one worker that this run asked for; it has succeeded."""
    (worker,) = workers_of(api, parent)
    run = api.finished(worker)
    assert run["state"] == "succeeded", run["cause"]
    return worker


def keys_and_port(source: Source, ids: Ids, folder: Path) -> tuple[str, list[str]]:
    """A worker for a program that is to be given one: its run, and the parameters of the program."""
    key = str(uuid.uuid4())
    worker = source.engine.post("execution/run/start", a_request(key, ids.group, memory=200))["ok"]
    found = source.engine.access(worker)["started"]
    keys = ["--remote_key", secret(found["key"], folder), "--self_key", secret(key, folder)]
    return worker, ["--distrib_port", str(found["port"]), *keys]


@ends_a_stream_once
@pytest.mark.parametrize(
    ("example", "sent", "answer"),
    [
        ("06_mended", "hello world", "[WORKER] hello world"),
        ("13_distributed_text_processing", "hello world from melodium", "HELLO WORLD FROM MELODIUM"),
    ],
    ids=["06-mended", "13"],
)
def test_a_server_lets_a_worker_answer(
    source: Source, api: Api, tmp_path: Path, example: str, sent: str, answer: str
) -> None:
    ids, port = Ids(), first_free()
    words = ("--api_token", secret(source.engine.token, tmp_path), "--port", str(port))
    with source.running(f"examples/{example}/Compo.toml", ids, tmp_path, *words) as process:
        eventually(lambda: is_listening(port) or process.poll() is not None, SECONDS)
        for _ in range(2):
            told = requests.post(f"http://127.0.0.1:{port}/process", data=sent.encode(), timeout=SECONDS)
            assert (told.status_code, told.text) == (200, answer)
    the_worker(api, ids.run)


def test_what_an_example_forgets_to_use_reaches_no_worker(source: Source, api: Api, tmp_path: Path) -> None:
    """As it is written, 06 does not use its worker's treatment, so the engine has not loaded it: its own fault."""
    ids = Ids()
    words = ("--api_token", secret(source.engine.token, tmp_path), "--port", str(first_free()))
    with source.running("examples/06_distributed_work/Compo.toml", ids, tmp_path, *words):
        written = tmp_path / "output"
        eventually(lambda: "error: distrib: distribution engine failed" in written.read_text(), SECONDS)
        assert "error: distrib: No treatment found" in written.read_text()
    (worker,) = workers_of(api, ids.run)
    run = api.finished(worker)
    assert (run["state"], run["cause"]) == (
        "failed",
        "worker failed: the worker could not start to work: No load provided",
    )


@pytest.mark.skipif(not bubblewrap(), reason=WITHOUT_BUBBLEWRAP)
def test_a_pipeline_of_steps_fails_as_its_commands_do(source: Source, api: Api, tmp_path: Path) -> None:
    """16: its commands are made for a shell but run without one, and its service needs a container engine."""
    ids = Ids()
    words = ("--api_token", secret(source.engine.token, tmp_path), "--repo_url", "https://example.invalid/x.git")
    written = source.run("examples/16_ci_pipeline/Compo.toml", ids, tmp_path, *words)
    for line in (
        "error: build: Commands failed (non-zero exit)",
        "error: build: build stage failed",
        "error: test: worker lost: the service container postgres needs a container engine, which this machine has none of",
        "error: test: test stage failed",
        "error: ci: pipeline aborted — skipping package stage",
    ):
        assert line in written
    assert api.finished(ids.run)["state"] == "failed"
    assert len(workers_of(api, ids.run)) == 3


@ends_a_stream_once
def test_a_file_is_counted_by_a_worker(source: Source, api: Api, tmp_path: Path) -> None:
    ids, given, answer = Ids(), tmp_path / "data.txt", tmp_path / "counts.txt"
    given.write_text("three words here")
    words = ("--api_token", secret(source.engine.token, tmp_path), "--input", str(given), "--output", str(answer))
    written = source.run("examples/14_cloud_worker_pipeline/Compo.toml", ids, tmp_path, *words)
    assert "info: cloud: pipeline complete" in written
    assert answer.read_text() == "3", written
    the_worker(api, ids.run)


@pytest.mark.parametrize("test", ["process_distributed", "process_distributed_slow", "process_distributed_logs_live"])
def test_a_worker_echoes_however_long_it_takes(source: Source, api: Api, tmp_path: Path, test: str) -> None:
    ids = Ids()
    worker, words = keys_and_port(source, ids, tmp_path)
    source.run(f"tests/{test}.mel", ids, tmp_path, *words)
    assert (tmp_path / "ok.log").read_text() == "ok"
    assert (tmp_path / "reply.log").read_text() == "Pingouin"
    assert api.finished(worker)["state"] == "succeeded"


def test_what_a_worker_streams_is_complete(source: Source, api: Api, tmp_path: Path) -> None:
    ids = Ids()
    worker, words = keys_and_port(source, ids, tmp_path)
    source.run("tests/stop_before_data_drained.mel", ids, tmp_path, *words)
    assert (tmp_path / "received.bin").read_bytes() == bytes(8 * 1024 * 1024)
    assert api.finished(worker)["state"] == "succeeded"


def test_a_server_lets_a_given_worker_answer(source: Source, api: Api, tmp_path: Path) -> None:
    ids, port = Ids(), first_free()
    worker, words = keys_and_port(source, ids, tmp_path)
    program = source.with_port("tests/http_distributed.mel", 28015, port)
    with source.running(program, ids, tmp_path, *words) as process:
        assert answer_of(port, process) == GREETING
    assert api.finished(worker)["state"] == "succeeded"


@pytest.mark.skipif(not HAS_SECRETS, reason="engines before 0.11.0 end without a report when they are interrupted")
def test_a_server_answers(source: Source, api: Api, tmp_path: Path) -> None:
    ids, port = Ids(), first_free()
    program = source.with_port("tests/http_javascript.mel", 62333, port)
    with source.running(program, ids, tmp_path) as process:
        assert answer_of(port, process) == GREETING
    assert api.finished(ids.run)["state"] == "cancelled"  # by the signal that ends it


def answer_of(port: int, process: "subprocess.Popen[str]") -> object:
    eventually(lambda: is_listening(port) or process.poll() is not None, SECONDS)
    return requests.post(f"http://127.0.0.1:{port}/hello", data=b'"World"', timeout=SECONDS).json()


@pytest.mark.parametrize(
    ("test", "words", "file", "content"),
    [
        # `count` begins at 1 since 0.11.0.
        ("complex_call", ("--output", "count"), "count", (876 if HAS_SECRETS else 875).to_bytes(16, "big")),
        ("generics", (), "something.txt", b"Okey !"),
        ("regex", ("--file", "number", "--text", "a û 0123456 % "), "number", b"0123456"),
        ("process", (), "replaced.txt", b"This is bar!"),
    ],
    ids=["complex_call", "generics", "regex", "process"],
)
def test_a_program_reports(
    source: Source, api: Api, tmp_path: Path, test: str, words: tuple[str, ...], file: str, content: bytes
) -> None:
    ids = Ids()
    source.run(f"tests/{test}.mel", ids, tmp_path, *words)
    assert (tmp_path / file).read_bytes() == content
    assert api.finished(ids.run)["state"] == "succeeded"


@pytest.mark.skipif(not HAS_SECRETS, reason="0.10.2 takes longer than four minutes for these values on a busy machine")
def test_a_program_reports_many_values(source: Source, api: Api, tmp_path: Path) -> None:
    ids = Ids()
    source.run("tests/fs.mel", ids, tmp_path)
    assert (tmp_path / "fs_try.data").stat().st_size == 128_000 * 16
    assert api.finished(ids.run)["state"] == "succeeded"


@pytest.mark.parametrize("test", ["distribution_engine_never_started", "distribution_engine_stop_without_start"])
def test_a_program_ends_without_its_worker(source: Source, api: Api, tmp_path: Path, test: str) -> None:
    ids = Ids()
    source.run(f"tests/{test}.mel", ids, tmp_path)
    assert api.finished(ids.run)["state"] == "succeeded"


def test_lines_are_kept_in_order(source: Source, api: Api, tmp_path: Path) -> None:
    ids = Ids()
    source.run("tests/logs_live_flush.mel", ids, tmp_path)
    api.finished(ids.run)
    texts = eventually(lambda: [line["text"] for line in api.get(f"/v1/runs/{ids.run}/logs?limit=1000")["lines"]][-2:])
    assert texts == ["first-line-written", "second-line-written"]
