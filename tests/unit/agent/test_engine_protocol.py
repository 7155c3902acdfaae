"""What differs between releases of the engine: the protocol, values in it, keys, and secrets of commands."""

import os
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.containers import exec_request, exec_shim
from runner_bootstrap.agent.melodium import engine_binary
from runner_bootstrap.agent.melodium.engine_reports import require_permitted
from runner_bootstrap.agent.programs import batches, capture, cbor, secret_parameters
from runner_bootstrap.agent.programs.secret_parameters import SecretFiles
from runner_bootstrap.agent.shared.engine_release import release_of
from runner_bootstrap.agent.shared.errors import AgentError
from runner_bootstrap.agent.shared.key_files import KeyFiles
from runner_bootstrap.agent.shared.loopback import without_proxy


def test_the_release_decides_what_is_spoken() -> None:
    old, between, new, unknown = (release_of(version) for version in ("0.10.2", "0.10.4", "0.11.0", "next"))
    assert (old.protocol, old.packs_values, old.has_key_files) == ("0.1.0", False, False)
    assert (between.protocol, between.packs_values, between.has_debug_levels) == ("0.3.0", True, False)
    assert (new.protocol, new.packs_values, new.has_key_files, new.ends_gracefully) == ("0.3.0", True, True, True)
    assert unknown[1:] == new[1:]
    assert old.debug_level("full") == []
    assert [new.debug_level(policy)[1] for policy in ("full", "digest", "none")] == ["detailed", "basic", "none"]


VALUES: list[list[Any]] = [
    [{"u64": 1}, {"u64": 2**64 - 1}],
    [{"u128": 2**128 - 1}],
    [{"string": "zwölf"}, {"string": ""}],
    [{"void": None}],
    [{"option": None}, {"option": {"i8": -1}}],
    [{"vec": []}, {"vec": [{"string": "x"}]}],
    [{"data": [{"version": None, "path": ["json"], "name": "Json"}, [160]]}],
]


@pytest.mark.parametrize("values", VALUES, ids=lambda values: next(iter(values[0])))
def test_values_come_back_from_both_forms(values: list[Any]) -> None:
    assert batches.values_of(cbor.decode(batches.packed(values))) == values
    assert batches.values_of(cbor.decode(batches.tagged(values))) == values


def test_bytes_are_bytes() -> None:
    content = bytes(range(256))
    assert cbor.decode(batches.packed(content)) == {"Byte": content}
    assert batches.values_of({"Byte": content}) == content
    tagged = [{"byte": byte} for byte in content]
    assert batches.packed(tagged) == batches.packed(content)
    assert cbor.decode(batches.tagged(content)) == tagged


def test_lists_that_an_engine_packs_are_read() -> None:
    assert batches.values_of({"PackedU8": [[1, 2], []]}) == [{"vec": [{"u8": 1}, {"u8": 2}]}, {"vec": []}]
    assert batches.values_of({"PackedByte": [b"ab"]}) == [{"vec": [{"byte": 97}, {"byte": 98}]}]
    for unknown in ({"Strange": [1]}, {"PackedStrange": [[1]]}, {"U8": [1], "U16": [1]}, "x"):
        with pytest.raises(cbor.CborError):
            batches.values_of(unknown)


def test_a_frame_of_tagged_bytes_needs_no_generic_reader() -> None:
    def frame(data: bytes) -> bytes:
        start = cbor.head(5, 1) + cbor.encode("OutputData") + cbor.head(5, 3) + cbor.encode("id") + cbor.encode(7)
        return start + cbor.encode("name") + cbor.encode("data") + cbor.encode("data") + data

    assert batches.tagged_bytes(frame(batches.tagged(b"abc"))) == (7, "data", b"abc")
    assert batches.tagged_bytes(frame(batches.packed(b"abc"))) is None
    assert batches.tagged_bytes(frame(batches.tagged([{"u8": 1}]))) is None


def test_a_secret_of_a_command_comes_from_the_environment_of_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t")
    monkeypatch.delenv("GONE", raising=False)
    given = ["exec", "--env", "TOKEN", "--env", "PLAIN=a=b", "--env=TOKEN", "build", "sh", "-c", "x"]
    variables = exec_shim.variables_of(given)
    assert variables == {"TOKEN": "s3cr3t"}
    request = exec_request.parse(given, variables)
    assert request.env == {"TOKEN": "s3cr3t", "PLAIN": "a=b"}
    assert request.secrets == frozenset({"TOKEN"})
    assert request.command == ["sh", "-c", "x"]
    with pytest.raises(AgentError, match="names the variable GONE without giving its value"):
        exec_request.parse(["exec", "--env", "GONE", "build", "sh"], exec_shim.variables_of(["--env", "GONE"]))


def test_keys_are_in_files_of_this_user_only(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path / "keys", "to-receive", "to-send")
    given = list(keys.options)
    files = [Path(given[given.index(name) + 1]) for name in ("--recv-key-file", "--send-key-file")]
    assert [file.read_text() for file in files] == ["to-receive", "to-send"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    keys.remove()
    keys.remove()
    assert not (tmp_path / "keys").exists()


def test_a_capture_without_values_says_how_to_get_them() -> None:
    def named(path: str, name: str) -> dict[str, Any]:
        return {"version": "0.11.0", "path": [path], "name": name}

    place = {"treatment": named("std", "emit"), "host_treatment": "direct", "host_build": None, "build_id": 0}
    port = {"described_type": "u8", "flow": "block", "name": "out"}
    element = {"identifier": named("std", "emit"), "implementation_kind": "compiled", "parameters": {}}
    dump = {
        "entrypoint": named("demo", "main"),
        "collection": {
            "elements": [
                {"treatment": {**element, "inputs": {}, "outputs": {"out": port}}},
                {"treatment": {**element, "identifier": named("demo", "main")}},
            ]
        },
    }
    sent = {"output": {**place, "label": "say", "name": "out"}, "track_id": 0, "data": {"count": {"count": 1}}}
    built = {**place, "label": "say", "environment": {"track_id": 0, "variables": {}, "contexts": {}}}
    events: list[dict[str, Any]] = [{"kind": {"treatment_built": built}}, {"kind": {"data_sent": sent}}]
    with pytest.raises(capture.NotReplayable, match="run the program with --debug-level detailed"):
        capture.find(events, dump, "say")


@pytest.mark.parametrize(
    ("type_", "plain", "is_secret"),
    [
        ("Secret<string>", "string", True),
        ("Option<Secret<string>>", "Option<string>", True),
        ("Option<string>", "Option<string>", False),
    ],
)
def test_the_type_of_a_parameter_says_whether_it_is_a_secret(type_: str, plain: str, is_secret: bool) -> None:
    assert secret_parameters.plain_type(type_) == plain
    assert secret_parameters.is_secret(type_) is is_secret


def test_a_secret_is_given_in_a_file_of_this_user_or_with_its_policy(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path)
    scheme, _, path = files.locator("token", "two\nlines\n").partition(":")
    assert (scheme, Path(path).read_text(), Path(path).stat().st_mode & 0o777) == ("file", "two\nlines\n\n", 0o600)
    files.remove()
    assert not Path(path).parent.exists()
    told = secret_parameters.described("token", "Option<Secret<string>>", "x")
    assert told["option"]["secret"]["value"] == {"string": "x"}
    assert secret_parameters.described("token", "Secret<string>", "x")["secret"]["policy"]["plain_reveal"] is False


def test_an_engine_that_reports_all_values_does_not_run_where_none_are_kept() -> None:
    require_permitted(release_of("0.10.2"), "full")
    require_permitted(release_of("0.11.0"), "none")
    with pytest.raises(AgentError, match=r"0\.10\.2 reports every value, and this pool captures digests only"):
        require_permitted(release_of("0.10.2"), "digest")


def test_loopback_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "internal.example,127.0.0.1")
    assert without_proxy("127.0.0.1")["NO_PROXY"] == "internal.example,127.0.0.1,localhost"
    monkeypatch.delenv("NO_PROXY")
    assert without_proxy("127.0.0.1") == {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def test_all_engines_of_a_machine_are_found_the_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    for folder, version in (("a", "0.10.2"), ("b", "0.11.0"), ("c", "0.9.10"), ("d", "0.11.0")):
        program = tmp_path / folder / "melodium"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho melodium {version}\n")
        program.chmod(0o755)
        paths.append(str(program))
    monkeypatch.setenv("CADENCE_MELODIUM", os.pathsep.join([*paths, "/nowhere/melodium"]))
    monkeypatch.delenv("CADENCE_MELODIUM_IMAGE", raising=False)
    engine_binary.installed.cache_clear()
    try:
        assert [(engine.version, engine.path) for engine in engine_binary.installed()] == [
            ("0.11.0", paths[1]),
            ("0.10.2", paths[0]),
            ("0.9.10", paths[2]),
        ]
        assert engine_binary.in_words() == "0.11.0, 0.10.2, 0.9.10"
    finally:
        engine_binary.installed.cache_clear()
