"""Runs of other CI systems that are runners here: what their identity token has to say for it to be theirs.

Their inputs can be read by others, so they are given no token. What only the run itself can have is a token of the CI
system that names the run.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cadence.domain.placement.pool import Pool

GITHUB = "github_actions"
GITLAB = "gitlab"

_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
_GITLAB_URL = "https://gitlab.com"


@dataclass(frozen=True)
class JobIdentity:
    """`audience` names the one runner: a token that was made for anything else is of no use here."""

    issuer: str
    audience: str
    claims: Mapping[str, str]

    def is_shown_by(self, claims: Mapping[str, object]) -> bool:
        """CI systems compare names of repositories without regard to case, and so does this."""
        return all(str(claims.get(name, "")).lower() == value.lower() for name, value in self.claims.items())


def expected_identity(pool: Pool, runner_id: str, ref: str) -> JobIdentity | None:
    """`ref` is the run that was started for the runner. `None` if machines of this pool have no identity to show."""
    its, audience = pool.settings, f"cadence:{runner_id}"
    if pool.provider == GITHUB:
        repository, workflow = its["repository"], its.get("workflow", "cadence-runner.yml")
        claims = {
            "repository": repository,
            "event_name": "workflow_dispatch",
            "run_id": ref,
            "workflow_ref": f"{repository}/.github/workflows/{workflow}@refs/heads/{its.get('ref', 'main')}",
        }
        return JobIdentity(its.get("issuer", _GITHUB_ISSUER), audience, claims)
    if pool.provider == GITLAB:
        claims = {
            "project_path": its["project"],
            "pipeline_id": ref,
            "pipeline_source": "api",
            "ref": its.get("ref", "main"),
            "ref_type": "branch",
        }
        return JobIdentity(its.get("url", _GITLAB_URL).rstrip("/"), audience, claims)
    return None
