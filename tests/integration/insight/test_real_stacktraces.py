"""Stack traces as the programs of this machine write them today; what is not installed is left out."""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from cadence.domain.insight.stacktraces.recognising import find

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
RUBY = """\
def amount(row) = Integer(row)
begin
  amount("n/a")
rescue ArgumentError
  raise "cannot add up"
end
"""
PHP = """\
<?php
function amount(string $row): int { return is_numeric($row) ? (int) $row : throw new DomainException($row); }
try { amount("n/a"); } catch (DomainException $error) { throw new RuntimeException("cannot add up", 0, $error); }
"""
CSHARP = """\
using System;
class Orders {
    static int Amount(string row) { return int.Parse(row); }
    static void Main() {
        try { Amount("n/a"); } catch (FormatException error) { throw new InvalidOperationException("no sum", error); }
    }
}
"""
KOTLIN = """\
fun amount(row: String) = row.toInt()
fun main() { println(amount("12") + amount("n/a")) }
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
        ("Ruby", "amount.rb", RUBY, "ruby", (), "ArgumentError", "Integer", 1),
        (
            "PHP",
            "amount.php",
            PHP,
            "php",
            ("-d", "display_errors=stderr", "-d", "log_errors=0"),
            "DomainException",
            "",
            2,
        ),
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


@pytest.mark.parametrize(
    ("language", "file", "source", "build", "run", "error", "function", "line"),
    [
        (
            ".NET", "Orders.cs", CSHARP, ("mcs", "-debug", "-out:Orders.exe"), ("mono", "--debug", "Orders.exe"),
            "System.FormatException", "Orders.Amount (System.String row)", 3,
        ),
        (
            "Kotlin", "Orders.kt", KOTLIN, ("kotlinc", "-include-runtime", "-d", "Orders.jar"), ("java", "-jar", "Orders.jar"),
            "java.lang.NumberFormatException", "OrdersKt.amount", 1,
        ),
    ],
)  # fmt: skip
def test_the_trace_of_what_is_compiled_for_a_machine_of_its_own_leads_to_the_line(
    language: str,
    file: str,
    source: str,
    build: tuple[str, ...],
    run: tuple[str, ...],
    error: str,
    function: str,
    line: int,
    tmp_path: Path,
) -> None:
    (tmp_path / file).write_text(source)
    compiler, interpreter = program(build[0]), program(run[0])
    output([compiler, *build[1:], file], tmp_path)
    if not (tmp_path / run[-1]).exists():
        pytest.skip(f"{build[0]} builds nothing here")
    assert_found(output([interpreter, *run[1:]], tmp_path), language, error, file, function, line)


def assert_found(lines: list[str], language: str, error: str, file: str, function: str, line: int) -> None:
    (trace,) = find(lines)
    assert trace.language == language
    assert trace.root.error == error
    assert trace.place is not None, lines
    assert trace.place.file is not None
    assert Path(trace.place.file).name == file
    assert (trace.place.function, trace.place.line) == (function, line)
