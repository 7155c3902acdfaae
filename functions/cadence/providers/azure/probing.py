"""Checks whether a pool could start virtual machines of Azure, without starting one."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from cadence.domain.shared.errors import CapacityExhausted, ProviderRejected
from cadence.providers.azure.settings import AzureSettings
from cadence.providers.contract import Check
from cadence.providers.probing import checked
from cadence.providers.rest import Rest, RestResponse

ACTIONS = (
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Compute/virtualMachines/write",
    "Microsoft.Compute/virtualMachines/delete",
    "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
    "Microsoft.Compute/disks/write",
    "Microsoft.Compute/disks/delete",
    "Microsoft.Network/networkInterfaces/write",
    "Microsoft.Network/networkInterfaces/join/action",
    "Microsoft.Network/networkInterfaces/delete",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
)
_COMPUTE, _NETWORK, _RIGHTS = "2024-11-01", "2024-05-01", "2022-04-01"


def probe(settings: AzureSettings, rest: Rest) -> Iterator[Check]:
    """Returns the checks, credentials first: without them the others have no result."""
    credentials = checked(
        "credentials",
        lambda: rest.call("GET", settings.machines, params={"api-version": _COMPUTE}),
        "Give `client_id` and `client_secret` (or `private_key` and `certificate`) of an application with a role in the resource group.",
    )
    yield credentials
    if credentials.missing:
        return
    yield checked(
        "permissions",
        lambda: _look_for_actions(settings, rest),
        "Give the application a role with them in the resource group (docs/providers/azure.md has one).",
    )
    yield checked("image", lambda: _look_for_images(settings, rest))
    yield checked("network", lambda: rest.call("GET", settings.subnet, params={"api-version": _NETWORK}))
    yield checked("quota", lambda: _look_for_room(settings, rest))


def _look_for_actions(settings: AzureSettings, rest: Rest) -> None:
    path = f"{settings.group}/providers/Microsoft.Authorization/permissions"
    roles = [
        role
        for page in rest.pages(path, params={"api-version": _RIGHTS}, following=_next_page)
        for role in page["value"]
    ]
    missing = [action for action in ACTIONS if not any(_gives(role, action) for role in roles)]
    if missing:
        raise ProviderRejected(f"not granted in {settings.resource_group}: {', '.join(missing)}")


def _look_for_images(settings: AzureSettings, rest: Rest) -> None:
    for image in settings.images.values():
        if "id" in image:
            rest.call(
                "GET", image["id"], params={"api-version": "2023-07-03" if "/galleries/" in image["id"] else _COMPUTE}
            )
            continue
        location = f"subscriptions/{settings.subscription_id}/providers/Microsoft.Compute/locations/{settings.location}"
        path = f"{location}/publishers/{image['publisher']}/artifacttypes/vmimage/offers/{image['offer']}/skus/{image['sku']}/versions"
        if not rest.call("GET", path, params={"api-version": _COMPUTE, "$top": 1}).body:
            raise ProviderRejected(
                f"{settings.location} has no image {image['publisher']}:{image['offer']}:{image['sku']}"
            )


def _look_for_room(settings: AzureSettings, rest: Rest) -> None:
    path = f"subscriptions/{settings.subscription_id}/providers/Microsoft.Compute/locations/{settings.location}/usages"
    spots = [choice.spot for choice in settings.sizes]
    # Quotas of a family of sizes show only when they are reached.
    names = {"virtualMachines", *(["lowPriorityCores"] if all(spots) else ["cores"])}
    for page in rest.pages(path, params={"api-version": _COMPUTE}, following=_next_page):
        for usage in page["value"]:
            if usage["name"]["value"] in names and usage["currentValue"] >= usage["limit"]:
                raise CapacityExhausted(
                    f"{usage['name']['value']}: {usage['currentValue']} of {usage['limit']} are used"
                )


def _gives(role: Mapping[str, Any], action: str) -> bool:
    def named(among: str) -> bool:
        return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in role.get(among) or ())

    return named("actions") and not named("notActions")


def _next_page(answer: RestResponse, _: int) -> str | None:
    following: str | None = answer.body.get("nextLink")
    return following
