"""Documents made to cost time or memory, each with the finding it has to get.

Written out only where they are checked.
"""

from collections.abc import Callable, Iterable

HEAD = "cadence: 1\nname: sample\n"
Document = Callable[[], str | bytes]


def treatment(body: str) -> str:
    """A document with one treatment, whose body begins on line 4, column 10."""
    return f"{HEAD}treatments:\n  build: {body}\n"


def many(count: int, part: Callable[[int], str]) -> str:
    return "".join(map(part, range(count)))


def listed(count: int, part: Callable[[int], object]) -> str:
    return ",".join(str(part(n)) for n in range(count))


def chain(length: int, output: str) -> str:
    """Treatments that hand a stream on, all of one definition with a type parameter."""
    return (
        f"{HEAD}definitions:\n"
        f"  same: {{generics: [T], inputs: {{in: Stream<T>}}, outputs: {{out: {output}}}, run: cat}}\n"
        "treatments:\n  first: {run: x, outputs: {o: Stream<u64>}}\n"
        + many(length, lambda n: f"  t{n}: {{use: same}}\n")
        + "connections:\n- first.o -> t0.in\n"
        + many(length - 1, lambda n: f"- t{n}.out -> t{n + 1}.in\n")
    )


def definitions(uses: Iterable[tuple[int, int]]) -> str:
    return (
        f"{HEAD}definitions:\n  last: {{run: x}}\n"
        + "".join(f"  d{name}: {{use: d{other}}}\n" for name, other in uses)
        + "treatments: {a: {use: d0}}\n"
    )


def axes(count: int, values: int) -> str:
    one = f"[{listed(values, lambda n: n)}]"
    return treatment("{run: a, matrix: {" + listed(count, lambda n: f"x{n}: {one}") + "}}")


def alias_of(text: str, times: int) -> str:
    return f"{HEAD}treatments:\n  a: &a {text}\n" + many(times, lambda n: f"  t{n}: *a\n")


HOSTILE: dict[str, tuple[Document, str, int, int]] = {
    "20 MB of YAML": (
        lambda: f"{HEAD}treatments:\n" + many(1_000_000, lambda n: f"  t{n}: {{run: x}}\n"),
        "document-too-large",
        1,
        1,
    ),
    "20 MB of JSON": (lambda: '{"a": [' + "1," * 10_000_000 + "1]}", "document-too-large", 1, 1),
    "two million JSON values": (lambda: '{"a": [' + "1," * 2_400_000 + "1]}", "too-complex", 1, 1),
    "two million YAML values": (lambda: "a:\n" + "- \n" * 1_600_000, "too-complex", 1, 1),
    "lists within lists, long each": (
        lambda: "a: " + ("[" + "1," * 390_000) * 6 + "]" * 6,
        "too-complex",
        1,
        1,
    ),
    "five million brackets": (lambda: "[" * 4_900_000, "too-complex", 1, 65),
    "five million YAML brackets": (lambda: "a: " + "[" * 4_900_000, "too-complex", 1, 1003),
    "dashes within dashes": (lambda: "- " * 2_400_000, "too-complex", 1, 129),
    "deep JSON": (lambda: '{"a":' * 900_000, "too-complex", 1, 321),
    "aliases that double": (
        lambda: "a0: &a0 [x, x]\n" + many(40, lambda n: f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n"),
        "too-complex",
        1,
        1,
    ),
    "aliases of a wide list": (
        lambda: "a: &a [" + "x," * 990 + "x]\nb: [" + "*a," * 900 + "*a]\n",
        "too-complex",
        1,
        1,
    ),
    "aliases of a long text": (
        lambda: alias_of("{run: '" + "x" * 280_000 + "', services: {}}", 9_999),
        "too-complex",
        1,
        1,
    ),
    "aliases of mistakes": (
        lambda: alias_of("{" + listed(190, lambda n: f"k{n}: 1") + "}", 1_000),
        "unknown-key",
        4,
        10,
    ),
    "a number of 100,000 digits": (lambda: treatment("{run: a, cpu: " + "9" * 100_000 + "}"), "bad-number", 4, 24),
    "five million digits behind a point": (
        lambda: treatment("{run: a, cpu: 1." + "9" * 4_900_000 + "}"),
        "bad-number",
        4,
        24,
    ),
    "an exponent of millions": (lambda: treatment("{run: a, cpu: 1e999999}"), "bad-number", 4, 24),
    "an exponent of millions of digits": (
        lambda: treatment("{run: a, cpu: 1e" + "9" * 4_000_000 + "}"),
        "bad-number",
        4,
        24,
    ),
    "a million keys that are one": (lambda: "a:\r\n" * 1_000_000, "duplicate-key", 2, 1),
    "half a million NUL characters": (lambda: '{"a": [' + '"\\u0000",' * 500_000 + "1]}", "bad-character", 1, 8),
    "Latin-1 at the end": (lambda: b"a\n" * 2_400_000 + b"\xff", "not-unicode", 2_400_001, 1),
    "10,000 axes": (lambda: axes(10_000, 2), "matrix-too-large", 4, 19),
    "a product of 10**9": (lambda: axes(9, 10), "matrix-too-large", 4, 19),
    "every set of axes excluded": (
        lambda: treatment(
            "{run: a, matrix: {"
            + listed(8, lambda n: f"x{n}: [1, 2, 3]")
            + ", exclude: ["
            + listed(255, lambda n: "{" + ",".join(f"x{bit}: 9" for bit in range(8) if (n + 1) >> bit & 1) + "}")
            + "]}}"
        ),
        "matrix-too-large",
        4,
        141,
    ),
    "1,000 instances, each with 1,000 values": (
        lambda: treatment(
            f"{{run: a, matrix: {{x: [{listed(1_000, lambda n: n)}], "
            f"include: [{listed(1_000, lambda n: f'{{y{n}: 1}}')}]}}}}"
        ),
        "matrix-too-large",
        4,
        3924,
    ),
    "2,000 matrices of 1,000": (
        lambda: (
            f"{HEAD}treatments:\n"
            + many(2_000, lambda n: f"  t{n}: {{run: x, matrix: {{a: [{listed(1_000, lambda k: 1)}]}}}}\n")
            + "\n"
        ),
        "too-complex",
        1,
        1,
    ),
    "190 matrices of 1,000": (
        lambda: (
            f"{HEAD}treatments:\n"
            + many(190, lambda n: f"  t{n}: {{run: x, matrix: {{a: [{listed(1_000, lambda k: k)}]}}}}\n")
        ),
        "too-many-treatments",
        3,
        1,
    ),
    "a chain of 95,000 definitions": (
        lambda: definitions((n, n + 1) for n in range(95_000)),
        "wrong-size",
        3,
        1,
    ),
    "a circle of 1,000 definitions": (
        lambda: definitions((n, (n + 1) % 999) for n in range(999)),
        "recursive-definition",
        1003,
        15,
    ),
    "190,000 type parameters": (
        lambda: (
            f"{HEAD}definitions:\n  d: {{generics: [{listed(190_000, lambda n: f'T{n}')}], run: x}}\n"
            "treatments: {a: {use: d}}\n"
        ),
        "wrong-size",
        4,
        7,
    ),
    "a type nested a million times": (
        lambda: treatment("{run: a, outputs: {o: Stream<" + "Vec<" * 1_000_000 + "u8" + ">" * 900_000 + ">}}"),
        "wrong-size",
        4,
        32,
    ),
    "10,000 treatments of one type parameter": (lambda: chain(9_998, "Stream<T>"), "", 0, 0),
    "10,000 treatments, each a type deeper": (lambda: chain(9_998, "Stream<Vec<T>>"), "infinite-type", 0, 0),
    "190,000 connections": (
        lambda: (
            f"{HEAD}treatments: {{a: {{run: x, outputs: {{o: Stream<u8>}}}}, b: {{run: x, inputs: {{i: Stream<u8>}}}}}}\n"
            "connections:\n" + "- a.o -> b.i\n" * 190_000
        ),
        "input-fed-twice",
        6,
        3,
    ),
    "100,000 connections to nowhere": (
        lambda: (
            f"{HEAD}treatments: {{{listed(10_000, lambda n: f't{n}: {{run: x, outputs: {{o: Stream<u8>}}}}')}}}\n"
            "connections:\n" + many(100_000, lambda n: f"- tt{n}.o -> t{n}x.i\n")
        ),
        "unknown-treatment",
        5,
        3,
    ),
    "9,900 long names that nearly fit": (
        lambda: f"{HEAD}treatments: {{{listed(9_900, lambda n: 'a' * 62 + '-' * 60 + f'{n}!: {{run: x}}')}}}",
        "bad-name",
        3,
        14,
    ),
    "10,000 long names that nearly exist": (
        lambda: (
            f"{HEAD}treatments: {{"
            + listed(10_000, lambda n: f"{'a' * 55}{n}: {{run: x, after: [{'a' * 54}b{n}]}}")
            + "}"
        ),
        "unknown-treatment",
        3,
        89,
    ),
    "a connection without end": (
        lambda: f"{HEAD}treatments: {{a: {{run: x}}}}\nconnections: ['{'a.' * 2_400_000}']\n",
        "wrong-size",
        4,
        15,
    ),
    "a path of wildcards": (
        lambda: treatment("{run: a, outputs: {o: {type: Stream<byte>, path: '" + "*a" * 2_000_000 + "'}}}"),
        "wrong-size",
        4,
        59,
    ),
    "a schedule of millions of minutes": (
        lambda: f"{HEAD}on: {{schedule: [{{cron: '{'1,' * 2_400_000}1 * * * *'}}]}}\ntreatments: {{a: {{run: x}}}}",
        "wrong-size",
        3,
        24,
    ),
    "an expression of parentheses": (
        lambda: treatment("{run: a, when: '${{ " + "(" * 900 + "1" + ")" * 900 + " }}'}"),
        "bad-expression",
        4,
        25,
    ),
    "an expression of exclamation marks": (
        lambda: treatment("{run: a, when: '${{ " + "!" * 1_900 + "true }}'}"),
        "bad-expression",
        4,
        25,
    ),
    "an expression of lists": (
        lambda: treatment("{run: a, when: '${{ " + "[" * 950 + "]" * 950 + " == 1 }}'}"),
        "bad-expression",
        4,
        25,
    ),
    "an expression of four million characters": (
        lambda: treatment("{run: a, matrix: {x: ['${{ " + "true && " * 500_000 + "true }}']}}"),
        "bad-expression",
        4,
        32,
    ),
    "half a million expressions in one text": (
        lambda: treatment("{run: a, matrix: {x: ['" + "${{ 1 }}" * 600_000 + "']}}"),
        "bad-expression",
        4,
        32,
    ),
    "quotes in expressions that never close": (
        lambda: treatment('{run: a, matrix: {x: ["${{ ' + "'''x " * 900_000 + '"]}}'),
        "bad-expression",
        4,
        32,
    ),
}
"""By what it is: the document, and the code, line and column of a finding that it has to get (no code: valid; no line:
anywhere).
"""
