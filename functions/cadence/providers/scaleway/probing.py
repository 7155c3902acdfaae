"""Checks whether a pool could start instances of Scaleway, without starting one.

Quotas are not checked: an API key that may start instances need not be allowed to read them.
"""

from collections.abc import Iterator
from uuid import UUID

from cadence.domain.shared.errors import CapacityExhausted, ProviderRejected
from cadence.providers.contract import Check
from cadence.providers.probing import checked
from cadence.providers.rest import Rest
from cadence.providers.scaleway.settings import ScalewaySettings

_KINDS = 100


def probe(settings: ScalewaySettings, rest: Rest) -> Iterator[Check]:
    """Returns the checks, credentials first: without them the others have no result."""
    zone = settings.zones[0]
    credentials = checked(
        "credentials",
        lambda: rest.get(f"instance/v1/zones/{zone}/servers", project=settings.project_id, per_page=1),
        "Give `secret_key`, of an API key whose application has InstancesFullAccess and BlockStorageFullAccess on the project.",
    )
    yield credentials
    if credentials.missing:
        return
    yield checked(
        "image", lambda: _look_for_image(settings, rest), "A label of the marketplace (ubuntu_noble), or an image's id."
    )
    for zone in settings.zones:
        yield checked(f"types in {zone}", lambda zone=zone: _look_for_types(settings, rest, zone))  # type: ignore[misc]
        if settings.security_group:
            path = f"instance/v1/zones/{zone}/security_groups/{settings.security_group}"
            hint = "A security group belongs to one zone: give the pool that zone only."
            yield checked(f"network in {zone}", lambda path=path: rest.get(path), hint)  # type: ignore[misc]


def _look_for_image(settings: ScalewaySettings, rest: Rest) -> None:
    for zone in settings.zones:
        if _is_id(settings.image):
            rest.get(f"instance/v1/zones/{zone}/images/{settings.image}")
            continue
        answer = rest.get("marketplace/v2/local-images", image_label=settings.image, zone=zone, page_size=1)
        if not answer["local_images"]:
            raise ProviderRejected(f"the marketplace has no image {settings.image} in {zone}")


def _look_for_types(settings: ScalewaySettings, rest: Rest, zone: str) -> None:
    sold = rest.get(f"instance/v1/zones/{zone}/products/servers/availability", per_page=_KINDS)["servers"]
    unknown = [choice.type for choice in settings.types if choice.type not in sold]
    if unknown:
        raise ProviderRejected(f"not sold in this zone: {', '.join(unknown)}")
    if all(sold[choice.type]["availability"] == "shortage" for choice in settings.types):
        raise CapacityExhausted("all of the pool's types are out of stock in this zone now")


def _is_id(image: str) -> bool:
    try:
        UUID(image)
    except ValueError:
        return False
    return True
