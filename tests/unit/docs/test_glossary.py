"""docs/glossary.md has each word of the domain once, in order, with one sentence."""

import json
import re
from collections.abc import Iterator
from typing import Any

from cadence.domain.pipelines.document import pipeline_schema
from cadence.domain.runners.runner import RunnerState
from cadence.domain.runs.edge import Trigger
from cadence.domain.runs.states import RunState, TreatmentState
from tests.unit.docs.pages import DOCS

TEXT = (DOCS / "glossary.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^- \*\*(.+?)\*\*: (.+(?:\n  .+)*)", TEXT, re.MULTILINE)
WORDS = [word.strip("`") for word, _ in ENTRIES]


def test_words_are_in_order_and_stand_once() -> None:
    assert sorted(WORDS, key=str.casefold) == WORDS
    assert len(set(map(str.casefold, WORDS))) == len(WORDS)


def test_each_has_one_sentence() -> None:
    wrong = [
        word for word, sentence in ENTRIES if not re.fullmatch(r"[^.]*(?:\.\w[^.]*)*\.", " ".join(sentence.split()))
    ]
    assert wrong == []


def test_keys_of_documents_are_defined() -> None:
    assert set(_undescribed(pipeline_schema())) - set(WORDS) == set()


def test_settings_of_pools_are_defined() -> None:
    pool = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]["PoolBody"]
    assert {key for key, value in pool["properties"].items() if "description" not in value} - set(WORDS) == set()


def test_states_and_triggers_are_defined() -> None:
    states = {str(member) for names in (RunState, TreatmentState, RunnerState, Trigger) for member in names}
    assert states - set(WORDS) == set()


def _undescribed(schema: Any) -> Iterator[str]:
    """Yields the names of properties that have no description anywhere in the schema."""
    described: dict[str, bool] = {}
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            properties = part.get("properties", {})
            for name, value in properties.items() if isinstance(properties, dict) else ():
                described[name] = described.get(name, False) or (isinstance(value, dict) and "description" in value)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return (name for name, has_one in described.items() if not has_one)
