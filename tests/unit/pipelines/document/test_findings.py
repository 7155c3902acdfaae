"""Every kind of finding: a document that causes it, the place it points at, and its row in the documentation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cadence.domain.access.secret_owner import OF_ORGANIZATION, KnownSecret, pool_owner
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.melodium.stored_program import ProgramFacts, facts_of, program_of
from cadence.domain.pipelines.document import (
    Code,
    Context,
    PoolOffer,
    Reference,
    Severity,
    Unavailable,
    bind_parameters,
    validate,
)
from tests.unit.pipelines.planning.refusals import REFUSALS

ROOT = Path(__file__).resolve().parents[4]
HEAD = "cadence: 1\nname: sample\n"
ONE = HEAD + "treatments:\n  build: {run: make}\n"


@dataclass(frozen=True)
class Case:
    source: str | bytes
    line: int
    column: int
    pointer: str
    message: str
    context: Context = field(default_factory=Context)


def treatment(body: str) -> str:
    """A document with one treatment, whose body is on line 4 from column 10."""
    return f"{HEAD}treatments:\n  build: {body}\n"


def two(connection: str, inputs: str = "source: Stream<byte>") -> str:
    """A document whose only connection is on line 7."""
    return (
        f"{HEAD}treatments:\n  fetch: {{run: x, outputs: {{source: Stream<byte>, note: Block<string>}}}}\n"
        f"  build: {{run: x, inputs: {{{inputs}}}}}\nconnections:\n  - {connection}\n"
    )


def joins(consumer: str, group: str, output: str) -> str:
    """A document where `merge`, whose body begins with `consumer`, reads the output `report` of a group."""
    return (
        f"{HEAD}treatments:\n  test: {{run: x, {group}, outputs: {{report: {output}}}}}\n"
        f"  merge: {{run: x, {consumer}inputs: {{all: Stream<byte>}}}}\n"
        "connections:\n  - test.report -> merge.all\n"
    )


def stays(build: str, flow: str = "Stream<byte>") -> str:
    """A document where what `build` reads, the body on line 5, has to stay in `eu`."""
    return (
        f"{HEAD}treatments:\n  fetch: {{residency: eu, run: x, outputs: {{rows: {flow}}}}}\n"
        f"  build: {build}, inputs: {{rows: {flow}}}}}\nconnections:\n  - fetch.rows -> build.rows\n"
    )


POOLS: Mapping[str, PoolOffer] = {
    "small": PoolOffer(
        architectures=frozenset({"amd64"}), max_cpu=2_000, max_memory=4_096, max_storage=10_000, images=False
    )
}
THERE = Context(pools={"small": PoolOffer(residency="us")})
ALONE = Context(pools={"small": PoolOffer(max_runners=1)})
OFFER = Context(secrets=(KnownSecret("git-read"),), pools=POOLS)


OF_OTHERS = Context(
    secrets=(KnownSecret("gpu", pool_owner("large")), KnownSecret("ghcr", OF_ORGANIZATION)),
    pools={**POOLS, "large": PoolOffer()},
)
ENVIRONMENTS = {name: EnvironmentSet(name=name) for name in ("production", "staging")}
BOUND = Context(secrets=(KnownSecret("key", bound_to=frozenset({"production"})),), environments=ENVIRONMENTS)


def program(compo: str, **areas: str) -> ProgramFacts:
    files = {f"{name.replace('_', '-')}.mel": text.encode() for name, text in areas.items()}
    return facts_of(program_of({"Compo.toml": f'name = "p"\n[entrypoints]\n{compo}'.encode(), **files}))


PROGRAMS = Context(
    programs={
        "gone": Unavailable("there is no such program"),
        "good": program('main = "p::main"', lib_root="treatment main(const n: u8)\n{\n}\n"),
        "maps": program('main = "p::main"', lib_root="treatment main()\n  input m: Block<Map>\n{\n}\n"),
        "open": program('main = "p::same"', lib_root="treatment same<T>()\n  input in: Stream<T>\n{\n}\n"),
        "bad": program(
            'main = "p/b::main"',
            b="treatment main()\n      inputs x: Block<u8>\n{\n}\n",
        ),
    }
)

GENERIC = HEAD + (
    "definitions:\n"
    "  same: {generics: [T], inputs: {in: Stream<T>}, outputs: {out: Stream<T>}, run: cat}\n"
    "treatments:\n"
    "  copy: {use: same}\n"
    "  from: {run: x, outputs: {bytes: Stream<byte>}}\n"
)
LOOP = b"definitions: {d: {use: {pipeline: loop, version: 1, definition: d}}}"
SHARED = Context(
    libraries={
        Reference(pipeline="shared", version=3): b"definitions: {build: {run: make}}",
        Reference(pipeline="newest"): b"definitions: {make: {run: make}}",
        Reference(pipeline="gone", version=1): Unavailable("there is no such pipeline"),
        Reference(pipeline="loop", version=1): LOOP,
        Reference(pipeline="wrong", version=1): b"definitions: {d: {image: debian}}",
        Reference(pipeline="no-yaml", version=1): b"definitions: [",
    }
)

CASES: dict[Code, list[Case]] = {
    Code.DOCUMENT_TOO_LARGE: [Case("#" * 5_000_001, 1, 1, "", "larger than 5,000,000 bytes")],
    Code.TOO_COMPLEX: [
        Case("[" * 100, 1, 65, "", "nested deeper than 64"),
        Case("[" * 5_000, 1, 65, "", "nested deeper than 64"),
        Case("a: " + "[" * 500, 1, 67, "", "nested deeper than 64"),
        Case("a: &a [*a]", 1, 1, "", "more than 200,000 parts"),
        Case(
            "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
            1,
            1,
            "",
            "more than 200,000 parts",
        ),
    ],
    Code.NOT_UNICODE: [
        Case(b"cadence: 1\nname: \xff", 2, 7, "", "not valid UTF-8"),
        Case("cadence: 1\nname: \ud800", 2, 7, "", "not valid UTF-8"),
    ],
    Code.BAD_CHARACTER: [
        Case(HEAD + 'treatments: {a: {run: "a\\0b"}}', 3, 23, "/treatments/a/run", "NUL character"),
        Case('{"cadence": 1,\n"name": "\\ud800"}', 2, 9, "/name", "surrogate"),
    ],
    Code.SYNTAX: [
        Case("cadence: 1\nname: [a", 2, 7, "", "not YAML"),
        Case("cadence: 1\ntreatments:\n\ta: 1", 3, 1, "", "tab"),
        Case("a: *nowhere", 1, 4, "", "no anchor"),
        Case("a: \x01", 1, 4, "", "not allowed"),
        Case('{"cadence": 1,\n "name": sample}', 2, 10, "", "where a value is expected"),
        Case('{"cadence": 1 "name"', 1, 15, "", "where a comma or } is expected"),
        Case('{"cadence": "1', 1, 13, "", "not JSON"),
        Case('{"cadence": 1}}', 1, 15, "", "where the end is expected"),
        Case('{"cadence": 1,}', 1, 15, "", "where a key is expected"),
    ],
    Code.EMPTY_DOCUMENT: [Case("# nothing\n", 1, 1, "", "nothing in this document"), Case(b"", 1, 1, "", "nothing")],
    Code.SEVERAL_DOCUMENTS: [Case("a: 1\n---\nb: 1\n", 2, 1, "", "second document")],
    Code.DUPLICATE_KEY: [
        Case(ONE + "name: other\n", 5, 1, "/name", "twice"),
        Case('{"cadence": 1,\n "cadence": 1}', 2, 2, "/cadence", "twice"),
        Case(treatment("{run: a, env: {A: x, A: y}}"), 4, 31, "/treatments/build/env/A", "twice"),
    ],
    Code.KEY_NOT_TEXT: [Case("? [a]\n: b", 1, 3, "", "must be text"), Case("a: &x y\n? *x\n: b", 2, 3, "", "must be")],
    Code.BAD_NUMBER: [
        Case(treatment("{run: a, cpu: .inf}"), 4, 24, "/treatments/build/cpu", "“.inf”"),
        Case(treatment("{run: a, cpu: .NaN}"), 4, 24, "/treatments/build/cpu", "“.NaN”"),
        Case(treatment("{run: a, cpu: 1e999}"), 4, 24, "/treatments/build/cpu", "“1e999”"),
        Case(treatment(f"{{run: a, cpu: {'9' * 5_000}}}"), 4, 24, "/treatments/build/cpu", "No number type"),
        Case('{"cadence": NaN}', 1, 13, "/cadence", "“NaN”"),
    ],
    Code.YAML_TAG: [Case(treatment("{run: !!python/object:os.system ls}"), 4, 16, "/treatments/build/run", "The tag")],
    Code.TOO_MANY_FINDINGS: [
        Case(
            HEAD + "treatments:\n" + "".join(f"  t{n}: {{}}\n" for n in range(1_500)),
            503,
            3,
            "",
            "more findings than the 500 shown",
        )
    ],
    Code.UNKNOWN_KEY: [
        Case(ONE + "conections: []\n", 5, 1, "/conections", "cannot have the key “conections”"),
        Case(treatment("{run: a, input: {}}"), 4, 19, "/treatments/build/input", "Treatment “build” cannot"),
        Case(HEAD + "on: {pussh: {}}\ntreatments: {a: {run: b}}", 3, 6, "/on/pussh", "“pussh”"),
    ],
    Code.MISSING_KEY: [
        Case("cadence: 1\ntreatments: {a: {run: b}}\n", 1, 1, "", "lacks “name”"),
        Case(treatment("{image: x}"), 4, 3, "/treatments/build", "lacks “run”"),
        Case(treatment("{use: {version: 3}}"), 4, 11, "/treatments/build/use", "lacks “definition”"),
        Case(treatment("{run: a, outputs: {o: {path: x}}}"), 4, 29, "/treatments/build/outputs/o", "lacks “type”"),
    ],
    Code.WRONG_TYPE: [
        Case(treatment("{run: a, memory: 4 GB}"), 4, 27, "/treatments/build/memory", "a whole number, not text “4 GB”"),
        Case(treatment("{run: a, memory: 0755}"), 4, 27, "/treatments/build/memory", "not text “0755”"),
        Case(treatment("{run: a, cpu: 1.5}"), 4, 24, "/treatments/build/cpu", "a number with a fraction “1.5”"),
        Case(treatment("{run: 5}"), 4, 16, "/treatments/build/run", "text, not a whole number “5”"),
        Case(treatment("{run: a, env: {V: 3.10}}"), 4, 28, "/treatments/build/env/V", "fraction"),
        Case(treatment("[a]"), 4, 3, "/treatments/build", "a mapping, not a list"),
        Case(treatment("{use: [a]}"), 4, 11, "/treatments/build/use", "text or a mapping, not a list"),
        Case(
            treatment("{run: a, inputs: {i: 5}}"), 4, 31, "/treatments/build/inputs/i", "text or a mapping, not a whole"
        ),
        Case(treatment("{run: a, matrix: {x: y}}"), 4, 31, "/treatments/build/matrix/x", "a list, not text “y”"),
        Case("just text", 1, 1, "", "a mapping, not text"),
    ],
    Code.WRONG_VALUE: [
        Case("cadence: 2\nname: a\ntreatments: {a: {run: b}}", 1, 10, "/cadence", "“2”"),
        Case(treatment("{run: a, arch: x86}"), 4, 25, "/treatments/build/arch", "“x86”"),
    ],
    Code.OUT_OF_RANGE: [
        Case(treatment("{run: a, cpu: 0}"), 4, 24, "/treatments/build/cpu", "between 1 and 512,000"),
        Case(
            treatment("{run: a, retry: {exit_codes: [0]}}"), 4, 40, "/treatments/build/retry/exit_codes/0", "1 and 255"
        ),
        Case(ONE + "priority: 101", 5, 11, "/priority", "between -100 and 100"),
        Case(treatment("{run: a, retry: {failure: 11}}"), 4, 36, "/treatments/build/retry/failure", "0 and 10"),
        Case(treatment("{run: a, max_duration: 604801}"), 4, 33, "/treatments/build/max_duration", "604,800"),
    ],
    Code.WRONG_SIZE: [
        Case(HEAD + "treatments: {}\n", 3, 1, "/treatments", "is empty"),
        Case(treatment("{run: ''}"), 4, 16, "/treatments/build/run", "is empty"),
        Case(ONE + f"connections: [{'a' * 301}]", 5, 15, "/connections/0", "more than 300 characters"),
        Case(
            HEAD + "treatments:\n" + "".join(f"  t{n}: {{run: a}}\n" for n in range(10_001)),
            3,
            1,
            "/treatments",
            "more than 10,000 entries",
        ),
        Case(treatment(f"{{run: {'é' * 60_000}}}"), 4, 3, "/treatments/build", "take 360,0"),
        Case(
            treatment("{run: a, env: {" + ", ".join(f"V{n}: {'x' * 32_000}" for n in range(10)) + "}}"),
            4,
            3,
            "/treatments/build",
            "300,000 at most",
        ),
        Case(
            ONE + f"parameters: {{p: {{type: string, default: {'x' * 100_001}}}}}\n", 5, 1, "/parameters", "take 100,"
        ),
    ],
    Code.WRONG_FORM: [
        Case(
            ONE + "registries: {'https://x.io': git-read}", 5, 14, "/registries/https:~1~1x.io", "no host of a registry"
        ),
        Case(treatment("{run: a, image: '-x'}"), 4, 26, "/treatments/build/image", "“-x”"),
        Case(treatment("{run: a, cpu: '${{ 1 }} of it'}"), 4, 24, "/treatments/build/cpu", "“${{ 1 }} of it”"),
        Case(
            treatment("{run: a, services: {s: {image: 'x@sha256:12'}}}"),
            4,
            41,
            "/treatments/build/services/s/image",
            "no image with a digest",
        ),
        Case(treatment("{run: a, volumes: {v: data}}"), 4, 32, "/treatments/build/volumes/v", "“data”"),
    ],
    Code.REPEATED_ITEM: [
        Case(HEAD + "treatments:\n  a: {run: x}\n  b: {run: x, after: [a, a]}", 5, 26, "/treatments/b/after/1", "“a”")
    ],
    Code.BAD_NAME: [
        Case("cadence: 1\nname: My Pipeline\ntreatments: {a: {run: b}}", 2, 7, "/name", "“My Pipeline”"),
        Case(HEAD + "treatments: {A: {run: b}}", 3, 14, "/treatments/A", "“A”"),
        Case(treatment("{run: a, outputs: {a-b: Block<u8>}}"), 4, 29, "/treatments/build/outputs/a-b", "“a-b”"),
        Case(HEAD + f"treatments: {{{'a' * 64}: {{run: b}}}}", 3, 14, f"/treatments/{'a' * 64}", "not a valid name"),
    ],
    Code.UNKNOWN_PROGRAM: [
        Case(treatment("{melodium: {program: x}}"), 4, 31, "/treatments/build/melodium/program", "“x”", PROGRAMS),
        Case(
            treatment("{melodium: {program: gone}}"), 4, 31, "/treatments/build/melodium/program", "no such", PROGRAMS
        ),
    ],
    Code.UNKNOWN_ENTRYPOINT: [
        Case(
            treatment("{melodium: {program: good, entrypoint: man}}"),
            4,
            49,
            "/treatments/build/melodium/entrypoint",
            "“man”",
            PROGRAMS,
        ),
    ],
    Code.BAD_PROGRAM: [
        Case(
            treatment("{melodium: {program: open}}"),
            4,
            31,
            "/treatments/build/melodium/program",
            "generic in T",
            PROGRAMS,
        ),
        Case(
            treatment("{melodium: {program: bad}}"), 4, 31, "/treatments/build/melodium/program", "b.mel:2:7", PROGRAMS
        ),
        Case(treatment("{melodium: {program: maps}}"), 4, 11, "/treatments/build/melodium", "Block<Map>", PROGRAMS),
    ],
    Code.BAD_CRON: [
        Case(ONE + "on: {schedule: [{cron: '0 3 * * * *'}]}", 5, 24, "/on/schedule/0/cron", "6 fields, not five"),
        Case(ONE + "on: {schedule: [{cron: '60 3 * * *'}]}", 5, 24, "/on/schedule/0/cron", "bad minute"),
        Case(ONE + "on: {schedule: [{cron: '0 3 * Foo *'}]}", 5, 24, "/on/schedule/0/cron", "bad month"),
        Case(ONE + "on: {schedule: [{cron: '0 3 L * *'}]}", 5, 24, "/on/schedule/0/cron", "L, W and #"),
        Case(ONE + "on: {schedule: [{cron: '0 3 */2 * 1'}]}", 5, 24, "/on/schedule/0/cron", "step over days"),
    ],
    Code.UNKNOWN_TIMEZONE: [
        Case(
            ONE + "on: {schedule: [{cron: '0 3 * * *', timezone: Mars/Base}]}",
            5,
            47,
            "/on/schedule/0/timezone",
            "“Mars/Base”",
        ),
        Case(
            ONE + "on: {schedule: [{cron: '0 3 * * *', timezone: ../etc}]}",
            5,
            47,
            "/on/schedule/0/timezone",
            "“../etc”",
        ),
    ],
    Code.SCHEDULE_NEVER_FIRES: [
        Case(ONE + "on: {schedule: [{cron: '0 0 31 2,4 *'}]}", 5, 24, "/on/schedule/0/cron", "no such day"),
    ],
    Code.SCHEDULE_OFTEN: [
        Case(ONE + "on: {schedule: [{cron: '*/3 * * * *'}]}", 5, 24, "/on/schedule/0/cron", "every 5 minutes"),
        Case(ONE + "on: {schedule: [{cron: '58,0 * * * *'}]}", 5, 24, "/on/schedule/0/cron", "every 5 minutes"),
    ],
    Code.SECRETS_IN_PULL_REQUEST: [
        Case(
            treatment("{run: a, secrets: {T: t}}") + "\non: {pull_request: }",
            4,
            19,
            "/treatments/build/secrets",
            "forks",
        ),
    ],
    Code.GENERATED_IN_PULL_REQUEST: [
        Case(
            "cadence: 1\nname: sample\non: {pull_request: }\ntreatments:\n"
            "  write: {outputs: {text: Block<string>}, run: x}\n"
            "  go: {inputs: {text: Block<string>}, trigger: {document: text}}\n"
            "connections: [write.text -> go.text]\n",
            6,
            49,
            "/treatments/go/trigger/document",
            "forks",
        ),
    ],
    Code.FILES_JOINED: [
        Case(
            joins("", "matrix: {python: [a, b]}", "{type: Stream<byte>, path: r.xml}"),
            4,
            54,
            "/treatments/test/outputs/report",
            "merge.all receives the files report of all instances of treatment “test” one after another",
        ),
    ],
    Code.BAD_TYPE: [
        Case(treatment("{run: a, outputs: {o: Stream<bite>}}"), 4, 32, "/treatments/build/outputs/o", "“bite”"),
        Case(treatment("{run: a, outputs: {o: string}}"), 4, 32, "/treatments/build/outputs/o", "lacks a flow"),
        Case(ONE + "parameters: {p: {type: Vec}}", 5, 24, "/parameters/p/type", "lacks the item type of Vec"),
    ],
    Code.BAD_LITERAL: [
        Case(
            treatment("{run: a, inputs: {i: {type: Block<u8>, value: 256}}}"),
            4,
            56,
            "/treatments/build/inputs/i/value",
            "out of the range of u8",
        ),
        Case(
            treatment("{run: a, inputs: {i: {type: Stream<u8>, default: 3}}}"),
            4,
            59,
            "/treatments/build/inputs/i/default",
            "a list of its values",
        ),
        Case(
            GENERIC.replace("in: Stream<T>", "in: Stream<T>, n: {type: Block<T>, value: 5}")
            + "connections: [from.bytes -> copy.in]\n",
            6,
            15,
            "/treatments/copy/use",
            "With definition “same”: The value of input “n” does not fit",
        ),
    ],
    Code.BAD_PATH: [
        Case(
            treatment("{run: a, cache: {key: k, paths: [a, ../b]}}"),
            4,
            46,
            "/treatments/build/cache/paths/1",
            "of a cache leaves",
        ),
        Case(
            treatment("{run: a, cache: [{key: k, files: [/etc/x], paths: [a]}]}"),
            4,
            44,
            "/treatments/build/cache/0/files/0",
            "of a cache starts outside",
        ),
        Case(
            treatment("{run: a, image: i, volumes: {a: /x, b: /x/}}"), 4, 49, "/treatments/build/volumes/b", "same path"
        ),
        Case(
            treatment("{run: a, outputs: {o: {type: Stream<byte>, path: /etc/}}}"),
            4,
            59,
            "/treatments/build/outputs/o/path",
            "starts outside",
        ),
        Case(
            treatment("{run: a, outputs: {o: {type: Stream<byte>, path: a/../b}}}"),
            4,
            59,
            "/treatments/build/outputs/o/path",
            "leaves the working",
        ),
        Case(
            treatment("{run: a, outputs: {o: {type: Stream<string>, path: '*.txt'}}}"),
            4,
            61,
            "/treatments/build/outputs/o/path",
            "a tar archive, but “o” is a Stream<string>",
        ),
        Case(
            treatment(
                "{run: a, inputs: {a: {type: Block<byte>, value: x, path: p}, b: {type: Block<u8>, value: 1, path: ./p}}}"
            ),
            4,
            108,
            "/treatments/build/inputs/b/path",
            "at the same path",
        ),
    ],
    Code.BAD_BINDING: [
        Case(
            treatment("{run: a, stdin: i, inputs: {i: {type: Block<byte>, value: x, path: p}}}"),
            4,
            26,
            "/treatments/build/stdin",
            "cannot be stdin: it has a path",
        ),
        Case(
            treatment("{run: a, stdin: i, inputs: {i: {type: Block<byte>, optional: true}}}"),
            4,
            26,
            "/treatments/build/stdin",
            "it may be left out",
        ),
        Case(
            treatment("{run: a, stdout: o, outputs: {o: Block<void>}}"), 4, 27, "/treatments/build/stdout", "no content"
        ),
        Case(
            two("fetch.source -> build.source").replace("{run: x, inputs", "{trigger: {pipeline: p}, inputs"),
            5,
            52,
            "/treatments/build/inputs/source",
            "becomes a parameter",
        ),
    ],
    Code.CONTRADICTION: [
        Case(
            treatment("{run: a, inputs: {i: {type: Block<u8>, value: 1, default: 2}}}"),
            4,
            59,
            "/treatments/build/inputs/i/default",
            "both value and default",
        ),
        Case(
            treatment("{run: a, cache: [{key: k, paths: [a]}, {key: k, paths: [b]}]}"),
            4,
            55,
            "/treatments/build/cache/1/key",
            "Two caches of treatment “build” have the key “k”",
        ),
        Case(
            treatment("{run: a, retry: {wait: 600, max_wait: 60}}"),
            4,
            19,
            "/treatments/build/retry",
            "is 600 seconds, but max_wait is 60",
        ),
        Case(treatment("{run: a, with: {T: u8}}"), 4, 19, "/treatments/build/with", "without “use”"),
        Case(treatment("{run: a, parallel: 3}"), 4, 19, "/treatments/build/parallel", "without “each”"),
        Case(
            treatment("{trigger: {pipeline: p}, run: x}"),
            4,
            35,
            "/treatments/build/run",
            "means nothing beside trigger",
        ),
        Case(
            treatment("{use: {pipeline: p, git: 'https://x', definition: d}}"),
            4,
            11,
            "/treatments/build/use",
            "not two",
        ),
        Case(
            treatment("{use: {pipeline: p, version: 1, commit: " + "a" * 40 + ", definition: d}}"),
            4,
            42,
            "/treatments/build/use/commit",
            "means nothing beside “pipeline”",
        ),
    ],
    Code.UNKNOWN_DEFINITION: [
        Case(GENERIC.replace("use: same", "use: sam"), 6, 15, "/treatments/copy/use", "no definition “sam”"),
        Case(
            treatment("{use: {pipeline: shared, version: 3, definition: bild}}"),
            4,
            59,
            "/treatments/build/use/definition",
            "in version 3 has no definition “bild”",
            SHARED,
        ),
    ],
    Code.RECURSIVE_DEFINITION: [
        Case(
            ONE + "definitions: {a: {use: b}, b: {use: c}, c: {use: a}}",
            5,
            50,
            "/definitions/c/use",
            "without end: a → b → c → a",
        ),
        Case(ONE + "definitions: {a: {use: a}}", 5, 24, "/definitions/a/use", "a → a"),
    ],
    Code.UNPINNED_DEFINITION: [
        Case(
            treatment("{use: {git: 'https://x', path: p, ref: main, definition: d}}"),
            4,
            44,
            "/treatments/build/use/ref",
            "can move",
        ),
        Case(
            treatment("{use: {git: 'https://x', path: p, definition: d}}"),
            4,
            11,
            "/treatments/build/use",
            "not pinned",
        ),
        Case(
            treatment("{use: {pipeline: newest, definition: make}}"),
            4,
            11,
            "/treatments/build/use",
            "newest version of “newest”",
            SHARED,
        ),
    ],
    Code.UNREACHABLE_DEFINITION: [
        Case(
            treatment("{use: {pipeline: gone, version: 1, definition: d}}"),
            4,
            11,
            "/treatments/build/use",
            "cannot be used: there is no such pipeline",
            SHARED,
        ),
        Case(
            treatment("{use: {pipeline: other, version: 1, definition: d}}"),
            4,
            11,
            "/treatments/build/use",
            "it was not looked up",
            SHARED,
        ),
    ],
    Code.BAD_LIBRARY: [
        Case(
            treatment("{use: {pipeline: loop, version: 1, definition: d}}"),
            4,
            11,
            "/treatments/build/use",
            "use each other without end: loop@1 → loop@1",
            SHARED,
        ),
        Case(
            treatment("{use: {pipeline: wrong, version: 1, definition: d}}"),
            4,
            11,
            "/treatments/build/use",
            "Definition “d” lacks “run”",
            SHARED,
        ),
        Case(
            treatment("{use: {pipeline: no-yaml, version: 1, definition: d}}"),
            4,
            11,
            "/treatments/build/use",
            "cannot be read: This is not YAML",
            SHARED,
        ),
    ],
    Code.UNKNOWN_TYPE_PARAMETER: [
        Case(
            GENERIC.replace("use: same", "use: same, with: {U: u8}"),
            6,
            28,
            "/treatments/copy/with/U",
            "no type parameter “U”",
        )
    ],
    Code.TYPE_CONFLICT: [
        Case(
            GENERIC + "  to: {run: x, inputs: {l: Stream<string>}}\n"
            "connections:\n  - from.bytes -> copy.in\n  - copy.out -> to.l\n",
            11,
            5,
            "/connections/1",
            "T of “copy” would be both byte (from.bytes gives Stream<byte>) and string (to.l takes Stream<string>).",
        ),
    ],
    Code.UNSOLVED_TYPE: [
        Case(
            GENERIC.replace("in: Stream<T>", "in: {type: Stream<T>, optional: true}"),
            6,
            15,
            "/treatments/copy/use",
            "Nothing determines the type T of “copy”.",
        )
    ],
    Code.INFINITE_TYPE: [
        Case(
            HEAD
            + "definitions:\n  p: {generics: [T], run: x, inputs: {i: {type: Block<T>, optional: true}}, outputs: {o: Block<T>}}\n"
            "  q: {generics: [U], run: x, inputs: {a: Block<U>, b: Block<Vec<U>>}}\n"
            "treatments:\n  one: {use: p}\n  two: {use: q}\nconnections: [one.o -> two.a, one.o -> two.b]\n",
            7,
            14,
            "/treatments/one/use",
            "would have to contain itself",
        )
    ],
    Code.LITERAL_CONNECTED: [
        Case(
            two(
                "fetch.note -> build.note",
                "source: {type: Stream<byte>, optional: true}, note: {type: Block<string>, value: x}",
            ),
            7,
            5,
            "/connections/0",
            "has a value of its own",
        )
    ],
    Code.BAD_EACH: [
        Case(
            two("fetch.source -> build.source").replace("{run: x, inputs", "{run: x, each: source, inputs"),
            5,
            25,
            "/treatments/build/each",
            "is a Stream<byte>",
        ),
        Case(
            treatment("{run: x, each: i, inputs: {i: {type: Block<u8>, default: 1}}}"),
            4,
            25,
            "/treatments/build/each",
            "has to be connected",
        ),
    ],
    Code.BAD_DEFAULT: [
        Case(ONE + "parameters: {p: {type: u8, default: 300}}", 5, 37, "/parameters/p/default", "0 to 255")
    ],
    Code.RESERVED_PORT: [
        Case(treatment("{run: a, outputs: {failed: Block<u8>}}"), 4, 29, "/treatments/build/outputs/failed", "already")
    ],
    Code.BAD_CONNECTION: [
        Case(ONE + "connections: [build]", 5, 15, "/connections/0", "“build” is not a connection"),
        Case(ONE + "connections: [a.b.c -> build.x]", 5, 15, "/connections/0", "is not a connection"),
    ],
    Code.UNKNOWN_TREATMENT: [
        Case(two("fetc.source -> build.source"), 7, 5, "/connections/0", "no treatment “fetc”"),
        Case(treatment("{run: a, after: [other]}"), 4, 27, "/treatments/build/after/0", "no treatment “other”"),
        Case(treatment("{run: a, after: [a.failed]}"), 4, 27, "/treatments/build/after/0", "“a.failed”"),
    ],
    Code.UNKNOWN_PORT: [
        Case(two("fetch.sorce -> build.source"), 7, 5, "/connections/0", "no output “sorce”"),
        Case(two("fetch.source -> build.sorce"), 7, 5, "/connections/0", "no input “sorce”"),
    ],
    Code.TYPE_MISMATCH: [
        Case(two("fetch.note -> build.source"), 7, 5, "/connections/0", "gives Block<string>, but build.source takes"),
        Case(two("fetch.failed -> build.source"), 7, 5, "/connections/0", "gives Block<void>"),
    ],
    Code.INPUT_NOT_FED: [
        Case(treatment("{run: a, inputs: {i: Block<u8>}}"), 4, 28, "/treatments/build/inputs/i", "build.i")
    ],
    Code.INPUT_FED_TWICE: [
        Case(
            two("fetch.source -> build.source\n  - fetch.source -> build.source"), 8, 5, "/connections/1", "already fed"
        )
    ],
    Code.SELF_CONNECTION: [
        Case(treatment("{run: a, after: [build]}"), 4, 27, "/treatments/build/after/0", "wait for itself"),
        Case(
            treatment("{run: a, inputs: {i: Block<void>}}") + "connections: [build.failed -> build.i]",
            5,
            15,
            "/connections/0",
            "wait for itself",
        ),
    ],
    Code.CYCLE: [
        Case(
            HEAD + "treatments:\n  a: {run: x, after: [c]}\n  b: {run: x, after: [a]}\n  c: {run: x, after: [b]}",
            6,
            23,
            "/treatments/c/after/0",
            "wait for each other: c → a → b → c.",
        )
    ],
    Code.STREAM_DEADLOCK: [
        Case(
            HEAD + "treatments:\n"
            "  a: {run: x, inputs: {i: Stream<u8>}, outputs: {o: Stream<u8>}}\n"
            "  b: {run: x, inputs: {i: Stream<u8>}, outputs: {o: Stream<u8>}}\n"
            "connections: [a.o -> b.i, b.o -> a.i]\n",
            6,
            27,
            "/connections/1",
            "so none ever does: a → b → a.",
        )
    ],
    Code.TRIGGERS_ITSELF: [
        Case(
            treatment("{trigger: {pipeline: sample}}"),
            4,
            31,
            "/treatments/build/trigger/pipeline",
            "would start itself",
        ),
        Case(ONE + "on: {pipeline: [{name: sample}]}", 5, 24, "/on/pipeline/0/name", "would start itself"),
    ],
    Code.IMAGE_NEEDED: [
        Case(treatment("{run: x, volumes: {data: /mnt}}"), 4, 19, "/treatments/build/volumes", "need a container")
    ],
    Code.BAD_SERVICE: [
        Case(
            treatment("{run: x, services: {localhost: {image: a}}}"),
            4,
            30,
            "/treatments/build/services/localhost",
            "cannot be named localhost",
        ),
        Case(
            treatment("{run: x, services: {db: {image: a, health: {command: [x], interval: 9, timeout: 5}}}}"),
            4,
            45,
            "/treatments/build/services/db/health",
            "asked every 9 s",
        ),
        Case(
            treatment("{run: x, services: {a: {image: a, ports: [80]}, b: {image: b, ports: [1, 80]}}}"),
            4,
            83,
            "/treatments/build/services/b/ports/1",
            "both have port 80",
        ),
    ],
    Code.UNKNOWN_VOLUME: [
        Case(
            treatment("{run: x, image: i, volumes: {data: /d}, services: {db: {image: a, volumes: {date: /x}}}}"),
            4,
            86,
            "/treatments/build/services/db/volumes/date",
            "“date”, which is not declared",
        )
    ],
    Code.POOL_TOO_SMALL_TOGETHER: [
        Case(
            two("fetch.source -> build.source") + "defaults: {retry: {infrastructure: 1}}\n",
            4,
            3,
            "/treatments/fetch",
            "Streams connect 2 treatments, but the pool small can have 1 runners",
            ALONE,
        ),
        Case(two("fetch.source -> build.source"), 4, 3, "/treatments/fetch", "They will run one after another", ALONE),
        Case(
            f"{HEAD}treatments:\n  a: {{run: x, outputs: {{o: Stream<u8>}}}}\n"
            "  b: {run: x, matrix: {n: [1, 2, 3, 4], max_parallel: 3}, inputs: {i: Stream<u8>}}\n"
            "connections: [a.o -> b.i]\n",
            4,
            3,
            "/treatments/a",
            "Streams connect 4 treatments and instances, but the pool small can have 3 runners",
            Context(pools={"small": PoolOffer(max_runners=3)}),
        ),
    ],
    Code.GENERATED_TRIGGER: [
        Case(
            treatment("{trigger: {pipeline: deploy}}"),
            4,
            11,
            "/treatments/build/trigger",
            "“build” starts a run",
            Context(is_generated=True),
        )
    ],
    Code.NO_SOURCE: [
        Case(
            treatment("{run: make, source: true}"),
            4,
            30,
            "/treatments/build/source",
            "“build” has `source`",
            Context(no_source=Severity.ERROR),
        )
    ],
    Code.UNKNOWN_SECRET: [
        Case(treatment("{run: a, secrets: {T: git-reed}}"), 4, 32, "/treatments/build/secrets/T", "“git-reed”", OFFER),
        Case(ONE + "registries: {ghcr.io: git-reed}", 5, 23, "/registries/ghcr.io", "“git-reed”", OFFER),
    ],
    Code.SECRET_OF_ENVIRONMENT: [
        Case(treatment("{run: a, secrets: {T: key}}"), 4, 32, "/treatments/build/secrets/T", "“production”", BOUND),
        Case(
            treatment("{run: a, environment: staging, secrets: {T: key}}"),
            4,
            54,
            "/treatments/build/secrets/T",
            "“production”",
            BOUND,
        ),
        Case(ONE + "registries: {ghcr.io: key}", 5, 23, "/registries/ghcr.io", "bound to an environment", BOUND),
    ],
    Code.SECRET_OF_POOL: [
        Case(
            treatment("{run: a, secrets: {T: gpu}}"),
            4,
            32,
            "/treatments/build/secrets/T",
            "the pool “small”",
            OF_OTHERS,
        ),
        Case(ONE + "registries: {ghcr.io: gpu}", 5, 23, "/registries/ghcr.io", "is of a pool", OF_OTHERS),
    ],
    Code.UNKNOWN_POOL: [
        Case(treatment("{run: a, pools: [smal]}"), 4, 27, "/treatments/build/pools/0", "“smal”", OFFER),
        Case(ONE + "defaults: {pools: [big]}", 5, 20, "/defaults/pools/0", "“big”", OFFER),
    ],
    Code.POOL_TOO_SMALL: [
        Case(treatment("{run: a, memory: 8000}"), 4, 3, "/treatments/build", "memory 8,000", OFFER),
        Case(ONE + "defaults: {cpu: 3000}", 4, 3, "/treatments/build", "cpu 3,000", OFFER),
    ],
    Code.ARCHITECTURE_NOT_OFFERED: [
        Case(treatment("{run: a, arch: arm64}"), 4, 25, "/treatments/build/arch", "has arm64", OFFER)
    ],
    Code.RESIDENCY_NOT_OFFERED: [
        Case(treatment("{run: a, residency: eu}"), 4, 30, "/treatments/build/residency", "is in eu", OFFER),
        Case(treatment("{run: a, residency: [eu, ch]}"), 4, 19, "/treatments/build/residency", "is in eu or ch", THERE),
        Case(ONE + "defaults: {residency: eu}", 4, 3, "/treatments/build", "is in eu", THERE),
    ],
    Code.RESIDENCY_LEFT: [
        Case(stays("{run: x"), 5, 3, "/treatments/build", "fetch.rows has to stay in eu, and “build” may run anywhere"),
        Case(stays("{residency: any, run: x"), 5, 22, "/treatments/build/residency", "may run anywhere"),
        Case(stays("{residency: [eu, us], run: x"), 5, 11, "/treatments/build/residency", "“build” may run in us"),
        Case(
            stays("{trigger: {pipeline: other}", "Block<string>"),
            5,
            3,
            "/treatments/build",
            "it becomes a parameter of another run",
        ),
    ],
    Code.RESIDENCY_KEPT: [
        Case(treatment("{run: a, residency: us}"), 4, 30, "/treatments/build/residency", "has no bucket", THERE),
        Case(ONE + "defaults: {residency: us}", 4, 3, "/treatments/build", "log lines of “build” may", THERE),
    ],
    Code.IMAGE_NOT_OFFERED: [
        Case(treatment("{run: a, image: debian}"), 4, 26, "/treatments/build/image", "can run images", OFFER)
    ],
    Code.BAD_EXPRESSION: [
        Case(treatment('{run: a, env: {A: "x ${{ 1 + }}"}}'), 4, 28, "/treatments/build/env/A", "at its end"),
        Case(treatment('{run: a, env: {A: "${{ 1"}}'), 4, 28, "/treatments/build/env/A", "not closed"),
        Case(treatment("{run: a, when: parameters.x}"), 4, 25, "/treatments/build/when", "one expression"),
        Case(
            treatment('{run: a, env: {A: "${{ [1].map(x, [2].map(y, y)) }}"}}'),
            4,
            28,
            "/treatments/build/env/A",
            "inside of another loop",
        ),
        Case(treatment('{run: a, cpu: "${{ ' + "1+" * 101 + '1 }}"}'), 4, 24, "/treatments/build/cpu", "more than 100"),
    ],
    Code.UNKNOWN_NAME: [
        Case(treatment('{run: a, image: "a:${{ version }}"}'), 4, 26, "/treatments/build/image", "“version”"),
        Case(treatment('{run: a, env: {A: "${{ parameters.x }}"}}'), 4, 28, "/treatments/build/env/A", "parameter “x”"),
        Case(treatment('{run: a, env: {A: "${{ matrix.x }}"}}'), 4, 28, "/treatments/build/env/A", "no matrix here"),
        Case(treatment('{run: a, env: {A: "${{ event.brnch }}"}}'), 4, 28, "/treatments/build/env/A", "“brnch”"),
        Case(treatment('{run: a, env: {A: "${{ run.nr }}"}}'), 4, 28, "/treatments/build/env/A", "field of run “nr”"),
        Case(
            treatment('{run: a, env: {A: "${{ lower(run.id) }}"}}'),
            4,
            28,
            "/treatments/build/env/A",
            "no function lower",
        ),
        Case(
            treatment('{run: a, matrix: {os: [a]}, env: {A: "${{ matrix.arch }}"}}'),
            4,
            47,
            "/treatments/build/env/A",
            "no axis “arch”",
        ),
        Case(
            treatment("{run: a, when: \"${{ treatments.test.state == 'failed' }}\"}"),
            4,
            25,
            "/treatments/build/when",
            "no treatment “test”",
        ),
        Case(
            treatment("{run: a, when: \"${{ treatments.build.state == 'failed' }}\"}"),
            4,
            25,
            "/treatments/build/when",
            "its own state",
        ),
        *(
            Case(
                "cadence: 1\nname: p\ntreatments:\n  plan: {run: a, outputs: {all: Block<bool>, lines: Stream<string>}}\n"
                f'  build: {{run: a, when: "${{{{ {when} }}}}"}}\n',
                5,
                25,
                "/treatments/build/when",
                message,
            )
            for when, message in (
                ("treatments.paln.outputs.all", "no treatment “paln”"),
                ("treatments.plan.outputs.al", "Treatment “plan” has no output “al”"),
                ("treatments.plan.output.all", "is no state and no output"),
                ("treatments.plan.outputs.lines == ''", "plan.lines is a stream"),
                ("treatments.plan.outputs.completed", "plan.completed has no value"),
                ("treatments.build.outputs.all", "its own outputs"),
            )
        ),
    ],
    Code.EXPRESSION_IN_SCRIPT: [
        Case(treatment('{run: "echo ${{ event.branch }}"}'), 4, 16, "/treatments/build/run", "cannot hold expressions")
    ],
    Code.EXPRESSION_NOT_ALLOWED: [
        Case(
            treatment('{run: a, secrets: {T: "${{ parameters.x }}"}}'),
            4,
            32,
            "/treatments/build/secrets/T",
            "no expression here",
        )
    ],
    Code.BAD_MATRIX: [
        Case(
            treatment("{run: a, matrix: {os: [a], exclude: [{oz: a}]}}"),
            4,
            48,
            "/treatments/build/matrix/exclude/0/oz",
            "“oz”",
        ),
        Case(
            treatment("{run: a, matrix: {os: [a], exclude: [{os: a}]}}"),
            4,
            19,
            "/treatments/build/matrix",
            "no combinations",
        ),
    ],
    Code.MATRIX_TOO_LARGE: [
        Case(
            treatment(f"{{run: a, matrix: {{a: {list(range(50))}, b: {list(range(50))}}}}}"),
            4,
            19,
            "/treatments/build/matrix",
            "50 × 50 = 2,500 combinations, 1,000",
        ),
        Case(
            treatment("{run: a, matrix: {" + ", ".join(f"{a}: {list(range(1000))}" for a in "abcdefghij") + "}}"),
            4,
            19,
            "/treatments/build/matrix",
            "= 1,000,000,000,000,000,000,000,000,000,000 combinations",
        ),
    ],
    Code.MATRIX_UNMATCHED: [
        Case(
            f"{HEAD}treatments:\n  a: {{run: x, matrix: {{n: [1]}}, outputs: {{o: Block<u8>}}}}\n"
            "  b: {run: x, matrix: {n: [1, 2]}, inputs: {i: Block<u8>}}\nconnections: [a.o -> b.i]\n",
            5,
            15,
            "/treatments/b/matrix",
            "“b:2” takes a.o, but “a” has no instance with n “2”",
        ),
        Case(
            f"{HEAD}treatments:\n  a: {{run: x, matrix: {{n: [1], include: [{{n: 2, m: 1}}, {{n: 2, m: 2}}]}}, "
            "outputs: {o: Block<u8>}}\n"
            "  b: {run: x, matrix: {n: [2]}, inputs: {i: Block<u8>}}\nconnections: [a.o -> b.i]\n",
            5,
            15,
            "/treatments/b/matrix",
            "has 2 instances with n “2”",
        ),
    ],
    Code.TOO_MANY_TREATMENTS: [
        Case(
            HEAD
            + "treatments:\n"
            + "".join(f"  t{n}: {{run: x, matrix: {{a: &a{n} {list(range(1000))}}}}}\n" for n in range(10)),
            3,
            1,
            "/treatments",
            "10,010 treatments",
        )
    ],
    Code.UNKNOWN_ENVIRONMENT: [
        Case(
            treatment("{run: a, environment: prod}"),
            4,
            32,
            "/treatments/build/environment",
            "no environment “prod”",
            Context(environments={"production": EnvironmentSet(name="production")}),
        )
    ],
    Code.BAD_VARIABLE_NAME: [
        Case(treatment("{run: a, env: {A-B: x}}"), 4, 25, "/treatments/build/env/A-B", "“A-B”"),
        Case(treatment("{run: a, secrets: {1A: x}}"), 4, 29, "/treatments/build/secrets/1A", "“1A”"),
    ],
    Code.RESERVED_VARIABLE: [
        Case(treatment("{run: a, env: {CADENCE_X: x}}"), 4, 25, "/treatments/build/env/CADENCE_X", "reserved")
    ],
    Code.VARIABLE_SET_TWICE: [
        Case(treatment("{run: a, env: {A: x}, secrets: {A: y}}"), 4, 42, "/treatments/build/secrets/A", "in secrets")
    ],
}
BINDING_CASES: dict[Code, tuple[dict[str, object], str, str]] = {
    Code.UNKNOWN_PARAMETER: ({"count": 1, "cuont": 2}, "/cuont", "no parameter “cuont”"),
    Code.MISSING_PARAMETER: ({}, "/count", "has to be given"),
    Code.BAD_PARAMETER: ({"count": "many"}, "/count", "a whole number is wanted for u8"),
}


@pytest.mark.parametrize(
    ("code", "case"),
    [pytest.param(code, case, id=f"{code}-{n}") for code in CASES for n, case in enumerate(CASES[code])],
)
def test_points_at_the_mistake_and_says_what_it_is(code: Code, case: Case) -> None:
    checked = validate(case.source, context=case.context)

    finding = next(found for found in checked.findings if found.code == code and found.pointer == case.pointer)
    assert (finding.line, finding.column) == (case.line, case.column)
    assert case.message in finding.message
    assert (checked.pipeline is None) == (finding.severity is Severity.ERROR)


@pytest.mark.parametrize("code", BINDING_CASES)
def test_given_parameters_are_checked(code: Code) -> None:
    given, pointer, message = BINDING_CASES[code]
    pipeline = validate(ONE + "parameters: {count: {type: u8}}").pipeline
    assert pipeline is not None

    (finding,) = bind_parameters(pipeline, given).findings

    assert (finding.code, finding.pointer) == (code, pointer)
    assert message in finding.message


def test_every_code_has_a_test() -> None:
    assert CASES.keys() | BINDING_CASES.keys() | REFUSALS.keys() == set(Code)


def test_every_code_has_a_row_in_the_documentation_and_no_other() -> None:
    text = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")

    documented = re.findall(r"^\| `([a-z-]+)` \| .+ \| .+ \| .+ \|$", text, re.MULTILINE)

    assert sorted(documented) == sorted(Code)


@pytest.mark.parametrize(
    "source",
    [
        joins("matrix: {python: [a, b]}, ", "matrix: {python: [a, b]}", "{type: Stream<byte>, path: r.xml}"),
        joins("", "shell: sh", "{type: Stream<byte>, path: r.xml}"),
        joins("", "matrix: {python: [a, b]}", "Stream<byte>"),
    ],
    ids=["paired", "no group", "a stream without a file"],
)
def test_files_that_are_not_joined_cause_no_warning(source: str) -> None:
    assert validate(source).findings == ()
