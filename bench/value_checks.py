"""How fast the agent checks the values of a stream, by type: 8 MiB of lines again and again, in memory."""

import random
import time
from collections.abc import Callable

from runner_bootstrap.agent.logs.masking import Masker
from runner_bootstrap.agent.values.chunks import CHUNK_BYTES
from runner_bootstrap.agent.values.type_checks import checker

_ROUNDS = 5


def rates() -> dict[str, float]:
    """Type → MB/s. Bytes are not in it: they are not looked at."""
    chance = random.Random(1)
    lines: dict[str, tuple[str, Callable[[], str]]] = {
        "string, English": ("string", lambda: "the quick brown fox jumps over the lazy dog " * 2),
        "string, not ASCII": ("string", lambda: "größe élève ночь 日本語 " * 3),
        "u64": ("u64", lambda: str(chance.randrange(10**9))),
        "f64": ("f64", lambda: repr(chance.random())),
        "bool": ("bool", lambda: chance.choice(("true", "false"))),
        "Vec<u64> of 20": ("Vec<u64>", lambda: str([chance.randrange(10**6) for _ in range(20)])),
        "Option<u64>": ("Option<u64>", lambda: str(chance.randrange(10**9))),
    }
    return {name: _rate(type_, line) for name, (type_, line) in lines.items()}


def _rate(type_: str, line: Callable[[], str]) -> float:
    content = bytearray()
    while len(content) < CHUNK_BYTES:
        content += line().encode() + b"\n"
    check = checker("x", type_, Masker([]))
    assert check
    began = time.perf_counter()
    for _ in range(_ROUNDS):
        check.check(content, len(content), last=False)
    return _ROUNDS * len(content) / 1e6 / (time.perf_counter() - began)
