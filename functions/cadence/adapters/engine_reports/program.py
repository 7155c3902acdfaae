"""A program as its engine dumps it, without its secrets."""

from collections.abc import Iterator
from typing import Any

import msgspec

from cadence.domain.melodium.redaction import Masks, is_secret
from cadence.domain.shared.errors import InvalidRequest

_REDACTED = {"string": "***"}
_EMPTY = {"option": None}
_WRAP = "wrap"
_DEEPEST = 400


def redacted_program(content: bytes, masks: Masks) -> bytes:
    """Replaces defaults and arguments whose names indicate a secret, and their texts elsewhere.

    Raises InvalidRequest.
    """
    try:
        read = msgspec.json.decode(content)
        if not isinstance(read, dict):
            raise InvalidRequest("This is no dump of a program.")
        _learn(read, masks, 0)
        return msgspec.json.encode(_shown(read, masks, 0))
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest("This is no dump of a program.") from error


def _learn(value: Any, masks: Masks, depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidRequest("The dump of the program is nested too deeply.")
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "parameters" and isinstance(each, dict):
                for parameter, argument in each.items():
                    if is_secret(parameter):
                        for raw in _raws(argument):
                            masks.learn_raw(raw)
            _learn(each, masks, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _learn(each, masks, depth + 1)


def _shown(value: Any, masks: Masks, depth: int) -> Any:
    if isinstance(value, dict):
        return {
            name: _parameters(each, masks, depth)
            if name == "parameters" and isinstance(each, dict)
            else _shown(each, masks, depth + 1)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_shown(each, masks, depth + 1) for each in value]
    return masks.masked(value) if isinstance(value, str) else value


def _parameters(given: dict[str, Any], masks: Masks, depth: int) -> dict[str, Any]:
    return {
        name: _without_value(each, masks, depth) if is_secret(name) else _shown(each, masks, depth + 1)
        for name, each in given.items()
    }


def _without_value(parameter: Any, masks: Masks, depth: int) -> Any:
    """Removes the value: a declaration keeps all but its default, an argument its existence only, unless it is a
    variable's name.
    """
    if isinstance(parameter, dict) and "described_type" in parameter:
        shown = _shown({**parameter, "default": None}, masks, depth + 1)
        default = parameter.get("default")
        return {**shown, "default": _EMPTY if default == _EMPTY else None if default is None else _REDACTED}
    if isinstance(parameter, dict) and "variable" in parameter:
        return parameter
    if isinstance(parameter, dict) and ("raw" in parameter or "function" in parameter or "array" in parameter):
        return {"raw": _REDACTED}
    return _REDACTED


def _raws(parameter: Any) -> Iterator[Any]:
    """Yields the raw values that a secret parameter has, in a declaration (`default`), a design, or an argument.

    Of functions only `wrap` passes its argument on: what others get (`format`, `entry`) are no secrets themselves.
    """
    if not isinstance(parameter, dict):
        return
    if "described_type" in parameter:
        yield parameter.get("default")
    elif "raw" in parameter:
        yield parameter["raw"]
    elif "array" in parameter:
        for item in parameter["array"]:
            yield from _raws(item)
    elif "function" in parameter:
        identifier, *_, arguments = parameter["function"]
        for argument in arguments if identifier.get("name") == _WRAP else ():
            yield from _raws(argument)
    elif "variable" not in parameter and "context" not in parameter:
        yield parameter
