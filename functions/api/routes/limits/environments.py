"""Environments of a project: variables and secrets for the treatments that name one.

They also name who has to approve before such a treatment starts.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.naming import check_name
from api.shapes import SECRET_NAME_PATTERN, Name
from cadence.composition.api import Services
from cadence.domain.access.access import Permission, Principal
from cadence.domain.limits.environment_set import ApprovalRule, EnvironmentSet
from cadence.domain.shared.errors import NotFound

endpoints = Endpoints("environments")

_LONGEST_TIMEOUT = 30 * 86_400
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,254}$")]
SecretName = Annotated[str, StringConstraints(pattern=SECRET_NAME_PATTERN)]
ApproverName = Annotated[str, StringConstraints(min_length=1, max_length=254)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ApprovalsBody(Body):
    """`approvers` may approve if they have `runs:approve` (null: everyone who has it); `timeout` is in seconds.

    An approver is `member:ID`, the e-mail address of a member, `team:NAME`, `service-account:NAME`, or the name of a
    token that acts for none of these.
    """

    required: int = Field(1, ge=1, le=10)
    timeout: int = Field(86_400, ge=10, le=_LONGEST_TIMEOUT)
    approvers: list[ApproverName] | None = Field(None, min_length=1, max_length=100)
    not_by_starter: bool = False


class EnvironmentBody(Body):
    """`secrets` maps a variable to a secret's name.

    `branches` are patterns of the branches whose runs may use it (none: all). With `protected_branches`, only runs for
    pushes to branches of connected repositories may that the code host protects.
    """

    env: dict[Variable, str] = Field(default_factory=dict, max_length=200)
    secrets: dict[Variable, SecretName] = Field(default_factory=dict, max_length=100)
    approvals: ApprovalsBody | None = None
    branches: list[Pattern] = Field(default_factory=list, max_length=100)
    protected_branches: bool = False


class ApprovalsView(Model):
    required: int
    timeout: int
    approvers: list[str] | None = Field(description="`member:ID`, `team:NAME`, …, or names of tokens; null: everyone.")
    not_by_starter: bool


class EnvironmentView(Model):
    name: Name
    env: dict[str, str]
    secrets: dict[str, str]
    approvals: ApprovalsView | None
    branches: list[str]
    protected_branches: bool


class EnvironmentList(Model):
    items: list[EnvironmentView]
    next: str | None = None


@endpoints.add(
    "GET",
    "/v1/projects/{project}/environments",
    Permission.ENVIRONMENTS_READ,
    answers={200: EnvironmentList},
    errors=(404,),
)
def list_environments(call: Call, services: Services, project: str) -> EnvironmentList:
    """Lists the environments of a project that the caller may read."""
    owner, by = services.project(call.by, project, within=True), call.by
    listed = services.environments.list_environments(owner.organization, owner.name)
    visible = [one for one in listed if by.sees(by.organization, project, environment=one.name)]
    return EnvironmentList(items=[_view(environment) for environment in visible])


@endpoints.add(
    "GET",
    "/v1/projects/{project}/environments/{environment}",
    Permission.ENVIRONMENTS_READ,
    answers={200: EnvironmentView},
    errors=(404,),
)
def show_environment(call: Call, services: Services, project: str, environment: str) -> EnvironmentView:
    """Shows one environment."""
    owner = services.project(call.by, project, environment=environment)
    return _view(services.environments.get_environment(owner.organization, owner.name, environment))


@endpoints.add(
    "PUT",
    "/v1/projects/{project}/environments/{environment}",
    Permission.ENVIRONMENTS_WRITE,
    answers={200: EnvironmentView, 201: EnvironmentView},
    errors=(404, 413, 415, 422),
)
def put_environment(call: Call, services: Services, project: str, environment: str, body: EnvironmentBody) -> Reply:
    """Creates or replaces an environment. Runs that were admitted before keep its variables as they were."""
    owner = services.project(call.by, project, environment=environment)
    check_name("environment", environment)
    requested = EnvironmentSet(
        name=environment,
        env=body.env,
        secrets=body.secrets,
        approvals=_approvals(call.by, services, body.approvals),
        branches=tuple(body.branches),
        protected_branches=body.protected_branches,
    )
    new = _is_new(services, owner.organization, owner.name, environment)
    services.environments.put_environment(owner.organization, owner.name, requested)
    return Reply(_view(requested), 201 if new else 200)


@endpoints.add(
    "DELETE",
    "/v1/projects/{project}/environments/{environment}",
    Permission.ENVIRONMENTS_WRITE,
    answers={204: None},
    errors=(404,),
)
def delete_environment(call: Call, services: Services, project: str, environment: str) -> Reply:
    """Deletes an environment. A treatment that names it and has not begun fails."""
    owner = services.project(call.by, project, environment=environment)
    services.environments.delete_environment(owner.organization, owner.name, environment)
    return Reply(None)


def _approvals(by: Principal, services: Services, body: ApprovalsBody | None) -> ApprovalRule | None:
    if body is None:
        return None
    approvers = None if body.approvers is None else services.people.approver_names.resolve(by, body.approvers)
    return ApprovalRule(body.required, body.timeout, approvers, body.not_by_starter)


def _is_new(services: Services, organization: str, project: str, name: str) -> bool:
    try:
        services.environments.get_environment(organization, project, name)
    except NotFound:
        return True
    return False


def _view(environment: EnvironmentSet) -> EnvironmentView:
    return EnvironmentView.model_validate(
        {
            "name": environment.name,
            "env": dict(environment.env),
            "secrets": dict(environment.secrets),
            "approvals": environment.approvals and _approvals_view(environment.approvals),
            "branches": list(environment.branches),
            "protected_branches": environment.protected_branches,
        }
    )


def _approvals_view(approvals: ApprovalRule) -> ApprovalsView:
    return ApprovalsView(
        required=approvals.required,
        timeout=approvals.timeout,
        approvers=None if approvals.approvers is None else list(approvals.approvers),
        not_by_starter=approvals.not_by_starter,
    )
