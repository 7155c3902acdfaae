"""Stack traces as the programs of this machine write them today; what is not installed is left out."""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from cadence.domain.stacktraces.recognising import find

PYTHON = """\
def total(rows):
    return sum(int(row) for row in rows)
try:
    total(["12", "n/a"])
except ValueError as error:
    raise RuntimeError("cannot add up") from error
"""
JAVASCRIPT = """\
function price(order) { return order.item.price; }
[{item: {price: 3}}, {}].map(price);
"""
JAVA = """\
public class Orders {
    static int amount(String row) { return Integer.parseInt(row); }
    public static void main(String[] args) { System.out.println(amount("12") + amount("n/a")); }
}
"""
RUST = """\
fn amount(row: &str) -> i64 { row.parse().expect("an amount") }
fn main() { println!("{}", amount("n/a")); }
"""
C = """\
#include <stdlib.h>
static int last(int *rows, int n) { return rows[n]; }
int main(void) { int *rows = malloc(12); return last(rows, 3); }
"""


def program(name: str) -> str:
    beside = shutil.which(name, path=sysconfig.get_path("scripts"))
    found = beside or shutil.which(name)
    if not found:
        pytest.skip(f"there is no {name} on this machine")
    return found


def output(argv: Sequence[str], folder: Path) -> list[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder), "RUST_BACKTRACE": "1"}
    for name in ("RUSTUP_HOME", "CARGO_HOME"):
        known = Path.home() / f".{name.partition('_')[0].lower()}"
        environment[name] = str(known)
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    ("language", "file", "source", "tool", "arguments", "error", "function", "line"),
    [
        ("Python", "total.py", PYTHON, sys.executable, (), "ValueError", "<genexpr>", 2),
        ("JavaScript", "price.js", JAVASCRIPT, "node", (), "TypeError", "price", 1),
        ("Java", "Orders.java", JAVA, "java", (), "java.lang.NumberFormatException", "Orders.amount", 2),
    ],
)
def test_an_interpreters_trace_leads_to_the_line(
    language: str,
    file: str,
    source: str,
    tool: str,
    arguments: tuple[str, ...],
    error: str,
    function: str,
    line: int,
    tmp_path: Path,
) -> None:
    (tmp_path / file).write_text(source)
    assert_found(output([program(tool), *arguments, file], tmp_path), language, error, file, function, line)


@pytest.mark.parametrize(
    ("language", "file", "source", "build", "error", "function", "line"),
    [
        ("Rust", "amount.rs", RUST, ("rustc", "-g", "-o", "program"), "panic in thread main", "amount::amount", 1),
        ("C/C++", "last.c", C, ("gcc", "-g", "-fsanitize=address", "-o", "program"), "AddressSanitizer", "last", 2),
    ],
)
def test_a_compiled_programs_trace_leads_to_the_line(
    language: str, file: str, source: str, build: tuple[str, ...], error: str, function: str, line: int, tmp_path: Path
) -> None:
    (tmp_path / file).write_text(source)
    output([program(build[0]), *build[1:], file], tmp_path)
    if not (tmp_path / "program").exists():
        pytest.skip(f"{build[0]} builds nothing here")
    assert_found(output([str(tmp_path / "program")], tmp_path), language, error, file, function, line)


def assert_found(lines: list[str], language: str, error: str, file: str, function: str, line: int) -> None:
    (trace,) = find(lines)
    assert trace.language == language
    assert trace.root.error == error
    assert trace.place is not None, lines
    assert trace.place.file is not None
    assert Path(trace.place.file).name == file
    assert (trace.place.function, trace.place.line) == (function, line)
