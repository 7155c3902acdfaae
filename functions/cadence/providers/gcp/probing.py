"""Checks whether a pool could start instances of Compute Engine, without starting one."""

from collections.abc import Iterator

from cadence.domain.shared.errors import CapacityExhausted, ProviderRejected
from cadence.providers.contract import Check
from cadence.providers.gcp.settings import GcpSettings
from cadence.providers.probing import checked
from cadence.providers.rest import Rest

PERMISSIONS = (
    "compute.disks.create",
    "compute.disks.setLabels",
    "compute.instances.create",
    "compute.instances.delete",
    "compute.instances.get",
    "compute.instances.getSerialPortOutput",
    "compute.instances.list",
    "compute.instances.setLabels",
    "compute.instances.setMetadata",
    "compute.instances.setTags",
    "compute.subnetworks.use",
    "compute.zoneOperations.get",
    "compute.zoneOperations.list",
)
EXTERNAL = "compute.subnetworks.useExternalIp"


def probe(settings: GcpSettings, compute: Rest, resources: Rest) -> Iterator[Check]:
    """Returns the checks, credentials first: without them the others have no result."""
    project = f"projects/{settings.project}"
    credentials = checked(
        "credentials",
        lambda: compute.get(f"{project}/zones/{settings.zones[0]}"),
        "Give `workload_identity` or `service_account_key`, of a service account that may act in the project, and enable the Compute Engine API.",
    )
    yield credentials
    if credentials.missing:
        return
    yield checked(
        "permissions",
        lambda: _look_for_permissions(settings, resources),
        "Give the service account a role with them (docs/providers/gcp.md has one), and enable the Cloud Resource Manager API.",
    )
    yield checked(
        "image",
        lambda: [compute.get(settings.images[arch]) for arch in sorted(settings.images)],
        "projects/<project>/global/images/family/<family>, with cloud-init in it.",
    )
    yield checked("network", lambda: compute.get(f"{project}/{settings.subnetwork or settings.network}"))
    for zone in settings.zones:
        yield checked(f"types in {zone}", lambda zone=zone: _look_for_types(settings, compute, zone))  # type: ignore[misc]
    for region in settings.regions:
        yield checked(f"quota in {region}", lambda region=region: _look_for_room(settings, compute, region))  # type: ignore[misc]


def _look_for_permissions(settings: GcpSettings, resources: Rest) -> None:
    required = [*PERMISSIONS, *([EXTERNAL] if settings.external_ip else [])]
    granted = resources.post(f"projects/{settings.project}:testIamPermissions", {"permissions": required})
    missing = sorted(set(required) - set(granted.get("permissions", ())))
    if missing:
        raise ProviderRejected(f"not granted: {', '.join(missing)}")


def _look_for_types(settings: GcpSettings, compute: Rest, zone: str) -> None:
    for choice in settings.types:
        compute.get(f"projects/{settings.project}/zones/{zone}/machineTypes/{choice.type}")


def _look_for_room(settings: GcpSettings, compute: Rest, region: str) -> None:
    """Checks the quotas that apply to all types; quotas of a family show only when they are reached."""
    quotas = compute.get(f"projects/{settings.project}/regions/{region}").get("quotas", ())
    exhausted = [
        f"{quota['metric']} {quota['usage']:g} of {quota['limit']:g}"
        for quota in quotas
        if quota["metric"] in ("CPUS", "INSTANCES", "IN_USE_ADDRESSES") and quota["usage"] >= quota["limit"]
    ]
    if exhausted:
        raise CapacityExhausted(f"used up: {', '.join(exhausted)}")
