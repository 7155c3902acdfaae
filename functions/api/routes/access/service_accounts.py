"""Service accounts and their tokens."""

from datetime import datetime, timedelta

from pydantic import Field

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.naming import check_name
from api.routes.access.members import Description, PersonName
from api.routes.access.organizations import TEN_YEARS, TokenWithSecretView, token_view
from api.visibility import organization_of
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.people import ServiceAccount

endpoints = Endpoints("people")
_WHAT = "see or change service accounts"


class ServiceAccountView(Model):
    name: str
    description: str
    created_at: datetime
    created_by: str


class ServiceAccountList(Model):
    items: list[ServiceAccountView]
    next: str | None = None


class ServiceAccountBody(Body):
    description: Description = ""


class ServiceAccountTokenBody(Body):
    name: PersonName
    expires_in: int | None = Field(
        None, ge=60, le=TEN_YEARS, description="Seconds; without it the token does not expire."
    )


@endpoints.add(
    "GET",
    "/v1/service-accounts",
    Permission.SERVICE_ACCOUNTS_READ,
    answers={200: ServiceAccountList},
    at="organization",
)
def list_service_accounts(call: Call, services: Services) -> ServiceAccountList:
    """Lists the service accounts of the organization."""
    accounts = services.people.store.list_service_accounts(organization_of(call.by, _WHAT))
    return ServiceAccountList(items=[_view(account) for account in accounts])


@endpoints.add(
    "GET",
    "/v1/service-accounts/{service_account}",
    Permission.SERVICE_ACCOUNTS_READ,
    answers={200: ServiceAccountView},
    errors=(404,),
    at="organization",
)
def show_service_account(call: Call, services: Services, service_account: str) -> ServiceAccountView:
    """Shows a service account."""
    return _view(services.people.store.get_service_account(organization_of(call.by, _WHAT), service_account))


@endpoints.add(
    "PUT",
    "/v1/service-accounts/{service_account}",
    Permission.SERVICE_ACCOUNTS_WRITE,
    answers={200: ServiceAccountView, 201: ServiceAccountView},
    errors=(404, 413, 415, 422),
    at="organization",
)
def put_service_account(call: Call, services: Services, service_account: str, body: ServiceAccountBody) -> Reply:
    """Creates or changes a service account. It can do what is granted to it, and nothing at first."""
    organization_of(call.by, _WHAT)
    check_name("service account", service_account)
    stored, new = services.people.manage.put_service_account(call.by, service_account, body.description)
    return Reply(_view(stored), 201 if new else 200)


@endpoints.add(
    "DELETE",
    "/v1/service-accounts/{service_account}",
    Permission.SERVICE_ACCOUNTS_WRITE,
    answers={204: None},
    errors=(404,),
    at="organization",
)
def delete_service_account(call: Call, services: Services, service_account: str) -> Reply:
    """Deletes a service account with its grants and tokens, from now on."""
    services.people.manage.remove_service_account(organization_of(call.by, _WHAT), service_account)
    return Reply(None)


@endpoints.add(
    "POST",
    "/v1/service-accounts/{service_account}/tokens",
    Permission.SERVICE_ACCOUNTS_WRITE,
    answers={201: TokenWithSecretView},
    errors=(404, 413, 415, 422),
    at="organization",
)
def create_service_account_token(
    call: Call, services: Services, service_account: str, body: ServiceAccountTokenBody
) -> TokenWithSecretView:
    """Creates a token of a service account, shown in this answer only.

    Needs everything that is granted to the account.
    """
    organization_of(call.by, _WHAT)
    lifetime = timedelta(seconds=body.expires_in) if body.expires_in else None
    token, text = services.people.manage.create_token(call.by, service_account, body.name, lifetime)
    return TokenWithSecretView(**token_view(token).model_dump(), token=text)


def _view(account: ServiceAccount) -> ServiceAccountView:
    return ServiceAccountView(
        name=account.name,
        description=account.description,
        created_at=account.created_at,
        created_by=account.created_by,
    )
