"""Users and groups as a provisioning service (SCIM 2.0, RFC 7643) describes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cadence.domain.access.scim_filter import Condition
from cadence.domain.shared.errors import InvalidRequest, TooLarge, Violation

MOST_MEMBERS = 10_000
_LONGEST = 256
_LONGEST_NAME = 100
_MOST_EMAILS = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

USER_FILTERS = ("id", "username", "externalid", "displayname", "active", "emails", "emails.value")
GROUP_FILTERS = ("id", "displayname", "externalid", "members", "members.value")
# Names of attributes are compared without regard to case.
_USER_NAMES = {name.lower(): name for name in ("userName", "externalId", "displayName", "active", "name", "emails")}
_GROUP_NAMES = {name.lower(): name for name in ("externalId", "displayName", "members")}


@dataclass(frozen=True)
class ScimEmail:
    """A mail address of a user."""

    value: str
    kind: str = ""
    primary: bool = False

    def document(self) -> dict[str, Any]:
        """Returns the address as a SCIM document."""
        document: dict[str, Any] = {"value": self.value, "primary": self.primary}
        return {**document, "type": self.kind} if self.kind else document


@dataclass(frozen=True, kw_only=True)
class ScimUserAttributes:
    """What a provisioning service may set of a user."""

    user_name: str
    external_id: str | None = None
    active: bool = True
    display_name: str = ""
    given_name: str = ""
    family_name: str = ""
    formatted: str = ""
    emails: tuple[ScimEmail, ...] = ()

    @property
    def shown_name(self) -> str:
        """The name that a member of these attributes is shown with."""
        whole = self.display_name or self.formatted or f"{self.given_name} {self.family_name}".strip()
        return (whole or self.user_name)[:_LONGEST_NAME]

    @property
    def address(self) -> str:
        """The mail address: the primary one, the first one, or the user's name if it is one."""
        primary = [email for email in self.emails if email.primary]
        named = next((email.value for email in (*primary, *self.emails)), "")
        return named or (self.user_name if "@" in self.user_name else "")

    def document(self) -> dict[str, Any]:
        """Returns the attributes as a SCIM document, without those that are empty."""
        name = {"givenName": self.given_name, "familyName": self.family_name, "formatted": self.formatted}
        document: dict[str, Any] = {
            "userName": self.user_name,
            "externalId": self.external_id,
            "displayName": self.display_name,
            "name": {key: value for key, value in name.items() if value},
            "emails": [email.document() for email in self.emails],
        }
        return {**{key: value for key, value in document.items() if value}, "active": self.active}


@dataclass(frozen=True, kw_only=True)
class ScimUser:
    """A stored user. `member_id` is the member that it is while it is active.

    A user who comes back is a new member: what the earlier one had left behind stays ended.
    """

    organization: str
    user_id: str
    attributes: ScimUserAttributes
    created_at: datetime
    changed_at: datetime
    member_id: str | None = None
    version: int = 0

    def matches(self, condition: Condition) -> bool:
        """Whether a condition of `USER_FILTERS` holds."""
        own = self.attributes
        if condition.attribute == "active":
            return condition.value is own.active
        if not isinstance(condition.value, str):
            return False
        # Names and addresses are compared without regard to case.
        folded = {"username": [own.user_name], "displayname": [own.display_name]}
        if condition.attribute in folded or condition.attribute.startswith("emails"):
            values = folded.get(condition.attribute, [email.value for email in own.emails])
            return condition.value.casefold() in [value.casefold() for value in values]
        return {"id": self.user_id, "externalid": own.external_id}[condition.attribute] == condition.value


@dataclass(frozen=True, kw_only=True)
class ScimGroup:
    """A stored group; `members` are ids of users. Teams follow it by its display name or its external id."""

    organization: str
    group_id: str
    display_name: str
    created_at: datetime
    changed_at: datetime
    external_id: str | None = None
    members: frozenset[str] = frozenset()
    version: int = 0

    @property
    def names(self) -> frozenset[str]:
        """The names by which a team's `group` can refer to it."""
        return frozenset(name for name in (self.display_name, self.external_id) if name)

    def document(self) -> dict[str, Any]:
        """Returns what may be set as a SCIM document."""
        members = [{"value": user_id} for user_id in sorted(self.members)]
        return {"displayName": self.display_name, "externalId": self.external_id, "members": members}

    def with_document(self, document: Mapping[str, Any]) -> "ScimGroup":
        """Returns the group with the attributes of a document. Raises InvalidRequest, TooLarge."""
        known = _known(document, _GROUP_NAMES)
        members = known.get("members") or []
        if not isinstance(members, list):
            raise invalid("members", "members is a list of {value: USER_ID}.")
        ids = frozenset(_member_id(member) for member in members)
        if len(ids) > MOST_MEMBERS:
            raise TooLarge(f"A group has at most {MOST_MEMBERS:,} members.", limit=MOST_MEMBERS)
        return replace(
            self,
            display_name=_text(known, "displayName", required=True),
            external_id=_text(known, "externalId") or None,
            members=ids,
        )

    def matches(self, condition: Condition) -> bool:
        """Whether a condition of `GROUP_FILTERS` holds."""
        if not isinstance(condition.value, str):
            return False
        if condition.attribute.startswith("members"):
            return condition.value in self.members
        if condition.attribute == "displayname":
            return self.display_name.casefold() == condition.value.casefold()
        return {"id": self.group_id, "externalid": self.external_id}[condition.attribute] == condition.value


def read_user(document: Mapping[str, Any]) -> ScimUserAttributes:
    """Returns the attributes of a SCIM document; those that are not kept are ignored. Raises InvalidRequest."""
    known = _known(document, _USER_NAMES)
    name = known.get("name") or {}
    if not isinstance(name, Mapping):
        raise invalid("name", "name is an object.")
    names = {key.lower(): value for key, value in name.items()}
    return ScimUserAttributes(
        user_name=_text(known, "userName", required=True),
        external_id=_text(known, "externalId") or None,
        active=truth(known.get("active", True), "active"),
        display_name=_text(known, "displayName"),
        given_name=_text(names, "givenname"),
        family_name=_text(names, "familyname"),
        formatted=_text(names, "formatted"),
        emails=_emails(known.get("emails") or []),
    )


def truth(value: object, attribute: str) -> bool:
    """Returns a boolean. Entra ID sends the texts "True" and "False". Raises InvalidRequest."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise invalid(attribute, f"{attribute} is true or false.")


def invalid(attribute: str, message: str, code: str = "invalidValue") -> InvalidRequest:
    """Returns the error for a wrong attribute; `code` is a `scimType` of RFC 7644."""
    return InvalidRequest(message, [Violation(attribute, message, code)])


def _known(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names[key.lower()]: value for key, value in document.items() if key.lower() in names}


def _text(document: Mapping[str, Any], attribute: str, *, required: bool = False) -> str:
    value = document.get(attribute)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value.strip()):
        raise invalid(attribute, f"{attribute} is a text{' that is not empty' if required else ''}.")
    if len(value) > _LONGEST or _CONTROL.search(value):
        raise invalid(attribute, f"{attribute} has at most {_LONGEST} characters, and no control characters.")
    return value


def _emails(emails: object) -> tuple[ScimEmail, ...]:
    if not isinstance(emails, list) or len(emails) > _MOST_EMAILS:
        raise invalid("emails", f"emails is a list of at most {_MOST_EMAILS} addresses, {{value: ADDRESS}}.")
    found = []
    for email in emails:
        if not isinstance(email, Mapping):
            raise invalid("emails", "Each of emails is {value: ADDRESS}.")
        parts = {key.lower(): value for key, value in email.items()}
        value = _text(parts, "value")
        if value:
            found.append(ScimEmail(value, _text(parts, "type"), truth(parts.get("primary") or False, "primary")))
    return tuple(found)


def _member_id(member: object) -> str:
    value = member.get("value") if isinstance(member, Mapping) else member
    if not isinstance(value, str) or not value or len(value) > _LONGEST:
        raise invalid("members", "Each member is {value: USER_ID}.")
    return value
