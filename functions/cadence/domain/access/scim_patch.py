"""Changes of SCIM documents (RFC 7644, 3.5.2), in the spellings of Entra ID and Okta.

Entra ID writes `Add`, `Replace`, `Remove`, puts `"False"` for false, names attributes with dots in values without a
path, and removes members with a list as the value. Okta leaves out the path and sends the changed attributes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from cadence.domain.access.scim import invalid
from cadence.domain.access.scim_filter import literal

_MOST_OPERATIONS = 1_000
_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"'
_PATH = re.compile(
    r"(?P<schema>urn:[A-Za-z0-9:._-]{1,160}:)?(?P<attribute>[A-Za-z][A-Za-z0-9_$-]{0,60})"
    rf"(?:\[\s*(?P<filter>[A-Za-z]{{1,60}})\s+eq\s+(?P<value>{_STRING}|true|false)\s*\])?"
    r"(?:\.(?P<sub>[A-Za-z]{1,60}))?",
    re.IGNORECASE,
)
_LISTS = ("emails", "members")
_OPERATIONS = ("add", "replace", "remove")
# Attributes of other schemas are not kept.
_CORE = "urn:ietf:params:scim:schemas:core:"
Document = dict[str, Any]


def apply_patch(document: Mapping[str, Any], operations: object) -> Document:
    """Returns a document with `operations` carried out in their order.

    Raises InvalidRequest with the code `invalidSyntax`, `invalidPath` or `noTarget`.
    """
    changed = deepcopy(dict(document))
    for operation in check_operations(operations):
        _apply(changed, operation)
    return changed


def check_operations(operations: object) -> list[object]:
    """Returns the operations. Raises InvalidRequest unless it is a list of them."""
    if not isinstance(operations, list) or not 1 <= len(operations) <= _MOST_OPERATIONS:
        message = f"Operations is a list of 1 to {_MOST_OPERATIONS:,} changes."
        raise invalid("Operations", message, "invalidSyntax")
    return operations


def _apply(document: Document, operation: object) -> None:
    if not isinstance(operation, Mapping):
        raise invalid("Operations", "Each operation is an object.", "invalidSyntax")
    given = {key.lower(): value for key, value in operation.items()}
    kind = str(given.get("op", "")).lower()
    if kind not in _OPERATIONS:
        raise invalid("op", f"op is one of {', '.join(_OPERATIONS)}.", "invalidSyntax")
    path, value = given.get("path"), given.get("value")
    if path is None or path == "":
        if kind == "remove":
            raise invalid("path", "remove needs a path.", "noTarget")
        if not isinstance(value, Mapping):
            raise invalid("value", "An operation without a path has an object as its value.", "invalidSyntax")
        for name, one in value.items():
            for inner, inner_value in _flat(str(name), one):
                _change(document, kind, inner, inner_value)
        return
    if not isinstance(path, str):
        raise invalid("path", "path is a text.", "invalidPath")
    _change(document, kind, path, value)


def _flat(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Yields an attribute, or those of the schema that it names."""
    if name.lower().startswith("urn:") and isinstance(value, Mapping):
        yield from ((f"{name}:{inner}", one) for inner, one in value.items())
    else:
        yield name, value


def _change(document: Document, kind: str, path: str, value: object) -> None:
    match = _PATH.fullmatch(path.strip())
    if match is None:
        raise invalid("path", f"The path {path[:100]!r} is not understood.", "invalidPath")
    if not (match["schema"] or _CORE).lower().startswith(_CORE):
        return
    attribute = _own_name(document, match["attribute"])
    if match["filter"]:
        _change_elements(document, kind, attribute, match, value)
    elif match["sub"]:
        _change_part(document, kind, attribute, match["sub"], value)
    elif attribute.lower() in _LISTS:
        _change_list(document, kind, attribute, value)
    elif kind == "remove":
        document.pop(attribute, None)
    elif isinstance(value, Mapping) and isinstance(document.get(attribute), dict):
        for name, one in value.items():
            _change_part(document, kind, attribute, str(name), one)
    else:
        document[attribute] = value


def _own_name(document: Mapping[str, Any], attribute: str) -> str:
    """Returns the name that the document has for an attribute; names are compared without regard to case."""
    return next((name for name in document if name.lower() == attribute.lower()), attribute)


def _change_part(document: Document, kind: str, attribute: str, sub: str, value: object) -> None:
    """Changes `name.givenName`."""
    whole = document.setdefault(attribute, {})
    if not isinstance(whole, dict):
        raise invalid("path", f"{attribute} has no part {sub[:60]!r}.", "invalidPath")
    name = _own_name(whole, sub)
    if kind == "remove":
        whole.pop(name, None)
    else:
        whole[name] = value


def _change_list(document: Document, kind: str, attribute: str, value: object) -> None:
    """Changes `members`: adds, replaces all, or removes those in `value`; all of them without a value."""
    elements = [_element(one) for one in _elements(document, attribute)]
    if kind == "remove":
        gone = {_identity(one) for one in _as_list(value)} if value is not None else {_identity(e) for e in elements}
        document[attribute] = [one for one in elements if _identity(one) not in gone]
    elif kind == "replace":
        document[attribute] = _as_list(value)
    else:
        added = {_identity(one): one for one in _as_list(value)}
        document[attribute] = [one for one in elements if _identity(one) not in added] + list(added.values())


def _change_elements(document: Document, kind: str, attribute: str, match: re.Match[str], value: object) -> None:
    """Changes `members[value eq "…"]`, or `emails[type eq "work"].value`, which is made if there is none."""
    key, wanted, sub = match["filter"], literal(match["value"]), match["sub"]
    elements = [_element(one) for one in _elements(document, attribute)]
    chosen = [one for one in elements if one.get(_own_name(one, key)) == wanted]
    if kind == "remove":
        if sub is None:
            elements = [one for one in elements if one not in chosen]
        for one in chosen if sub else ():
            one.pop(_own_name(one, sub or ""), None)
    else:
        if not chosen:
            chosen = [{key: wanted}]
            elements += chosen
        for one in chosen:
            one.update({_own_name(one, sub): value} if sub else _element(value))
    document[attribute] = elements


def _elements(document: Mapping[str, Any], attribute: str) -> Sequence[object]:
    elements = document.get(attribute) or []
    if not isinstance(elements, list):
        raise invalid("path", f"{attribute[:60]} is no list.", "invalidPath")
    return elements


def _as_list(value: object) -> list[Document]:
    return [_element(one) for one in value] if isinstance(value, list) else [_element(value)]


def _element(value: object) -> Document:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return {"value": value}
    raise invalid("value", "An element of a list is an object.", "invalidSyntax")


def _identity(element: Mapping[str, Any]) -> str:
    return str(element.get("value"))
