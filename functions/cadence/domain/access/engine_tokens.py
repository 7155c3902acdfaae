"""Tokens of engines: recognised by their ids, and never worth more than an engine needs."""

from dataclasses import replace

from cadence.domain.access.access import ApiToken, Permission

ENGINE_PERMISSIONS = frozenset({str(Permission.MELODIUM_REPORT), str(Permission.MELODIUM_DISPATCH)})
# A ULID begins with a digit up to 7, so no other token has such an id.
_MARK = "e"
_NO_RUN = ""


def engine_token_id(ulid: str) -> str:
    """Returns the id of an engine's token for the ULID that identifies it."""
    return _MARK + ulid[1:]


def is_engine_token(token_id: str) -> bool:
    """Whether a token's id is that of an engine's token."""
    return token_id.startswith(_MARK)


def limited_to_engine(token: ApiToken) -> ApiToken:
    """Returns a token as an engine may have it: for its run only, for engines' permissions only, for no member.

    The Lambda that agents talk to writes these tokens, so what is stored must not be able to say more.
    """
    return replace(token, permissions=token.permissions & ENGINE_PERMISSIONS, run=token.run or _NO_RUN, subject=None)
