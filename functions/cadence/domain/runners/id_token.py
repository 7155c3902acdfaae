"""The identity of a treatment towards other systems: the claims of its OpenID Connect token.

Nothing here comes from the treatment itself but the audience: a document cannot say what it is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Run

VARIABLE: Final = "CADENCE_ID_TOKEN"
"""The environment variable with the token."""

LIFETIME: Final = timedelta(hours=1)
"""How long a token is valid, or as long as its treatment may take if that is shorter; less on a local stack."""

SHORTEST_LIFETIME: Final = timedelta(minutes=5)
"""How long a token is valid at least: clocks differ."""

# Sources whose pipeline has the name that it was stored under, and not whatever a request or a treatment says.
_STORED = frozenset({"repository", "stored"})
_PERIOD = timedelta(days=30)


def id_token_claims(
    run: Run, spec: TreatmentSpec, runner: Runner, issuer: str, at: datetime, longest: timedelta = LIFETIME
) -> Mapping[str, Any]:
    """Returns the claims of a treatment's token at the moment `at`; `spec.id_token` is its audience.

    `sub` is what most trust policies compare. A pipeline that was sent with the request to run it is named `inline:`,
    never `pipeline:`, since its name is whatever the request says; so is one that a treatment of a run sent.
    """
    lifetime = min(longest, max(SHORTEST_LIFETIME, timedelta(seconds=spec.max_duration)))
    source = _source(run)
    ref = _ref(run.event)
    claims = {
        "iss": issuer,
        "sub": _subject(run, spec, ref, stored=source in _STORED),
        "aud": spec.id_token,
        "iat": int(at.timestamp()),
        "nbf": int(at.timestamp()),
        "exp": int((at + lifetime).timestamp()),
        "organization": run.organization,
        "project": run.project,
        "pipeline": run.pipeline,
        "pipeline_source": source,
        "treatment": spec.name,
        "environment": spec.environment,
        "repository": run.event.get("repository"),
        "ref": ref,
        "commit": run.event.get("commit"),
        "event": "replay" if run.replay_of else run.event.get("kind"),
        "run_id": run.run_id,
        "attempt": str(runner.attempt),
        "pool": runner.pool,
        "runner_id": runner.runner_id,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _source(run: Run) -> str:
    if run.generated:
        return "generated"
    if run.event.get("repository_id"):
        return "repository"
    return "inline" if run.pipeline_version is None else "stored"


def _subject(run: Run, spec: TreatmentSpec, ref: str | None, *, stored: bool) -> str:
    parts = [
        ("organization", run.organization),
        ("project", run.project),
        ("pipeline" if stored else "inline", run.pipeline),
        ("environment", spec.environment),
        ("ref", ref),
    ]
    return ":".join(f"{name}:{value}" for name, value in parts if value)


def _ref(event: Mapping[str, Any]) -> str | None:
    """Returns the full name of the ref that a git event is about; git allows no colon in it."""
    if event.get("kind") == "pull_request" and event.get("number") is not None:
        return f"refs/pull/{event['number']}"
    if event.get("kind") == "push" and event.get("branch"):
        return f"refs/heads/{event['branch']}"
    if event.get("kind") in ("push", "release") and event.get("tag"):
        return f"refs/tags/{event['tag']}"
    return None


@dataclass(frozen=True)
class SigningKeyPeriod:
    """The time in which one key signs. The key of the next one is published all the while."""

    number: int

    @classmethod
    def at(cls, moment: datetime) -> "SigningKeyPeriod":
        return cls(int(moment.timestamp() // _PERIOD.total_seconds()))

    @property
    def next(self) -> "SigningKeyPeriod":
        return SigningKeyPeriod(self.number + 1)

    @property
    def published(self) -> tuple["SigningKeyPeriod", ...]:
        """The periods whose keys are published now: the one before, whose last tokens may be valid, to the next."""
        return SigningKeyPeriod(self.number - 1), self, self.next

    @property
    def expires_at(self) -> datetime:
        """When the key is removed: a period after it signed for the last time."""
        return datetime.fromtimestamp((self.number + 2) * _PERIOD.total_seconds(), tz=UTC)
