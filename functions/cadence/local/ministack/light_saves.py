"""Makes MiniStack's saves light, since they happen every few seconds.

MiniStack hashes the archive of every Lambda at each save (45 of 5 MB), and writes JSON piece by piece in Python. It
copies what it is about to write, value by value; if something is added meanwhile, the copy fails, and the service is
not saved. The encoder in C needs no copy: nothing else runs while it encodes a table, a queue or an execution.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import cloudformation, dynamodb, kinesis, lambda_svc, sqs, stepfunctions

from cadence.local.ministack.replaced_names import with_names

WriteBlob = Callable[[bytes], str]
GetState = Callable[[], dict[str, Any]]

# Those that change while they are saved, or have much to copy. Their states are what they have in memory, copied.
_UNCOPIED: tuple[Any, ...] = (cloudformation, dynamodb, kinesis, sqs, stepfunctions)


def install() -> None:
    """Lets MiniStack save in this way."""
    blobs: Any = lambda_svc
    blobs._write_code_blob = once(  # noqa: SLF001 (no public way)
        blobs._write_code_blob,  # noqa: SLF001
        lambda digest: Path(blobs.CODE_BLOB_DIR, f"{digest}.zip"),
    )
    encoding: Any = persistence
    encoding.json = SimpleNamespace(**{**vars(json), "dump": dump})
    encoding._json_default = at_one_moment(encoding._json_default)  # noqa: SLF001
    for service in _UNCOPIED:
        service.get_state = uncopied(service.get_state)
    blobs.get_state = lambdas_of_now(blobs.get_state)


def uncopied(get_state: GetState) -> GetState:
    """Returns ``get_state`` of a service, which returns what is in memory itself instead of a copy."""

    def state() -> dict[str, Any]:
        found: dict[str, Any] = with_names(get_state, copy=SimpleNamespace(deepcopy=lambda value: value))()
        return found

    return state


def lambdas_of_now(get_state: GetState) -> GetState:
    """Returns ``get_state`` of the Lambdas, which copies of a function only what it replaces by a reference: its code.

    What it goes through and what it copies are copies in one step, so that it may change meanwhile.
    """

    def state() -> dict[str, Any]:
        functions = SimpleNamespace(_data=dict(lambda_svc._functions._data))  # noqa: SLF001
        copying = SimpleNamespace(deepcopy=_copied_function)
        found: dict[str, Any] = with_names(get_state, copy=copying, _functions=functions)()
        return found

    return state


def _copied_function(value: Any) -> Any:
    """Copies a function with its versions; everything else is returned as it is."""
    if not isinstance(value, dict) or "versions" not in value:
        return value
    return {**value, "versions": {name: dict(one) for name, one in value["versions"].copy().items()}}


def at_one_moment(encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Returns the encoder of what JSON does not know, for which the members of a scoped dictionary stay the same."""

    def encode_scoped(value: Any) -> Any:
        if isinstance(value, AccountScopedDict | AccountRegionScopedDict):
            kept = type(value)()
            kept._data = dict(value._data)  # noqa: SLF001 (a copy in one step)
            return encode(kept)
        return encode(value)

    return encode_scoped


def once(write: WriteBlob, path: Callable[[str], Path]) -> WriteBlob:
    """Returns ``write``, which is not called again for the same object while the file that it wrote is there."""
    written: dict[int, tuple[bytes, str]] = {}  # an id is unique only while its object is kept

    def write_once(content: bytes) -> str:
        kept, digest = written.get(id(content), (None, ""))
        if kept is content and path(digest).exists():
            return digest
        digest = write(content)
        written[id(content)] = content, digest
        return digest

    return write_once


def dump(value: Any, file: TextIO, **options: Any) -> None:
    """Writes what ``json.dump`` writes, by the encoder in C, which ``json.dump`` does not use."""
    file.write(json.dumps(value, **options))
