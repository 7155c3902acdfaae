"""Checks the settings and the secret of each kind of channel."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from cadence.domain.alerts.channel import ChannelKind
from cadence.domain.shared.errors import InvalidRequest, Violation

_ADDRESS = re.compile(r"[^@\s,;<>\"\r\n]{1,64}@[A-Za-z0-9.-]{1,190}")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2,3}={0,2})?")
_MOST_RECIPIENTS = 50
_KINDS = {
    ChannelKind.SNS: (frozenset[str](), frozenset[str]()),
    ChannelKind.EMAIL: (frozenset({"to", "from", "host"}), frozenset({"port", "username", "encryption"})),
    ChannelKind.SLACK: (frozenset[str](), frozenset[str]()),
    ChannelKind.TEAMS: (frozenset[str](), frozenset[str]()),
    ChannelKind.PAGERDUTY: (frozenset[str](), frozenset({"url"})),
    ChannelKind.WEBHOOK: (frozenset({"url"}), frozenset[str]()),
}
_SECRETS = {
    ChannelKind.SLACK: "the address of the incoming webhook, which is a secret",
    ChannelKind.TEAMS: "the address of the workflow's webhook, which is a secret",
    ChannelKind.PAGERDUTY: "the integration key (routing key) of a service",
    ChannelKind.WEBHOOK: "a signing secret of at least 16 characters",
}


def generates_secret(kind: ChannelKind) -> bool:
    """Returns True if Cadence generates the channel's secret, rather than its receiver."""
    return kind is ChannelKind.WEBHOOK


def destination(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns where, and how well protected on the way, the secret of a channel with these settings is sent."""
    return {name: settings.get(name) for name in ("url", "host", "port", "encryption")}


def check_channel(kind: ChannelKind, settings: Mapping[str, Any], secret: str | None, *, has_secret: bool) -> None:
    """Raises InvalidRequest with all violations; `has_secret` if a stored secret stays in use without a new one."""
    violations = [*_settings(kind, settings), *_secret(kind, settings, secret, has_secret)]
    if violations:
        raise InvalidRequest(f"The channel of kind {kind} is not valid.", violations)


def _settings(kind: ChannelKind, settings: Mapping[str, Any]) -> Iterator[Violation]:
    required, optional = _KINDS[kind]
    for name in sorted(required - settings.keys()):
        yield Violation(f"/settings/{name}", f"A channel of kind {kind} needs `{name}`.", "missing")
    for name in sorted(settings.keys() - required - optional):
        known = ", ".join(sorted(required | optional)) or "none"
        yield Violation(
            f"/settings/{name}", f"A channel of kind {kind} has no setting {name!r}; it has: {known}.", "unknown"
        )
    if "url" in settings:
        yield from _url("/settings/url", settings["url"])
    if kind is ChannelKind.EMAIL:
        yield from _email(settings)


def _email(settings: Mapping[str, Any]) -> Iterator[Violation]:
    to = settings.get("to", [])
    if not (isinstance(to, list) and 0 < len(to) <= _MOST_RECIPIENTS and all(_is_address(each) for each in to)):
        yield Violation("/settings/to", f"`to` is a list of 1 to {_MOST_RECIPIENTS} e-mail addresses.")
    if "from" in settings and not _is_address(settings["from"]):
        yield Violation("/settings/from", "`from` is an e-mail address.")
    host = settings.get("host", "localhost")
    if not (isinstance(host, str) and _HOST.fullmatch(host)):
        yield Violation("/settings/host", "`host` is the name of an SMTP server.")
    port = settings.get("port", 587)
    if not (isinstance(port, int) and 0 < port < 65_536):
        yield Violation("/settings/port", "`port` is a number from 1 to 65535.")
    if settings.get("encryption", "starttls") not in ("starttls", "tls", "none"):
        yield Violation("/settings/encryption", "`encryption` is starttls, tls or none.")
    if not isinstance(settings.get("username", ""), str):
        yield Violation("/settings/username", "`username` is a text.")
    if settings.get("username") and settings.get("encryption") == "none":
        yield Violation("/settings/encryption", "A password is sent over encrypted connections only.")


def _secret(
    kind: ChannelKind, settings: Mapping[str, Any], secret: str | None, has_secret: bool
) -> Iterator[Violation]:
    if secret is None:
        if kind in _SECRETS and not has_secret:
            yield Violation("/secret", f"A channel of kind {kind} needs a secret: {_SECRETS[kind]}.", "missing")
        if kind is ChannelKind.EMAIL and settings.get("username") and not has_secret:
            yield Violation("/secret", "A channel with a `username` needs its password as the secret.", "missing")
        return
    if kind in (ChannelKind.SLACK, ChannelKind.TEAMS):
        yield from _url("/secret", secret)
    if kind is ChannelKind.WEBHOOK and len(secret) < 16:
        yield Violation("/secret", "A signing secret has at least 16 characters.")
    if kind is ChannelKind.WEBHOOK and secret.startswith("whsec_") and not _BASE64.fullmatch(secret[6:]):
        yield Violation("/secret", "What follows whsec_ in a signing secret is a key in base64.")
    if kind is ChannelKind.SNS:
        yield Violation("/secret", "A channel of kind sns has no secret.", "unknown")


def _url(pointer: str, url: Any) -> Iterator[Violation]:
    """Yields violations without quoting the address, which may be a secret."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        usable = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable, parts = False, None
    if not usable or parts is None:
        yield Violation(pointer, "This is not an address that begins with https:// or http://.")
    elif parts.username or parts.password:
        yield Violation(pointer, "An address must not contain a user name or a password.")


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None
