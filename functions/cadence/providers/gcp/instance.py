"""Requests for instances of Compute Engine, and their state."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.choices import Choice
from cadence.providers.contract import Machine, MachineCondition, RunnerRequest
from cadence.providers.gcp.settings import GcpSettings
from cadence.providers.marks import MachineOwner, as_seconds, from_seconds, host_name

# Seconds after which a request counts as another one: a request that failed for lack of room may be repeated later.
_WINDOW = 60
_NAMESPACE = UUID("6f6b0c5e-3a5d-5f0e-9d0a-7b6c1f3f2a11")
_SPARE_SECONDS = 90 * 60
_UNFIT = re.compile(r"[^a-z0-9_-]")
_CONDITIONS = {
    "PENDING": MachineCondition.STARTING,
    "PROVISIONING": MachineCondition.STARTING,
    "STAGING": MachineCondition.STARTING,
    "RUNNING": MachineCondition.RUNNING,
    "REPAIRING": MachineCondition.RUNNING,
}


def request_id(owner: MachineOwner, runner_id: str, zone: str, choice: Choice, now: datetime) -> str:
    """Returns the id of a request; the same for requests that are repeated at once."""
    window = int(now.timestamp()) // _WINDOW
    return str(uuid5(_NAMESPACE, f"{owner.key}/{runner_id}/{zone}/{choice.label}/{window}"))


def wanted(
    settings: GcpSettings, owner: MachineOwner, zone: str, choice: Choice, request: RunnerRequest, user_data: str
) -> Mapping[str, Any]:
    """Returns the request for an instance, which Google itself deletes after its longest time.

    `user_data` is its cloud-init document. Raises ProviderRejected if there is no image for the architecture.
    """
    image = settings.images.get(choice.arch)
    if image is None:
        raise ProviderRejected(f"The pool's settings name no image for {choice.arch}.")
    interface: dict[str, Any] = {"network": settings.network}
    if settings.subnetwork:
        interface = {"subnetwork": settings.subnetwork}
    if settings.external_ip:
        interface["accessConfigs"] = [{"type": "ONE_TO_ONE_NAT", "name": "External NAT"}]
    longest = request.boot_deadline + request.max_duration + _SPARE_SECONDS
    labels = {
        "cadence_owner": owner.key,
        "cadence_pool": _UNFIT.sub("-", owner.pool.lower())[:63],
    }
    if request.expires_at:
        labels["cadence_expires"] = as_seconds(request.expires_at)
    body: dict[str, Any] = {
        "name": host_name(request.runner_id),
        "machineType": f"zones/{zone}/machineTypes/{choice.type}",
        "labels": labels,
        "metadata": {
            "items": [
                {"key": "cadence-runner", "value": request.runner_id},
                {"key": "user-data", "value": user_data},
                {"key": "block-project-ssh-keys", "value": "TRUE"},
            ]
        },
        "disks": [
            {
                "boot": True,
                "autoDelete": True,
                "initializeParams": {
                    "sourceImage": image,
                    "diskSizeGb": str(settings.disk_gb),
                    "diskType": f"zones/{zone}/diskTypes/{settings.disk_type}",
                    "labels": labels,
                },
            }
        ],
        "networkInterfaces": [interface],
        "scheduling": {
            "provisioningModel": "SPOT" if choice.spot else "STANDARD",
            "instanceTerminationAction": "DELETE",
            "maxRunDuration": {"seconds": str(longest)},
            "automaticRestart": False,
            **({"onHostMaintenance": "TERMINATE"} if choice.spot else {}),
        },
        "shieldedInstanceConfig": {"enableSecureBoot": True, "enableVtpm": True, "enableIntegrityMonitoring": True},
    }
    if settings.network_tags:
        body["tags"] = {"items": list(settings.network_tags)}
    if settings.service_account:
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        body["serviceAccounts"] = [{"email": settings.service_account, "scopes": scopes}]
    return body


def machine(settings: GcpSettings, instance: Mapping[str, Any]) -> Machine:
    """Returns the instance as a machine."""
    zone, kind = instance["zone"].rsplit("/", 1)[-1], instance["machineType"].rsplit("/", 1)[-1]
    spot = (instance.get("scheduling") or {}).get("provisioningModel") == "SPOT"
    prices = {(choice.type, choice.spot): choice.price_per_hour for choice in settings.types}
    status = instance["status"]
    return Machine(
        ref=f"{zone}/{instance['name']}",
        runner_id=runner_of(instance),
        condition=_CONDITIONS.get(status, MachineCondition.STOPPING),
        created_at=_at(instance.get("creationTimestamp")),
        expires_at=from_seconds((instance.get("labels") or {}).get("cadence_expires")),
        offer=f"{kind}{' spot' if spot else ''} in {zone}",
        price_per_hour=prices.get((kind, spot)),
        reason=instance.get("statusMessage") or (None if status == "RUNNING" else status),
    )


def runner_of(instance: Mapping[str, Any]) -> str:
    """Returns the runner's id in the metadata of an instance, or an empty text."""
    items = (instance.get("metadata") or {}).get("items") or ()
    return next((str(item["value"]) for item in items if item["key"] == "cadence-runner"), "")


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
