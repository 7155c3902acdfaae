"""Tokens for engines: good for one run, and no longer than it."""

from dataclasses import dataclass, replace
from datetime import timedelta

from cadence.application.access.authenticate import issue_token
from cadence.application.melodium.ports import RunTokenStore
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import Permission
from cadence.domain.runs.run import Run

PERMISSIONS = frozenset({str(Permission.MELODIUM_REPORT), str(Permission.MELODIUM_DISPATCH)})
_LONGER_THAN_THE_RUN = timedelta(minutes=15)


@dataclass(frozen=True)
class RunTokens:
    tokens: RunTokenStore
    clock: Clock

    def issue(self, run: Run) -> str:
        """The token's text, to be handed out once. The one that was issued for the run before stops working."""
        now = self.clock()
        token, text = issue_token(
            run.organization,
            run.project,
            f"engine of {run.run_id}",
            PERMISSIONS,
            run.created_by,
            now,
            expires_at=now + timedelta(seconds=run.max_duration) + _LONGER_THAN_THE_RUN,
            token_id=_token_id(run),
        )
        self.tokens.put_run_token(replace(token, run=run.run_id))
        return text

    def revoke(self, run: Run) -> None:
        self.tokens.delete_run_token(_token_id(run))


def _token_id(run: Run) -> str:
    return derived_ulid(run.created_at, run.run_id, "engine token")
