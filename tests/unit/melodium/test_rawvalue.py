"""Values lose nothing on the way, but what is secret."""

import json
from collections.abc import Mapping
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.adapters.engine_reports.serialised import SerialisedData
from cadence.domain.melodium.rawvalue import Keeping, type_text
from cadence.domain.melodium.redaction import Masks, is_secret

BITS = {f"{sign}{size}": size for sign in "iu" for size in (8, 16, 32, 64, 128)}


def keeping(masks: Masks | None = None) -> Keeping:
    masks = masks or Masks()
    return Keeping(masks, SerialisedData(masks).read)


def integers(kind: str) -> st.SearchStrategy[tuple[Any, str]]:
    size = BITS[kind]
    low, high = (0, 2**size - 1) if kind.startswith("u") else (-(2 ** (size - 1)), 2 ** (size - 1) - 1)
    return st.integers(low, high).map(lambda number: ({kind: number}, kind))


plain = st.one_of(
    *(integers(kind) for kind in BITS),
    st.booleans().map(lambda value: ({"bool": value}, "bool")),
    st.integers(0, 255).map(lambda value: ({"byte": value}, "byte")),
    st.text(max_size=20).filter(lambda text: "://" not in text).map(lambda text: ({"string": text}, "string")),
    st.just(({"void": None}, "void")),
)
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        inner.map(lambda one: ({"option": one[0]}, f"Option<{one[1]}>")),
        inner.map(lambda one: ({"option": None}, f"Option<{one[1]}>")),
        inner.flatmap(lambda one: st.integers(0, 3).map(lambda count: ({"vec": [one[0]] * count}, f"Vec<{one[1]}>"))),
    ),
    max_leaves=4,
)


def restored(value: Any, type_: str) -> Any:
    """The value as an engine writes it, from what is kept and the type."""
    if type_.startswith("Vec<"):
        return {"vec": [restored(one, type_[4:-1]) for one in value]}
    if type_.startswith("Option<"):
        if value is None:
            return {"option": None}
        inner = value["some"] if isinstance(value, Mapping) and "some" in value else value
        return {"option": restored(inner, type_[7:-1])}
    return {type_: value}


@given(values)
def test_with_its_type_a_value_can_be_made_again(said: tuple[Any, str]) -> None:
    raw, type_ = said
    line = msgspec.json.encode(keeping().keep(raw).value)
    assert b"\n" not in line
    assert restored(json.loads(line), type_) == raw


@pytest.mark.parametrize(
    "raw", [None, 1, {}, {"u8": 1, "u16": 2}, {"nothing": 1}, {"vec": 3}, {"data": []}, {"data": [{}, ["x"]]}]
)
def test_what_is_no_value_is_refused(raw: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        keeping().keep(raw)


def data(name: str, content: Any, path: tuple[str, ...] = ("process", "environment")) -> dict[str, Any]:
    return {"data": [{"version": "0.10.2", "path": list(path), "name": name}, list(cbor2.dumps(content))]}


def test_an_environment_is_shown_without_its_secrets() -> None:
    variables = {"map": {"PATH": "/bin", "GIT_TOKEN": "hush-hush", "HOME": "/root"}}
    kept = keeping().keep(data("Environment", {"working_directory": None, "clear_env": False, "variables": variables}))
    assert kept.type == "process/environment::Environment"
    shown = kept.value["value"]["variables"]["map"]
    assert shown == {"PATH": "/bin", "GIT_TOKEN": {"redacted": True}, "HOME": "/root"}
    assert "cbor" not in kept.value and "hush" not in json.dumps(kept.value)


def test_what_holds_no_secret_keeps_its_own_bytes() -> None:
    command = {"command": "git", "arguments": ["clone", "https://example.org/x"]}
    kept = keeping().keep(data("Command", command, ("process", "command")))
    assert kept.value["value"] == command and kept.value["cbor"]


def test_access_to_workers_is_not_kept_at_all() -> None:
    kept = keeping().keep(data("Access", {"self_key": "0f8c3c8e"}, ("work", "access")))
    assert kept.value == {"redacted": True}


def test_secrets_are_masked_wherever_they_come_up_again() -> None:
    masks = Masks()
    masks.learn({"string": "hush-hush"})
    assert masks.masked("say hush-hush, then") == "say ***, then"
    assert masks.masked_bytes(b"..hush-hush..") == b"..***.."
    later = Masks(masks.known())
    assert later.masked("say hush-hush, then") == "say ***, then"
    assert later.masked("https://user:pass@example.org/x") == "https://***@example.org/x"
    assert "hush" not in str(masks.known())


def test_names_tell_of_secrets() -> None:
    assert all(map(is_secret, ("api_token", "GIT_TOKEN", "secretKey", "password", "DB_PASSWD", "credentials", "auth")))
    assert not any(map(is_secret, ("name", "author", "command", "build_location")))


def test_types_are_told_with_what_generics_stand_for() -> None:
    described = {"vec": {"option": {"generic": {"name": "T", "traits": []}}}}
    assert type_text(described, {"T": "u128"}) == "Vec<Option<u128>>"
    assert type_text({"data": {"identifier": {"path": ["std", "json"], "name": "Json"}}}, {}) == "std/json::Json"
