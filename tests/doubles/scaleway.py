"""A double of Scaleway's Instances and Block Storage.

What it takes and answers is held against the official SDK's types.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from scaleway.block.v1 import types as block
from scaleway.instance.v1 import types as instance
from scaleway.marketplace.v2 import types as marketplace

from tests.doubles.cloud import Cloud, written
from tests.doubles.described import of_type
from tests.fakes.answering import Asked, Reply

SECRET_KEY = "7f2c9a54-1111-4222-8333-secretsecret"
PROJECT = "5f0c1f5e-2d5b-4a3a-8f2a-0b8f0a1b2c3d"
AT = "2026-11-25T10:00:00+00:00"
LATER = "2026-11-25T10:05:00+00:00"
_INSTANCE = r"/instance/v1/zones/(?P<zone>[a-z]{2}-[a-z]{3}-\d)"
_BLOCK = r"/block/v1/zones/(?P<zone>[a-z]{2}-[a-z]{3}-\d)"
_KEEPS = {"stopped": ["poweron", "backup"], "running": ["poweroff", "terminate", "reboot", "stop_in_place", "backup"]}


@dataclass
class Scaleway(Cloud):
    """`zones` exist; `full` are (type, zone) out of stock; `quota` is how many servers the project may have."""

    zones: tuple[str, ...] = ("fr-par-1", "fr-par-2", "nl-ams-1")
    types: tuple[str, ...] = ("PLAY2-MICRO", "PRO2-XS")
    full: set[tuple[str, str]] = field(default_factory=set)
    quota: int = 1_000
    images: tuple[str, ...] = ("ubuntu_noble",)
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: dict[str, bytes] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)  # servers that lists do not show yet

    def __post_init__(self) -> None:
        self.routes = {
            ("GET", f"{_INSTANCE}/servers"): self.list_servers,
            ("POST", f"{_INSTANCE}/servers"): self.create,
            ("GET", f"{_INSTANCE}/servers/(?P<id>[0-9a-f-]+)"): self.get,
            ("DELETE", f"{_INSTANCE}/servers/(?P<id>[0-9a-f-]+)"): self.delete,
            ("PATCH", f"{_INSTANCE}/servers/(?P<id>[0-9a-f-]+)/user_data/cloud-init"): self.tell,
            ("POST", f"{_INSTANCE}/servers/(?P<id>[0-9a-f-]+)/action"): self.act,
            ("GET", f"{_INSTANCE}/products/servers/availability"): self.availability,
            ("GET", f"{_INSTANCE}/security_groups/(?P<id>[0-9a-f-]+)"): self.security_group,
            ("GET", "/marketplace/v2/local-images"): self.local_images,
            ("GET", f"{_BLOCK}/volumes"): self.list_volumes,
            ("GET", f"{_BLOCK}/volumes/(?P<id>[0-9a-f-]+)"): self.get_volume,
            ("DELETE", f"{_BLOCK}/volumes/(?P<id>[0-9a-f-]+)"): self.delete_volume,
        }

    def denies(self, asked: Asked) -> Reply | None:
        if asked.headers.get("x-auth-token") != SECRET_KEY:
            return Reply(
                401,
                {
                    "type": "denied_authentication",
                    "method": "api_key",
                    "reason": "not_found",
                    "message": "authentication is denied",
                },
            )
        return None

    def list_servers(self, asked: Asked, zone: str) -> Reply:
        if zone not in self.zones:
            return _missing("zone", zone)
        wanted = asked.params.get("tags", "").split(",")
        found = [
            server
            for server in self.servers.values()
            if server["zone"] == zone and set(wanted) & set(server["tags"]) and server["id"] not in self.hidden
        ]
        size, page = int(asked.params["per_page"]), int(asked.params.get("page", 1))
        shown = {"servers": written(found[size * (page - 1) : size * page]), "total_count": len(found)}
        return _described(instance.ListServersResponse, shown)

    def create(self, asked: Asked, zone: str) -> Reply:
        of_type(instance.CreateServerRequest, undo_underscores=True).check(asked.body)
        body = asked.body
        if body["image"] not in self.images:
            return Reply(
                404,
                {
                    "type": "not_found",
                    "resource": "instance_image",
                    "resource_id": body["image"],
                    "message": "resource is not found",
                },
            )
        if body["commercial_type"] not in self.types:
            return Reply(
                400,
                {
                    "type": "invalid_request_error",
                    "message": "Validation Error",
                    "fields": {"commercial_type": ["is not a valid value"]},
                },
            )
        if len(self.servers) >= self.quota:
            return Reply(
                403,
                {
                    "type": "quotas_exceeded",
                    "message": "Quotas exceeded for this resource.",
                    "details": [{"resource": "cp_servers", "quota": self.quota, "current": self.quota}],
                },
            )
        number = next(self.numbers)
        server_id, volume_id = (str(uuid5(NAMESPACE_URL, f"{what}{number}")) for what in ("server", "volume"))
        template = body["volumes"]["0"]
        volume = {
            "id": volume_id,
            "name": template["name"],
            "volume_type": template["volume_type"],
            "boot": False,
            "zone": zone,
            "size": template["size"],
        }
        if template["volume_type"] == "sbs_volume":
            self.volumes[volume_id] = {
                "id": volume_id,
                "name": template["name"],
                "type": "sbs_5k",
                "size": template["size"],
                "project_id": body["project"],
                "status": "in_use",
                "tags": [],
                "zone": zone,
                "created_at": AT,
                "references": [
                    {
                        "id": server_id,
                        "product_resource_type": "instance_server",
                        "product_resource_id": server_id,
                        "type": "exclusive",
                        "status": "attached",
                    }
                ],
            }
        server = {
            "id": server_id,
            "name": body["name"],
            "organization": body["project"],
            "project": body["project"],
            "allowed_actions": _KEEPS["stopped"],
            "tags": body["tags"],
            "commercial_type": body["commercial_type"],
            "dynamic_ip_required": body["dynamic_ip_required"],
            "hostname": body["name"],
            "protected": False,
            "public_ips": [],
            "mac_address": "de:00:00:00:00:01",
            "state": "stopped",
            "boot_type": "local",
            "volumes": {"0": volume},
            "maintenances": [],
            "state_detail": "",
            "arch": "x86_64",
            "private_nics": [],
            "zone": zone,
            "filesystems": [],
            "end_of_service": False,
            "creation_date": AT,
            "modification_date": AT,
        }
        self.servers[server_id] = server
        return _described(instance.CreateServerResponse, {"server": written(server)}, 201)

    def get(self, asked: Asked, zone: str, id: str) -> Reply:  # noqa: A002
        server = self.servers.get(id)
        if server is None or server["zone"] != zone:
            return _missing("instance_server", id)
        return _described(instance.GetServerResponse, {"server": written(server)})

    def tell(self, asked: Asked, zone: str, id: str) -> Reply:  # noqa: A002
        assert asked.headers["content-type"] == "text/plain"
        if id not in self.servers:
            return _missing("instance_server", id)
        self.told[id] = asked.raw
        return Reply(204)

    def act(self, asked: Asked, zone: str, id: str) -> Reply:  # noqa: A002
        assert asked.body["action"] in set(instance.ServerAction)
        server = self.servers.get(id)
        if server is None:
            return _missing("instance_server", id)
        action = asked.body["action"]
        if action not in server["allowed_actions"]:
            return Reply(
                400,
                {"type": "invalid_request_error", "message": f"action {action} is not allowed while {server['state']}"},
            )
        if action == "poweron":
            if (server["commercial_type"], zone) in self.full:
                return Reply(
                    412,
                    {
                        "type": "out_of_stock",
                        "resource": server["commercial_type"],
                        "message": "resource is out of stock",
                    },
                )
            server |= {"state": "starting", "allowed_actions": ["terminate"]}
        elif action == "terminate":
            server |= {"state": "stopping", "state_detail": "terminating", "allowed_actions": []}
        task = {
            "id": id,
            "description": f"server_{action}",
            "progress": 0,
            "status": "pending",
            "zone": zone,
            "terminated_at": None,
            "started_at": AT,
            "href_from": asked.path,
            "href_result": f"/servers/{id}",
        }
        return _described(instance.ServerActionResponse, {"task": task}, 202)

    def delete(self, asked: Asked, zone: str, id: str) -> Reply:  # noqa: A002
        server = self.servers.get(id)
        if server is None:
            return _missing("instance_server", id)
        if server["state"] != "stopped":  # another call switched it on since it was looked at
            return _in_use("server must be stopped")
        self._forget(id)
        return Reply(204)

    def availability(self, asked: Asked, zone: str) -> Reply:
        shown = {
            kind: {"availability": "shortage" if (kind, zone) in self.full else "available"} for kind in self.types
        }
        return _described(instance.GetServerTypesAvailabilityResponse, {"servers": shown, "total_count": len(shown)})

    def security_group(self, asked: Asked, zone: str, id: str) -> Reply:  # noqa: A002
        return _missing("instance_security_group", id)

    def local_images(self, asked: Asked) -> Reply:
        label, zone = asked.params["image_label"], asked.params["zone"]
        local = {
            "id": str(uuid5(NAMESPACE_URL, label)),
            "compatible_commercial_types": list(self.types),
            "arch": "x86_64",
            "zone": zone,
            "label": label,
            "type": "instance_sbs",
        }
        found = [local] if label in self.images and zone in self.zones else []
        shown = {"local_images": found, "total_count": len(found)}
        return _described(marketplace.ListLocalImagesResponse, shown)

    def list_volumes(self, asked: Asked, zone: str) -> Reply:
        if zone not in self.zones:
            return _missing("zone", zone)
        found = [v for v in self.volumes.values() if v["zone"] == zone and asked.params["name"] in v["name"]]
        size, page = int(asked.params["page_size"]), int(asked.params.get("page", 1))
        shown = {"volumes": written(found[size * (page - 1) : size * page]), "total_count": len(found)}
        return _described(block.ListVolumesResponse, shown)

    def get_volume(self, asked: Asked, zone: str, id: str) -> Reply:  # noqa: A002
        volume = self.volumes.get(id)
        return _described(block.Volume, written(volume)) if volume else _missing("volume", id)

    def delete_volume(self, asked: Asked, zone: str, id: str) -> Reply:  # noqa: A002
        volume = self.volumes.get(id)
        if volume is None:
            return _missing("volume", id)
        if volume["references"]:
            return _in_use("volume is attached")
        del self.volumes[id]
        return Reply(204)

    def boot(self, server_id: str) -> None:
        self.servers[server_id] |= {"state": "running", "state_detail": "booted", "allowed_actions": _KEEPS["running"]}

    def switch_off(self, server_id: str) -> None:
        """The machine does so itself, at its end."""
        self.servers[server_id] |= {
            "state": "stopped",
            "allowed_actions": _KEEPS["stopped"],
            "modification_date": LATER,
        }

    def settle(self) -> None:
        """Time passes: what is being terminated is gone, and its block storage stays behind."""
        for server_id, server in list(self.servers.items()):
            if server["state"] == "stopping":
                self._forget(server_id)

    def _forget(self, server_id: str) -> None:
        del self.servers[server_id]
        for volume in self.volumes.values():
            if any(one["product_resource_id"] == server_id for one in volume["references"]):
                volume |= {"references": [], "status": "available"}


def _described(kind: type, body: Any, status: int = 200) -> Reply:
    of_type(kind, undo_underscores=True).check(body)
    return Reply(status, body)


def _in_use(why: str) -> Reply:
    return Reply(
        412,
        {
            "type": "precondition_failed",
            "precondition": "resource_still_in_use",
            "help_message": why,
            "message": "precondition failed: resource is still in use",
        },
    )


def _missing(what: str, which: str) -> Reply:
    return Reply(404, {"type": "not_found", "resource": what, "resource_id": which, "message": "resource is not found"})
