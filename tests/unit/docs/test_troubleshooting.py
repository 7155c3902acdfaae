"""Each message of the page about messages is one that the code has: the words of it that never change."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
FOLDERS = ("functions/cadence", "functions/api", "runner_bootstrap/agent")


@pytest.fixture(scope="module")
def code() -> str:
    """The Python of the product, with texts that go over several lines joined as Python joins them."""
    files = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return re.sub(r"\"\s*\n\s*f?\"", "", text)


def test_the_page_has_messages() -> None:
    assert len(MESSAGES) > 20


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_in_the_code(message: str, code: str) -> None:
    parts = [part.strip() for part in re.split(r"…|\(|\d+|[A-Z]{4,}", message)]
    missing = [part for part in parts if len(part) > 2 and part not in code]
    assert missing == []
