"""Reads a request's query and body. Anything that a client sends ends in a model or in a 4xx problem."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.endpoint import JSON, Body, Endpoint, Model
from api.pattern_words import in_words
from api.problems import Malformed, UnsupportedMediaType
from cadence.domain.shared.errors import InvalidRequest, TooLarge, Violation
from cadence.domain.shared.json_pointer import pointer

FORM = "application/x-www-form-urlencoded"
LARGEST_BODY = 5 * 1024 * 1024
_MOST_PARAMETERS = 50

M = TypeVar("M", bound=Model)


def read_query(model: type[M], raw: str) -> M:
    """Returns the query's model.

    Raises Malformed for what is no query string, InvalidRequest for wrong, repeated or unknown parameters.
    """
    pairs = _pairs(raw, "The query string")
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            message = f"The parameter {name!r} is given more than once."
            raise InvalidRequest(message, [Violation(name, message, "repeated")])
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        _refuse(error, "The query is not valid.", separator=".")


def read_body(endpoint: Endpoint, model: type[Body], event: Mapping[str, Any], content_type: str) -> Body:
    """Returns the body's model. Raises TooLarge, UnsupportedMediaType, Malformed or InvalidRequest."""
    media, _, _ = content_type.partition(";")
    media = media.strip().lower() or JSON
    as_json = (JSON, endpoint.content_type) if endpoint.content_type.endswith("+json") else (JSON,)
    if media not in as_json and media not in endpoint.also_text:
        understood = ", ".join((*as_json, *endpoint.also_text))
        raise UnsupportedMediaType(f"Send {understood}; {media[:100]!r} is not understood here.")
    text = _text(event)
    value: Any
    if media == FORM:
        value = dict(_pairs(text, "The form"))
    else:
        value = {"document": text} if media in endpoint.also_text else _json(text)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        _refuse(error, "The body is not valid.", separator="/")


def _pairs(text: str, what: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise Malformed(f"{what} cannot be read: it is not UTF-8, or has too many parameters.") from None


def _text(event: Mapping[str, Any]) -> str:
    body = event.get("body") or ""
    if len(body) > LARGEST_BODY * 4 // 3 + 4:
        raise _too_large()
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        text = raw.decode()
    except binascii.Error:
        raise Malformed("The body is marked as base64, but is not.") from None
    except UnicodeError:
        raise Malformed("The body is not UTF-8.") from None
    if len(raw) > LARGEST_BODY:
        raise _too_large()
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None
    except RecursionError:
        raise Malformed("The body is nested too deeply.") from None
    except ValueError as error:
        raise Malformed(f"The body is not JSON: {error}.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than the {LARGEST_BODY:,} bytes that are accepted.", limit=LARGEST_BODY)


def _refuse(error: ValidationError, message: str, separator: str) -> NoReturn:
    """States where and what, never the value itself: it may be a secret."""
    violations = [
        Violation(_pointer(problem["loc"], separator), _message(problem), problem["type"])
        for problem in error.errors(include_url=False, include_input=False)
    ]
    raise InvalidRequest(message, violations[:100]) from None


def _message(problem: ErrorDetails) -> str:
    if problem["type"] == "string_pattern_mismatch":
        return in_words(problem["ctx"]["pattern"])
    return problem["msg"]


def _pointer(location: tuple[int | str, ...], separator: str) -> str:
    if separator == ".":
        return ".".join(map(str, location))
    return pointer(location)
