"""Distinguished names of LDAP (RFC 4514), as they are compared."""

import re

from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn

_ESCAPED = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|(.))", re.DOTALL)

NormalName = tuple[tuple[str, str, str], ...]


def normal_name(name: str) -> NormalName | None:
    """Returns a name in a form that is equal for all spellings of it; None for what is no name.

    Its parts stay apart: a comma within a value never becomes one between parts.
    """
    try:
        parts = parse_dn(name, escape=False, strip=True)
    except (LDAPInvalidDnError, IndexError, ValueError):
        return None
    return tuple((kind.strip().lower(), _value(value), separator) for kind, value, separator in parts)


def _value(text: str) -> str:
    raw = _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()) if match[1] else match[2], text.encode())
    return " ".join(raw.decode("utf-8", "replace").casefold().split())
