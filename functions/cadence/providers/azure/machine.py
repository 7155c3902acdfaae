"""Requests for virtual machines of Azure, and their state."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.azure.settings import AzureSettings
from cadence.providers.choices import Choice
from cadence.providers.contract import Machine, MachineCondition, RunnerRequest
from cadence.providers.marks import MachineOwner, from_seconds

_USER = "cadence"
_DELETE = "Delete"
_NETWORK_API = "2022-11-01"
_POWER = {
    "starting": MachineCondition.STARTING,
    "running": MachineCondition.RUNNING,
    "stopping": MachineCondition.STOPPING,
    "stopped": MachineCondition.STOPPING,
    "deallocating": MachineCondition.STOPPING,
    "deallocated": MachineCondition.STOPPING,
}


def wanted(
    settings: AzureSettings,
    owner: MachineOwner,
    name: str,
    choice: Choice,
    zone: str | None,
    request: RunnerRequest,
    user_data: str,
) -> Mapping[str, Any]:
    """Returns the request for a machine whose disk, interface and address are deleted with it.

    `user_data` is its cloud-init document. Raises ProviderRejected if there is no image for the architecture.
    """
    image = settings.images.get(choice.arch)
    if image is None:
        raise ProviderRejected(f"The pool's settings name no image for {choice.arch}.")
    properties: dict[str, Any] = {
        "hardwareProfile": {"vmSize": choice.type},
        "storageProfile": {
            "imageReference": dict(image),
            "osDisk": {
                "name": f"{name}-disk",
                "createOption": "FromImage",
                "deleteOption": _DELETE,
                "diskSizeGB": settings.disk_gb,
                "managedDisk": {"storageAccountType": settings.disk_type},
            },
        },
        "osProfile": {
            "computerName": name,
            "adminUsername": _USER,
            "customData": base64.b64encode(user_data.encode()).decode(),
            "linuxConfiguration": {
                "disablePasswordAuthentication": True,
                "ssh": {"publicKeys": [{"path": f"/home/{_USER}/.ssh/authorized_keys", "keyData": _unusable_key()}]},
            },
        },
        "networkProfile": {
            "networkApiVersion": _NETWORK_API,
            "networkInterfaceConfigurations": [_interface(settings, name)],
        },
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
    }
    if settings.trusted_launch:
        properties["securityProfile"] = {
            "securityType": "TrustedLaunch",
            "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True},
        }
    if choice.spot:
        properties |= {"priority": "Spot", "evictionPolicy": _DELETE, "billingProfile": {"maxPrice": -1.0}}
    body: dict[str, Any] = {
        "location": settings.location,
        "tags": dict(owner.tags(request)),
        "properties": properties,
    }
    if zone:
        body["zones"] = [zone]
    return body


def _interface(settings: AzureSettings, name: str) -> Mapping[str, Any]:
    address: dict[str, Any] = {"subnet": {"id": settings.subnet}, "primary": True}
    if settings.public_ip:
        address["publicIPAddressConfiguration"] = {
            "name": f"{name}-ip",
            "sku": {"name": "Standard"},
            "properties": {"deleteOption": _DELETE, "publicIPAllocationMethod": "Static"},
        }
    properties: dict[str, Any] = {
        "primary": True,
        "deleteOption": _DELETE,
        "ipConfigurations": [{"name": "main", "properties": address}],
    }
    if settings.security_group:
        properties["networkSecurityGroup"] = {"id": settings.security_group}
    return {"name": f"{name}-nic", "properties": properties}


def _unusable_key() -> str:
    """Returns a public key, since Azure requires a way to log in; the private half is discarded at once."""
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return f"{public.decode()} nobody"


def machine(settings: AzureSettings, entry: Mapping[str, Any]) -> Machine:
    """Returns the machine as Azure reports it."""
    tags, properties = entry.get("tags") or {}, entry["properties"]
    size = properties["hardwareProfile"]["vmSize"]
    spot = properties.get("priority") == "Spot"
    zone = (entry.get("zones") or [None])[0]
    prices = {(choice.type, choice.spot): choice.price_per_hour for choice in settings.sizes}
    power, state = _power(entry), properties["provisioningState"]
    condition = _condition(state, power)
    created = properties.get("timeCreated")
    return Machine(
        ref=entry["name"],
        runner_id=tags.get("cadence-runner", ""),
        condition=condition,
        created_at=datetime.fromisoformat(created) if created else None,
        expires_at=from_seconds(tags.get("cadence-expires")),
        offer=f"{size}{' spot' if spot else ''} in {entry['location']}{f'-{zone}' if zone else ''}",
        price_per_hour=prices.get((size, spot)),
        reason=None if condition is MachineCondition.RUNNING else f"{state}{f', {power}' if power else ''}",
    )


def _condition(state: str, power: str | None) -> MachineCondition:
    if state in ("Deleting", "Failed"):
        return MachineCondition.STOPPING
    if power is not None:
        return _POWER.get(power, MachineCondition.STARTING)
    return MachineCondition.RUNNING if state == "Succeeded" else MachineCondition.STARTING


def _power(entry: Mapping[str, Any]) -> str | None:
    statuses = (entry["properties"].get("instanceView") or {}).get("statuses") or ()
    codes = [str(status.get("code", "")).lower() for status in statuses]
    return next((code.removeprefix("powerstate/") for code in codes if code.startswith("powerstate/")), None)
