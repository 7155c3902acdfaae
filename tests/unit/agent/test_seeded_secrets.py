"""Two hundred secrets, printed in every way that a script would: nothing of them is left in the lines."""

import base64
import itertools
import re

import pytest

from runner_bootstrap.agent.logs.masking import LineMasker, Masker
from tests.unit.agent.seeded_secrets import WAYS, secrets

SECRETS = secrets()
# Nobody guesses a secret from so few of its characters.
_REVEALING = 8
_RUN = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


def lines_of(masker: LineMasker, text: str) -> str:
    lines = [*itertools.chain.from_iterable(masker.feed(line) for line in text.split("\n")), *masker.flush()]
    return "\n".join(lines)


def pieces(secret: str) -> set[str]:
    """Every piece of a secret that would reveal much of it."""
    lines = [line for line in secret.split("\n") if line]
    return {line[at : at + _REVEALING] for line in lines for at in range(max(1, len(line) - _REVEALING + 1))}


def readings(text: str) -> str:
    """The text, and what its base64 and hexadecimal parts mean at each alignment."""
    found = [text]
    for run in _RUN.findall(text):
        for start in range(4):
            part = run[start:].rstrip("=").replace("-", "+").replace("_", "/")
            part = part[: len(part) - len(part) % 4]
            found.append(base64.b64decode(part).decode("utf-8", "replace"))
        for start in range(2):
            digits = re.match(r"(?:[0-9A-Fa-f]{2})*", run[start:])
            found.append(bytes.fromhex(digits[0] if digits else "").decode("utf-8", "replace"))
    return "\n".join(found)


@pytest.mark.parametrize("way", sorted(WAYS))
def test_nothing_of_a_secret_is_left(way: str) -> None:
    left = {}
    for secret in SECRETS:
        printed = WAYS[way](secret)
        masked = readings(lines_of(LineMasker(Masker([secret])), printed))
        if found := [piece for piece in pieces(secret) if piece in masked]:
            left[secret] = (found[0], masked[:300])
    assert left == {}


def test_secrets_of_every_format_are_tried() -> None:
    assert len(set(SECRETS)) == len(SECRETS) == 200
