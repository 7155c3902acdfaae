"""More documents made to cost time or memory, told as in `hostile`: by what an attacker fills them with."""

from collections.abc import Callable

from tests.unit.pipelines.document.hostile import HEAD, Document, listed, many, treatment


def treatments(count: int, body: Callable[[int], str]) -> str:
    """The first begins on line 4, column 3."""
    return f"{HEAD}treatments:\n" + many(count, lambda n: f"  t{n}: {{{body(n)}}}\n")


def expressions(count: int, source: Callable[[int], str]) -> str:
    return treatments(count, lambda n: "run: x, env: {A: '${{ " + source(n) + " }}'}")


def waiting(count: int, after: Callable[[int], str]) -> str:
    return treatments(count, lambda n: f"run: x, after: [{after(n)}]")


def pairs(n: int) -> str:
    return "{" + listed(480, lambda k: f"{k % 10}:1") + f",7:{n}}}"


def inherited(n: int) -> str:
    return f"  d{n}: {{use: d{n + 1}, env: {{{listed(60, lambda k: f'A{n}_{k}: 1')}}}}}\n"


def deep(levels: int) -> str:
    return "[" * levels + "x" + "]" * levels


def generic_ports() -> str:
    inputs, outputs = listed(90, lambda n: f"i{n}: Stream<T>"), listed(90, lambda n: f"o{n}: Stream<T>")
    definition = f"{{generics: [T], inputs: {{{inputs}}}, outputs: {{{outputs}}}, run: x}}"
    return f"{HEAD}definitions:\n  d: {definition}\ntreatments:\n" + many(9_000, lambda n: f"  t{n}: {{use: d}}\n")


def long_literals(n: int) -> str:
    return f"run: x, inputs: {{i: {{type: Stream<u8>, value: [{listed(2_000, lambda _: 300)}]}}}}"


PARTS: dict[str, tuple[Document, str, int, int]] = {
    # what the text is made of
    "documents without end": (lambda: "---\na: 1\n" * 500_000, "several-documents", 3, 1),
    "tags that would call functions": (
        lambda: HEAD + "treatments:\n" + many(50_000, lambda n: f"  t{n}: !!python/object/apply:os.system [x]\n"),
        "yaml-tag",
        4,
        7,
    ),
    "directives without end": (lambda: "%TAG !a! tag:a\n" * 200_000 + "--- a", "syntax", 2, 1),
    "a NUL": (lambda: HEAD + 'treatments: {a: {run: "a\0b"}}', "syntax", 3, 25),
    "four million control characters": (lambda: HEAD + "\x01" * 4_000_000, "syntax", 3, 1),
    "half a surrogate pair": (lambda: HEAD + "treatments: {a: {run: '\ud800'}}", "not-unicode", 3, 24),
    "UTF-16": (lambda: (HEAD + "# x\n" * 500_000).encode("utf-16"), "not-unicode", 1, 1),
    "byte order marks": (lambda: "\ufeff" * 1_600_000 + HEAD, "syntax", 1, 1_600_006),
    "a million comments": (lambda: "# x\n" * 1_200_000, "empty-document", 1, 1),
    "five million blank lines": (lambda: "\n" * 4_900_000, "empty-document", 1, 1),
    "keys that are keys that are keys": (lambda: "? " * 2_400_000, "key-not-text", 1, 3),
    "a quote that never closes": (lambda: HEAD + "x: '" + "a ''" * 1_200_000, "syntax", 3, 4_800_005),
    "anchors for each number": (
        lambda: f"{HEAD}x: [{listed(95_000, lambda n: f'&a{n} {n}')}]\ny: [{listed(95_000, lambda n: f'*a{n}')}]",
        "unknown-key",
        3,
        1,
    ),
    "merge keys": (
        lambda: HEAD + "treatments:\n  a: &a {run: x}\n" + many(9_000, lambda n: f"  t{n}: {{<<: *a}}\n"),
        "unknown-key",
        5,
        8,
    ),
    "a key of four million characters": (
        lambda: f"{HEAD}treatments: {{{'k' * 4_000_000}: {{}}}}",
        "syntax",
        3,
        4_000_014,
    ),
    "10,000 keys of 480 characters": (
        lambda: f"{HEAD}treatments: {{{listed(9_900, lambda n: 'k' * 480 + f'{n}: {{run: x}}')}}}",
        "bad-name",
        3,
        14,
    ),
    "100,000 small JSON mappings": (
        lambda: '{"a":[' + ",".join(['{"a":1}'] * 99_000) + "]}",
        "unknown-key",
        1,
        2,
    ),
    "200,000 JSON texts": (lambda: '{"a":[' + ",".join(['"x"'] * 199_000) + "]}", "unknown-key", 1, 2),
    "a number in octal": (lambda: treatment("{run: a, cpu: 0o777}"), "wrong-type", 4, 24),
    "150,000 numbers that nothing can hold": (
        lambda: treatment(f"{{run: a, matrix: {{x: [{'1e999999,' * 150_000}1]}}}}"),
        "bad-number",
        4,
        32,
    ),
    # what is wrong with its shape
    "deep lists in a matrix": (lambda: treatment(f"{{run: a, matrix: {{x: [{deep(60)}]}}}}"), "too-complex", 4, 91),
    "deep lists in a variable": (lambda: treatment(f"{{run: a, env: {{A: {deep(59)}}}}}"), "wrong-type", 4, 25),
    "100,000 treatments": (
        lambda: f"{HEAD}treatments: {{{listed(95_000, lambda n: f't{n}: {{run: x}}')}}}",
        "wrong-size",
        3,
        1,
    ),
    "190,000 treatments that are nothing": (
        lambda: f"{HEAD}treatments: {{{listed(190_000, lambda n: f't{n}: ')}}}",
        "wrong-size",
        3,
        1,
    ),
    "10,000 treatments with everything wrong": (
        lambda: treatments(
            9_000, lambda _: "run: [x], env: [1], inputs: [], cpu: x, memory: y, retry: 1, after: x, pools: 5"
        ),
        "wrong-type",
        4,
        8,
    ),
    "190,000 unknown keys in one treatment": (
        lambda: f"{HEAD}treatments: {{a: {{{listed(190_000, lambda n: f'k{n}: 1')}}}}}",
        "wrong-size",
        3,
        14,
    ),
    "90,000 variables that are lists": (
        lambda: treatments(900, lambda _: f"run: x, env: {{{listed(100, lambda k: f'A{k}: [1]')}}}"),
        "wrong-type",
        4,
        22,
    ),
    "190,000 connections that are numbers": (
        lambda: f"{HEAD}treatments: {{a: {{run: x}}}}\nconnections: [{'1,' * 190_000}1]",
        "wrong-type",
        4,
        15,
    ),
    "a million connections": (
        lambda: f"{HEAD}treatments: {{a: {{run: x}}}}\nconnections:\n" + "- a.b -> c.d\n" * 1_000_000,
        "document-too-large",
        1,
        1,
    ),
    "an exclusion of 90,000": (
        lambda: treatment(f"{{run: a, matrix: {{x: [1, 2], exclude: [{listed(90_000, lambda n: f'{{x: {n}}}')}]}}}}"),
        "wrong-size",
        4,
        39,
    ),
    "180,000 values of a wrong type": (lambda: treatments(90, long_literals), "bad-literal", 4, 47),
    "20,000 paths of 60 wildcards": (
        lambda: treatments(
            200,
            lambda _: (
                f"run: x, outputs: {{{listed(100, lambda k: f'''o{k}: {{type: Stream<u8>, path: '{'**/' * 60}'}}''')}}}"
            ),
        ),
        "bad-path",
        4,
        55,
    ),
    # circles
    "many circles in 180,000 edges": (
        lambda: waiting(1_000, lambda n: listed(180, lambda k: f"t{(n + 1 + k) % 1_000}")),
        "cycle",
        0,
        0,
    ),
    "conditions in a circle": (
        lambda: treatments(
            4_000, lambda n: f"run: x, when: \"${{{{ treatments.t{(n + 1) % 4_000}.state == 'failed' }}}}\""
        ),
        "cycle",
        4003,
        25,
    ),
    # definitions
    "definitions that add to each other": (
        lambda: f"{HEAD}definitions:\n  d999: {{run: x}}\n{many(999, inherited)}treatments: {{a: {{use: d0}}}}\n",
        "too-complex",
        0,
        0,
    ),
    "10,000 uses of 180 generic ports": (generic_ports, "too-complex", 1672, 16),
    # expressions
    "an expression of 100,000 parentheses": (
        lambda: treatment("{run: a, when: '${{ " + "(" * 100_000 + "1" + ")" * 100_000 + " }}'}"),
        "wrong-size",
        4,
        25,
    ),
    "parentheses that never close, in 2,000 expressions": (
        lambda: expressions(2_000, lambda n: "(" * 31 + str(n)),
        "too-complex",
        0,
        0,
    ),
    "2,000 expressions of signs": (lambda: expressions(2_000, lambda n: "@ " * 900 + str(n)), "too-complex", 0, 0),
    "2,000 expressions of mappings": (lambda: expressions(2_000, pairs), "too-complex", 35, 26),
    "as many long expressions as there can be": (lambda: expressions(29, pairs), "", 0, 0),
    "1,000 texts of 50 expressions": (
        lambda: treatments(1_000, lambda n: f"run: x, env: {{A: '{'${{ run.id }}' * 50}{n}'}}"),
        "too-complex",
        0,
        0,
    ),
    "expressions in scripts without end": (
        lambda: treatments(3_000, lambda n: f"run: '{'${{ run.id }}' * 100}{n}'"),
        "expression-in-script",
        4,
        13,
    ),
}
