"""Documents that are valid, and runs of them that are refused: for each finding that only a run can bring about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.pipelines.document import Code, PoolOffer

PARAMETERS = (
    "parameters: {any: {type: string}, list: {type: Vec<string>}, number: {type: i64}, some: {type: Option<u8>}}\n"
)


@dataclass(frozen=True)
class Refusal:
    """`message` is part of what is said, `pointer` the place in the document."""

    body: str
    pointer: str
    message: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=lambda: {"kind": "api"})
    environments: Mapping[str, EnvironmentSet] | None = None
    pools: Mapping[str, PoolOffer] | None = None

    @property
    def document(self) -> str:
        return f"cadence: 1\nname: sample\n{PARAMETERS}treatments:\n{self.body}"


def one(body: str) -> str:
    return f"  build: {{run: make, {body}}}\n"


POOLS = {"big": PoolOffer(architectures=frozenset({"amd64"}), max_cpu=4_000, max_memory=4_000, images=False)}
PRODUCTION = {"production": EnvironmentSet(name="production", branches=("main", "release/*"))}
REFUSALS: dict[Code, list[Refusal]] = {
    Code.EXPRESSION_FAILED: [
        Refusal(one('env: {A: "${{ event.tag }}"}'), "/treatments/build/env/A", "event has no “tag”. There is: kind."),
        Refusal(one("env: {A: \"${{ event.tag + 'x' }}\"}"), "/treatments/build/env/A", "(event.tag is missing)"),
        Refusal(one('env: {A: "${{ parameters.some }}"}'), "/treatments/build/env/A", "parameters has no “some”"),
        Refusal(
            one('cpu: "${{ 10 / parameters.number }}"'),
            "/treatments/build/cpu",
            "divides by zero. (parameters.number is “0”)",
            {"number": 0},
        ),
        Refusal(one('when: "${{ parameters.any }}"'), "/treatments/build/when", "is text", {"any": "yes"}),
        Refusal(
            one('env: {A: "${{ parameters.list.map(x, x) }}"}'),
            "/treatments/build/env/A",
            "too long",
            {"list": ["x"] * 20_000},
        ),
        Refusal(
            one('matrix: {a: "${{ parameters.any }}", b: "${{ event.tag }}"}'),
            "/treatments/build/matrix/b",
            "event has no “tag”",
            {"any": "x"},
        ),
    ],
    Code.WRONG_TYPE: [
        Refusal(one('cpu: "${{ parameters.any }}"'), "/treatments/build/cpu", "not text “many”", {"any": "many"})
    ],
    Code.OUT_OF_RANGE: [
        Refusal(one('memory: "${{ parameters.number }}"'), "/treatments/build/memory", "-5", {"number": -5})
    ],
    Code.WRONG_FORM: [
        Refusal(
            one('image: "python:${{ parameters.any }}"'), "/treatments/build/image", "“python:3 13”", {"any": "3 13"}
        ),
        Refusal(one('image: "python:${{ parameters.any }}"'), "/treatments/build/image", "${{", {"any": "${{ 1 }}"}),
    ],
    Code.WRONG_VALUE: [
        Refusal(one('arch: "${{ parameters.any }}"'), "/treatments/build/arch", "“x86”", {"any": "x86"})
    ],
    Code.BAD_NAME: [
        Refusal(one('pools: ["${{ parameters.any }}"]'), "/treatments/build/pools/0", "“No Pool”", {"any": "No Pool"})
    ],
    Code.WRONG_SIZE: [
        Refusal(
            one('env: {A: "${{ parameters.any }}"}'),
            "/treatments/build/env/A",
            "more than 32,768",
            {"any": "x" * 40_000},
        )
    ],
    Code.BAD_MATRIX: [
        Refusal(one('matrix: {a: "${{ parameters.any }}"}'), "/treatments/build/matrix/a", "no list", {"any": "x"})
    ],
    Code.MATRIX_TOO_LARGE: [
        Refusal(
            one('matrix: {a: "${{ parameters.list }}", b: "${{ parameters.list }}"}'),
            "/treatments/build/matrix",
            "40 × 40 = 1,600 combinations, 1,000",
            {"list": [str(n) for n in range(40)]},
        )
    ],
    Code.TOO_MANY_TREATMENTS: [
        Refusal(
            "".join(f'  t{n}: {{run: x, matrix: {{a: "${{{{ parameters.list }}}}"}}}}\n' for n in range(11)),
            "/treatments",
            "10,010 treatments",
            {"list": [str(n) for n in range(1_000)]},
        )
    ],
    Code.UNKNOWN_POOL: [
        Refusal(
            one('pools: ["${{ parameters.any }}"]'),
            "/treatments/build/pools/0",
            "no pool “bgi”",
            {"any": "bgi"},
            pools=POOLS,
        )
    ],
    Code.POOL_TOO_SMALL: [
        Refusal(
            one('memory: "${{ parameters.number }}"'),
            "/treatments/build",
            "offers all it asks for: memory 5,000",
            {"number": 5_000},
            pools=POOLS,
        ),
        Refusal(
            one('matrix: {m: [1000, 9000]}, cpu: "${{ matrix.m }}"'),
            "/treatments/build",
            "“build:9000” (big) offers all it asks for: cpu 9,000",
            pools=POOLS,
        ),
    ],
    Code.ARCHITECTURE_NOT_OFFERED: [
        Refusal(
            one('arch: "${{ parameters.any }}"'), "/treatments/build/arch", "has arm64", {"any": "arm64"}, pools=POOLS
        )
    ],
    Code.IMAGE_NOT_OFFERED: [
        Refusal(
            one('image: "python:${{ parameters.any }}"'),
            "/treatments/build/image",
            "can run images",
            {"any": "3"},
            pools=POOLS,
        )
    ],
    Code.MATRIX_UNMATCHED: [
        Refusal(
            "  build: {run: x, when: '${{ event.kind != \"\" }}', matrix: {a: [x, y], exclude: [{a: y}]}, outputs: {o: Block<u8>}}\n"
            "  test: {run: x, matrix: {a: [x, y]}, inputs: {i: Block<u8>}}\nconnections: [build.o -> test.i]\n",
            "/treatments/test/matrix",
            "“test:y” takes build.o, but “build” has no instance with a “y”",
        ),
        Refusal(
            "  build: {run: x, matrix: {a: [x], include: [{a: y, b: 1}, {a: y, b: 2}]}, outputs: {o: Block<u8>}}\n"
            "  test: {run: x, when: '${{ event.kind != \"\" }}', matrix: {a: [y]}, inputs: {i: Block<u8>}}\nconnections: [build.o -> test.i]\n",
            "/treatments/test/matrix",
            "has 2 instances",
        ),
    ],
    Code.UNKNOWN_ENVIRONMENT: [
        Refusal(
            one('environment: "${{ parameters.any }}"'),
            "/treatments/build/environment",
            "no environment “prod”",
            {"any": "prod"},
            environments=PRODUCTION,
        )
    ],
    Code.ENVIRONMENT_CLOSED: [
        Refusal(
            one("environment: production"),
            "/treatments/build/environment",
            "only for runs of main, release/*; this run is of “dev”",
            event={"kind": "push", "branch": "dev"},
            environments=PRODUCTION,
        ),
        Refusal(
            one("environment: production"),
            "/treatments/build/environment",
            "of no branch",
            event={"kind": "pull_request", "branch": "main"},
            environments=PRODUCTION,
        ),
    ],
}
