"""The examples: each valid, or wrong as it says; the real one is proven by running its scripts on a repository."""

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cadence.domain.pipelines.document import Code, Flow, Pipeline, bind_parameters, validate

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
WRONG = "ten-mistakes.yaml"


def example(name: str) -> Pipeline:
    checked = validate((EXAMPLES / name).read_bytes())
    assert {finding.code for finding in checked.findings} <= {Code.SECRETS_IN_PULL_REQUEST}  # a warning, and meant so
    assert checked.pipeline is not None
    return checked.pipeline


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.yaml") if path.name != WRONG))
def test_is_valid_and_named_after_its_file(name: str) -> None:
    assert example(name).name == name.removesuffix(".yaml")


def test_ten_mistakes_are_found_on_their_lines() -> None:
    checked = validate((EXAMPLES / WRONG).read_bytes())

    assert checked.pipeline is None
    assert [(finding.line, finding.code) for finding in checked.findings] == [
        (3, "bad-name"),
        (5, "unknown-key"),
        (7, "bad-default"),
        (14, "bad-type"),
        (15, "wrong-type"),
        (18, "input-not-fed"),
        (19, "reserved-variable"),
        (23, "cycle"),
        (24, "out-of-range"),
        (27, "type-mismatch"),
    ]


def test_the_real_example_has_a_byte_stream_a_string_stream_and_a_block_between_runners() -> None:
    pipeline = example("check-repository.yaml")
    carried = {
        str(pipeline.treatments[connection.source_treatment].outputs[connection.source_port].flow_type)
        for connection in pipeline.connections
    }

    assert carried == {"Stream<byte>", "Stream<string>", "Block<u64>"}
    assert pipeline.triggers.push is not None


@dataclass(frozen=True)
class Ended:
    exit_code: int
    log: str


class Laptop:
    """Runs a pipeline's treatments one after another, with files for blocks and FIFOs for streams."""

    def __init__(self, pipeline: Pipeline, folder: Path, event: Mapping[str, str], given: Mapping[str, str]) -> None:
        self._pipeline = pipeline
        self._folder = folder
        parameters = bind_parameters(pipeline, given)
        assert not parameters.findings
        self._variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        self._variables |= {f"CADENCE_EVENT_{name}": value for name, value in event.items()}
        self._variables |= {f"CADENCE_PARAM_{name}": _text(value) for name, value in parameters.values.items()}

    def run(self, name: str) -> Ended:
        treatment = self._pipeline.treatments[name]
        workspace = self._folder / name
        workspace.mkdir()
        (workspace / "script").write_text(treatment.body["run"], encoding="utf-8")
        variables = {**self._variables, "HOME": str(workspace), "TMPDIR": str(workspace)}
        with ThreadPoolExecutor() as movers:
            moves: list[Future[None]] = []
            for port in treatment.inputs.values():
                path = variables[f"CADENCE_IN_{port.name}"] = str(workspace / f"in-{port.name}")
                content = self.value(*self._source_of(name, port.name))
                if port.flow is Flow.STREAM:
                    os.mkfifo(path)
                    moves.append(movers.submit(_write, Path(path), content))
                else:
                    Path(path).write_bytes(content)
            for port in treatment.outputs.values():
                path = variables[f"CADENCE_OUT_{port.name}"] = str(workspace / f"out-{port.name}")
                if port.flow is Flow.STREAM:
                    os.mkfifo(path)
                    moves.append(movers.submit(_read, Path(path), self._kept(name, port.name)))
            process = subprocess.run(
                [*treatment.body.get("shell", "sh -e").split(), "script"],
                cwd=workspace,
                env=variables,
                capture_output=True,
                timeout=300,
            )
            _release([*workspace.glob("in-*"), *workspace.glob("out-*")])
            for move in moves:
                move.result()
        for port in treatment.outputs.values():
            output = workspace / f"out-{port.name}"
            if port.flow is Flow.BLOCK and output.is_file():
                output.rename(self._kept(name, port.name))
        return Ended(process.returncode, (process.stdout + process.stderr).decode())

    def value(self, treatment: str, port: str) -> bytes:
        return self._kept(treatment, port).read_bytes()

    def _kept(self, treatment: str, port: str) -> Path:
        return self._folder / f"{treatment}.{port}"

    def _source_of(self, treatment: str, port: str) -> tuple[str, str]:
        return next(
            (connection.source_treatment, connection.source_port)
            for connection in self._pipeline.connections
            if (connection.target_treatment, connection.target_port) == (treatment, port)
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _write(fifo: Path, content: bytes) -> None:
    with suppress(BrokenPipeError):  # a command need not read all it is given
        fifo.write_bytes(content)


def _read(fifo: Path, destination: Path) -> None:
    destination.write_bytes(fifo.read_bytes())


def _release(paths: list[Path]) -> None:
    """Opens each FIFO without waiting, so that a mover whose other end the command never opened comes free."""
    for path in paths:
        if path.is_fifo():
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "package").mkdir(parents=True)
    (root / "good.py").write_text(
        'def twice(n):\n    """\n    >>> twice(2)\n    4\n    >>> twice(0)\n    0\n    """\n    return 2 * n\n'
    )
    (root / "package" / "broken.py").write_text("def half(:\n    pass\n")
    (root / "package" / "wrong.py").write_text('"""\n>>> 1 + 1\n3\n"""\n')
    (root / "package" / "needs_more.py").write_text('import a_package_nobody_has\n"""\n>>> 1\n1\n"""\n')
    (root / "naïve name.json").write_text('{"a": 1,\n}')
    (root / "fine.json").write_text("{}")
    (root / "dangling.py").symlink_to("nowhere.py")
    return root


def commit(root: Path) -> dict[str, str]:
    """Commits everything; the event of the push."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "First"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    return {"REPOSITORY_URL": root.as_uri(), "COMMIT": head.stdout.strip(), "REF": "refs/heads/main"}


def run_all(laptop: Laptop) -> list[Ended]:
    return [laptop.run(name) for name in ("fetch", "lint", "test", "report")]


def test_check_repository_reports_what_is_wrong(tmp_path: Path, repository: Path) -> None:
    laptop = Laptop(example("check-repository.yaml"), tmp_path, commit(repository), {})

    ended = run_all(laptop)

    assert [end.exit_code for end in ended] == [0, 0, 0, 0], ended
    assert "First (A)" in ended[0].log
    assert laptop.value("lint", "problems") == b"2\n"
    lines = laptop.value("lint", "lines").decode().splitlines()
    assert [line.rsplit(": ", 1)[0] for line in lines[:-1]] == ["naïve name.json:2", "package/broken.py:1"]
    assert re.fullmatch(r"Read \d+ Python and JSON files: 2 with mistakes", lines[-1])
    assert laptop.value("test", "passed") == b"2\n"
    assert laptop.value("test", "lines").decode().splitlines() == [
        "passed good.py: 2",
        "failed package/wrong.py: 0",
        "2 doctest examples passed; modules not tried, as they need packages: 1",
    ]
    assert laptop.value("report", "summary").decode() == (
        "2 files with mistakes, 2 doctest examples passed, 1 modules with failures\n"
    )


def test_check_repository_finds_no_failing_doctest_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make run` shows it first; the Python that a runner has knows no package of this project."""
    monkeypatch.setenv("PATH", f"{sys.base_prefix}/bin", prepend=os.pathsep)
    with tarfile.open(tmp_path / "fetch.source", "w") as archive:
        archive.add(EXAMPLES.parent / "functions", "functions")
    laptop = Laptop(example("check-repository.yaml"), tmp_path, {}, {})

    assert laptop.run("test").exit_code == 0
    lines = laptop.value("test", "lines").decode().splitlines()
    assert [line for line in lines if line.startswith("failed")] == []
    assert int(laptop.value("test", "passed")) > 0


def test_check_repository_fails_if_it_is_to_be_strict(tmp_path: Path, repository: Path) -> None:
    laptop = Laptop(example("check-repository.yaml"), tmp_path, commit(repository), {"strict": "true"})

    ended = run_all(laptop)

    assert ended[-1].exit_code == 1
    assert "error: strict is set" in ended[-1].log


def test_check_repository_works_on_a_repository_with_nothing_to_check(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "README").write_text("nothing here")
    laptop = Laptop(example("check-repository.yaml"), tmp_path, commit(tmp_path / "repository"), {"strict": "true"})

    assert [end.exit_code for end in run_all(laptop)] == [0, 0, 0, 0]
    assert laptop.value("report", "summary").startswith(b"0 files with mistakes, 0 doctest")
    # Streams that nothing was written to would warn in a run that found nothing.
    assert laptop.value("lint", "lines") == b"Read 0 Python and JSON files: 0 with mistakes\n"
    assert laptop.value("test", "lines") == b"0 doctest examples passed\n"


def test_check_repository_says_that_it_needs_a_push(tmp_path: Path) -> None:
    ended = Laptop(example("check-repository.yaml"), tmp_path, {}, {}).run("fetch")

    assert ended.exit_code != 0
    assert "this pipeline is started by a push" in ended.log


def test_hello_greets(tmp_path: Path) -> None:
    laptop = Laptop(example("hello.yaml"), tmp_path, {}, {"name": "Ada"})

    assert laptop.run("greet") == Ended(0, "Hello, Ada!\n")
    assert laptop.value("greet", "greeting") == b"Hello, Ada!\n"


def test_failing_fails_with_a_reason(tmp_path: Path) -> None:
    ended = Laptop(example("failing.yaml"), tmp_path, {}, {}).run("check")

    assert ended.exit_code == 3
    assert "release-notes.md is missing or empty" in ended.log
