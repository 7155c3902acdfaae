"""Stack traces as the languages really write them (`samples/`), alone and among other lines."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.insight.stacktraces import StackTrace
from cadence.domain.insight.stacktraces.recognising import find

SAMPLES = Path(__file__).parent / "samples"

# Sample → language, the errors from the last to the first, where to look: file, line and function.
EXPECTED = {
    "python-chained": (
        "Python",
        ["RuntimeError: cannot add up the orders", "ValueError: invalid literal for int() with base 10: 'n/a'"],
        ("/src/build.py", 6, "<genexpr>"),
    ),
    "python-syntax": ("Python", ["SyntaxError: invalid syntax"], ("/src/syn.py", 1, "")),
    "python-group": ("Python", ["ExceptionGroup: shards failed (2 sub-exceptions)"], ("/src/grp.py", 10, "main")),
    "compose": ("Python", ["KeyError: 'PORT'"], ("/src/app.py", 4, "<module>")),
    "pytest": ("Python", ["AssertionError: assert 5 == 6"], ("tests/test_orders.py", 5, "check")),
    "pytest-short": ("Python", ["AssertionError: assert 5 == 6"], ("tests/test_orders.py", 5, "check")),
    "pytest-nested": ("Python", ["KeyError: 'amount'"], ("orders.py", 5, "amount")),
    "pytest-library": (
        "Python",
        ["json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"],
        ("orders.py", 5, "amount"),
    ),
    "pytest-import": (
        "Python",
        ["ModuleNotFoundError: No module named 'not_installed'"],
        ("tests/test_missing.py", 1, "<module>"),
    ),
    "node": (
        "JavaScript",
        ["Error: configuration cannot be read", "Error: ENOENT: no such file or directory, open 'missing.json'"],
        ("/src/app.js", 3, "load"),
    ),
    "node-typeerror": (
        "JavaScript",
        ["TypeError: Cannot read properties of undefined (reading 'price')"],
        ("/src/sync.js", 1, "price"),
    ),
    "node-assert": (
        "JavaScript",
        ["AssertionError: Expected values to be strictly equal:"],
        ("/src/test.js", 2, "Object.<anonymous>"),
    ),
    "typescript": ("TypeScript", ["RangeError: no amount: n/a"], ("/src/orders.ts", 3, "amount")),
    "java": (
        "Java",
        ["java.lang.RuntimeException: cannot load a", "java.lang.IllegalStateException: no such key: a"],
        ("Build.java", 3, "Build$Store.read"),
    ),
    "kotlin": (
        "Kotlin",
        ['java.lang.NumberFormatException: For input string: "n/a"'],
        ("Orders.kt", 3, "OrdersKt.total"),
    ),
    "dotnet": (
        ".NET",
        [
            "System.ApplicationException: cannot add up the orders",
            "System.FormatException: The input string 'n/a' was not in a correct format.",
        ],
        ("/src/Program.cs", 8, "Orders.Program.Total(String[] rows)"),
    ),
    "go": (
        "Go",
        ["panic: runtime error: index out of range [3] with length 3"],
        ("/src/gp/main.go", 7, "main.(*order).last"),
    ),
    "go-nil": (
        "Go",
        ["panic: runtime error: invalid memory address or nil pointer dereference"],
        ("/src/gp2.go", 5, "main.find"),
    ),
    "rust": (
        "Rust",
        ["panic in thread main: an amount: ParseIntError { kind: InvalidDigit }"],
        ("r.rs", 1, ""),
    ),
    "rust-backtrace": (
        "Rust",
        ["panic in thread main: an amount: ParseIntError { kind: InvalidDigit }"],
        ("./r.rs", 1, "r::parse"),
    ),
    "asan": ("C/C++", ["AddressSanitizer: heap-buffer-overflow"], ("/src/c.c", 3, "last")),
    "ubsan": (
        "C/C++",
        ["UndefinedBehaviorSanitizer: signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'"],
        ("/src/add.c", 3, ""),
    ),
    "gdb": ("C/C++", ["SIGSEGV: Segmentation fault"], ("s.c", 2, "deref")),
    "ruby": ("Ruby", ['ArgumentError: invalid value for Integer(): "n/a"'], ("/src/orders.rb", 3, "Integer")),
    "php": ("PHP", ["InvalidArgumentException: no amount: n/a"], ("/src/orders.php", 4, "")),
    "ruby-rescued": (
        "Ruby",
        ["RuntimeError: cannot add up", 'ArgumentError: invalid value for Integer(): "n/a"'],
        ("/src/orders.rb", 2, "Integer"),
    ),
    "php-next": (
        "PHP",
        ["RuntimeException: cannot add up", "InvalidArgumentException: no amount: n/a"],
        ("/src/orders.php", 4, ""),
    ),
    "mono": (
        ".NET",
        [
            "System.InvalidOperationException: cannot add up",
            "System.FormatException: Input string was not in a correct format.",
        ],
        ("/src/Orders.cs", 3, "Orders.Amount (System.String row)"),
    ),
}


def sample(name: str) -> list[str]:
    return (SAMPLES / f"{name}.txt").read_text().splitlines()


def chain(trace: StackTrace) -> list[str]:
    return [f"{one.error}: {one.message}" for one in trace.chain]


def test_every_sample_is_expected() -> None:
    assert sorted(path.stem for path in SAMPLES.iterdir()) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_trace_names_its_errors_and_where_to_look(name: str) -> None:
    lines = sample(name)
    language, errors, place = EXPECTED[name]
    first, *others = find(lines)
    assert (first.language, chain(first)) == (language, errors)
    assert bool(others) == (name == "python-group")
    assert first.place is not None
    assert (first.place.file, first.place.line, first.place.function) == place
    assert str(first.place.line) in lines[first.place.on]  # linked to the line that says so
    assert all(frame.on in range(first.first, first.last + 1) for one in first.chain for frame in one.frames)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_trace_is_found_among_other_lines_in_the_same_place(name: str) -> None:
    lines = sample(name)
    noise = ["compiling 12 files", "", "at last: done", "error: none of your business", "#0 is the first"]
    alone, within = find(lines)[0], find([*noise, *lines, *noise])[0]
    assert chain(within) == chain(alone)
    assert (within.first, within.last) == (alone.first + len(noise), alone.last + len(noise))
    assert alone.place and within.place
    assert within.place.on == alone.place.on + len(noise)


def test_each_exception_of_a_group_is_told() -> None:
    assert [chain(trace)[0] for trace in find(sample("python-group"))][1:] == [
        "PermissionError: [Errno 1] no such shard",
        "FileNotFoundError: [Errno 2] no such shard",
    ]


def test_libraries_are_told_from_ones_own_code() -> None:
    (trace,) = find(sample("kotlin"))
    assert [frame.own for frame in trace.frames] == [False, False, True, True, True]
    (trace,) = find(sample("typescript"))
    assert [frame.own for frame in trace.frames] == [True, True, False, False]


@pytest.mark.parametrize(
    "line",
    [
        "error: could not compile `r` due to 1 previous error",
        "Traceback (most recent call last):",
        "panic: at the disco",
        "ValueError: said in passing",
        "    at the end of the day",
        "#0 0x1 in nowhere",
    ],
)
def test_what_only_looks_like_one_is_none(line: str) -> None:
    assert find(["before", line, "after"]) == []


_PIECES = sorted({line for name in EXPECTED for line in sample(name)})


@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=30)), max_size=40))
def test_any_mixture_of_lines_is_read_without_overlap(lines: list[str]) -> None:
    traces = find(lines)
    for trace in traces:
        assert 0 <= trace.first <= trace.last < len(lines)
    assert all(before.last < after.first for before, after in pairwise(traces))


@pytest.mark.parametrize("line", ["\tat " + "a." * 60_000, "    at " + "(" * 60_000, "x: " * 40_000, "| " * 60_000])
def test_long_lines_take_no_longer_than_their_beginning(line: str) -> None:
    assert find(["java.lang.Error: x", line] * 50) in ([], find(["java.lang.Error: x", line[:2_000]] * 50))


def test_errors_of_ruby_on_line_after_line_are_no_endless_chain() -> None:
    found = find(["app.rb:1:in `x': message (E)"] * 3000)

    assert [trace.first for trace in found[:2]] == [0, found[0].last + 1]
    assert found[-1].last == 2999
