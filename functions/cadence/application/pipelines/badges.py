"""Shows the state of a pipeline to everybody who may see its badge, and makes the tokens of badges."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from cadence.application.shared.run_ports import RunStore
from cadence.domain.pipelines.badge import BadgeSettings, BadgeState, BadgeSubject
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import NotFound

_PAGE = 100
_MOST_READ = 500
_STATES = {
    RunState.SUCCEEDED: BadgeState.PASSING,
    RunState.FAILED: BadgeState.FAILING,
    RunState.TIMED_OUT: BadgeState.FAILING,
}
_PURPOSE = b"tokens of badges"
NO_BADGE = "There is no badge at this address: it is not public, and this is not its token."
"""The answer for whatever is not shown, so that it does not tell what exists."""


class BadgeSettingsStore(Protocol):
    """The settings of projects for their badges."""

    def get_badge_settings(self, organization: str, project: str) -> BadgeSettings:
        """Returns the settings; the defaults if there are none."""

    def put_badge_settings(self, organization: str, project: str, badges: BadgeSettings) -> None:
        """Stores the settings. Safe to repeat."""


@dataclass(frozen=True, kw_only=True)
class Badges:
    """The badges of projects. `key` returns random bytes that all processes share."""

    settings: BadgeSettingsStore
    runs: RunStore
    key: Callable[[], bytes]

    def show(self, subject: BadgeSubject, made_at: datetime, token: str) -> BadgeState:
        """Returns the state of a pipeline, whose project was made at `made_at`.

        It is that of the newest run that passed or failed and that no pull request started, since a fork may name its
        branch like one here. A generated run does not count, since a script names its pipeline. At most the project's
        newest 500 runs are looked at. Raises NotFound if the badge is neither public nor the token's.
        """
        settings = self.settings.get_badge_settings(subject.organization, subject.project)
        if not settings.public and not hmac.compare_digest(
            self._token(subject, made_at, settings).encode(), token.encode()
        ):
            raise NotFound(NO_BADGE)
        return self._state(subject)

    def token(self, subject: BadgeSubject, made_at: datetime) -> str:
        """Returns the token of one badge, which shows nothing else."""
        return self._token(subject, made_at, self.settings.get_badge_settings(subject.organization, subject.project))

    def set(self, organization: str, project: str, *, public: bool, revoke_tokens: bool) -> BadgeSettings:
        """Decides whether a project's badges are public, and makes its tokens invalid if asked to."""
        before = self.settings.get_badge_settings(organization, project)
        after = replace(before, public=public, generation=before.generation + revoke_tokens)
        self.settings.put_badge_settings(organization, project, after)
        return after

    def _token(self, subject: BadgeSubject, made_at: datetime, settings: BadgeSettings) -> str:
        parts = [subject.organization, subject.project, subject.pipeline, subject.repository, subject.branch]
        content = json.dumps([*parts, made_at.isoformat(), settings.generation]).encode()
        key = hmac.digest(self.key(), _PURPOSE, hashlib.sha256)
        return base64.urlsafe_b64encode(hmac.digest(key, content, hashlib.sha256)[:24]).decode()

    def _state(self, subject: BadgeSubject) -> BadgeState:
        after, read = None, 0
        while read < _MOST_READ:
            page = self.runs.list_runs(subject.organization, subject.project, _PAGE, after)
            for run in page.items:
                if run.state in _STATES and _concerns(run, subject):
                    return _STATES[run.state]
            after, read = page.after, read + len(page.items)
            if after is None:
                break
        return BadgeState.NO_RUNS


def _concerns(run: Run, subject: BadgeSubject) -> bool:
    event = run.event
    if run.pipeline != subject.pipeline or run.replay_of is not None or run.generated:
        return False
    if event.get("kind") == "pull_request":
        return False
    if subject.repository is not None and subject.repository not in (
        event.get("repository_id"),
        event.get("repository"),
    ):
        return False
    return subject.branch is None or run.branch == subject.branch
