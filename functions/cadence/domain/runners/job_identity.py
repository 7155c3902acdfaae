"""The identity of runs of other CI systems that are runners here: the claims that their identity token must have.

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
    """The claims that an identity token must have.

    `audience` names the one runner: a token that was made for another audience is rejected.
    """

    issuer: str
    audience: str
    claims: Mapping[str, str]

    def is_shown_by(self, claims: Mapping[str, object]) -> bool:
        """Returns whether the claims are those of the runner.

        Case is ignored, as CI systems do when they compare names of repositories.
        """
        return all(str(claims.get(name, "")).lower() == value.lower() for name, value in self.claims.items())


def expected_identity(pool: Pool, runner_id: str, ref: str) -> JobIdentity | None:
    """Returns the identity of the run `ref` that was started for the runner.

    Returns None if machines of this pool have no identity token.
    """
    settings, audience = pool.settings, f"cadence:{runner_id}"
    if pool.provider == GITHUB:
        repository, workflow = settings["repository"], settings.get("workflow", "cadence-runner.yml")
        claims = {
            "repository": repository,
            "event_name": "workflow_dispatch",
            "run_id": ref,
            "workflow_ref": f"{repository}/.github/workflows/{workflow}@refs/heads/{settings.get('ref', 'main')}",
        }
        return JobIdentity(settings.get("issuer", _GITHUB_ISSUER), audience, claims)
    if pool.provider == GITLAB:
        claims = {
            "project_path": settings["project"],
            "pipeline_id": ref,
            "pipeline_source": "api",
            "ref": settings.get("ref", "main"),
            "ref_type": "branch",
        }
        return JobIdentity(settings.get("url", _GITLAB_URL).rstrip("/"), audience, claims)
    return None
