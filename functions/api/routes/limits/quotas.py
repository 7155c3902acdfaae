"""Quotas: what the organization may use at a time."""

from pydantic import Field

from api.endpoint import Body, Call, Endpoints, Model
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.limits.quotas import DEFAULT_RUNNING_RUNS, Quotas
from cadence.domain.shared.errors import Forbidden

endpoints = Endpoints("quotas")

_MOST = 100_000


class QuotasBody(Body):
    """Runs and runners beyond these wait for their turn; `max_runners` counts over all pools (null: no limit)."""

    max_running_runs: int = Field(DEFAULT_RUNNING_RUNS, ge=1, le=_MOST)
    max_runners: int | None = Field(None, ge=1, le=_MOST)


class QuotasView(Model):
    max_running_runs: int
    max_runners: int | None


@endpoints.add("GET", "/v1/organizations/quotas", Permission.ORGANIZATIONS_READ, answers={200: QuotasView})
def show_quotas(call: Call, services: Services) -> QuotasView:
    """Shows the quotas of the token's organization."""
    return QuotasView.model_validate(services.access.get_quotas(call.by.organization))


@endpoints.add(
    "PUT",
    "/v1/organizations/quotas",
    Permission.ORGANIZATIONS_WRITE,
    answers={200: QuotasView},
    errors=(404, 413, 415, 422),
    at="organization",
)
def put_quotas(call: Call, services: Services, body: QuotasBody) -> QuotasView:
    """Sets the quotas. Waiting runs continue at once if there is more room now. Needs a token for all projects."""
    if not call.by.whole_organization:
        raise Forbidden("Only a token for all projects can change quotas.")
    quotas = Quotas(body.max_running_runs, body.max_runners)
    services.access.put_quotas(call.by.organization, quotas)
    services.run_gates.limit(call.by.organization, quotas)
    services.slots.limit_organization(call.by.organization, quotas.max_runners)
    return QuotasView.model_validate(quotas)
