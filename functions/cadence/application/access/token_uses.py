"""When tokens were last used, to the hour."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cadence.domain.access.engine_tokens import is_engine_token

_HOUR = timedelta(hours=1)
_MOST_KNOWN = 10_000


class TokenUseStore(Protocol):
    """Last uses of tokens (table `access`)."""

    def put(self, token_id: str, at: datetime) -> None:
        """Stores the last use of a token."""

    def last_uses(self, token_ids: Iterable[str]) -> Mapping[str, datetime]:
        """Returns the last uses of those of the tokens that were used."""


class TokenUses(Protocol):
    """Is told of each use of a token."""

    def note(self, token_id: str, at: datetime) -> None:
        """Notes that a token was accepted."""


class NoTokenUses(TokenUses):
    """Notes nothing."""

    def note(self, token_id: str, at: datetime) -> None:
        pass


NO_TOKEN_USES: TokenUses = NoTokenUses()


@dataclass(frozen=True)
class NoteTokenUses(TokenUses):
    """Notes the use of a token once an hour for each process. Tokens of engines, which live for a run, are left out."""

    store: TokenUseStore
    _noted: dict[str, datetime] = field(default_factory=dict)

    def note(self, token_id: str, at: datetime) -> None:
        noted = self._noted.get(token_id)
        if is_engine_token(token_id) or (noted is not None and at - noted < _HOUR):
            return
        if len(self._noted) >= _MOST_KNOWN:
            self._noted.clear()
        self.store.put(token_id, at)
        self._noted[token_id] = at
