"""Issues and revokes the tokens of engines, each of which is valid for one run and shortly after it."""

from dataclasses import dataclass, replace
from datetime import timedelta

from cadence.application.access.authenticate import issue_token
from cadence.application.melodium.ports import RunTokenStore
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.engine_tokens import ENGINE_PERMISSIONS, engine_token_id
from cadence.domain.runs.run import Run

_LONGER_THAN_THE_RUN = timedelta(minutes=15)


@dataclass(frozen=True)
class RunTokens:
    """Issues and revokes the API tokens of runs."""

    tokens: RunTokenStore
    clock: Clock

    def issue(self, run: Run) -> str:
        """Returns the text of a new token, to be handed out once; the run's earlier token becomes void."""
        now = self.clock()
        token, text = issue_token(
            run.organization,
            run.project,
            f"engine of {run.run_id}",
            ENGINE_PERMISSIONS,
            run.created_by,
            now,
            expires_at=now + timedelta(seconds=run.max_duration) + _LONGER_THAN_THE_RUN,
            token_id=_token_id(run),
        )
        self.tokens.put_run_token(replace(token, run=run.run_id))
        return text

    def revoke(self, run: Run) -> None:
        """Deletes the run's token. Safe to repeat."""
        self.tokens.delete_run_token(_token_id(run))


def _token_id(run: Run) -> str:
    return engine_token_id(derived_ulid(run.created_at, run.run_id, "engine token"))
