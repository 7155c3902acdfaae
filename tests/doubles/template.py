"""A double of Template. A real infrastructure's double is held against its own description (see the others)."""

from dataclasses import dataclass, field
from typing import Any

from tests.doubles.cloud import Cloud, written
from tests.fakes.answering import Asked, Reply

TOKEN = "token-of-template-0123456789"
_ZONE = "/zones/(?P<zone>[a-z]+)/machines"


@dataclass
class Template(Cloud):
    zones: tuple[str, ...] = ("east", "west")
    full: bool = False
    quota: bool = False
    images: tuple[str, ...] = ("linux",)
    machines: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.routes = {
            ("GET", "/images/(?P<image>[a-z_]+)"): self.image,
            ("GET", _ZONE): self.list_machines,
            ("POST", _ZONE): self.create,
            ("GET", f"{_ZONE}/(?P<name>[a-z0-9-]+)"): self.get,
            ("DELETE", f"{_ZONE}/(?P<name>[a-z0-9-]+)"): self.delete,
            ("GET", f"{_ZONE}/(?P<name>[a-z0-9-]+)/console"): self.console,
        }

    def denies(self, asked: Asked) -> Reply | None:
        known = asked.headers.get("authorization") == f"Bearer {TOKEN}"
        return None if known else Reply(401, {"code": "who", "message": "who are you?"})

    def image(self, asked: Asked, image: str) -> Reply:
        return Reply(200, {"name": image}) if image in self.images else _missing(image)

    def list_machines(self, asked: Asked, zone: str) -> Reply:
        name, _, value = asked.params.get("tag", "").partition("=")
        found = [one for (where, _), one in self.machines.items() if where == zone and one["tags"].get(name) == value]
        begin, size = int(asked.params.get("after", "0")), int(asked.params["limit"])
        following = str(begin + size) if begin + size < len(found) else None
        return Reply(200, {"machines": written(found[begin : begin + size]), "next": following})

    def create(self, asked: Asked, zone: str) -> Reply:
        body = asked.body
        assert set(body) == {"name", "type", "image", "tags", "user_data"}
        if (zone, body["name"]) in self.machines:
            return Reply(409, {"code": "exists", "message": "there is one of this name"})
        if body["image"] not in self.images:
            return _missing(body["image"])
        if self.full or self.quota:
            code = "no_capacity" if self.full else "quota_exceeded"
            return Reply(422, {"code": code, "message": "no more of these"})
        made = {name: body[name] for name in ("name", "type", "tags")}
        self.machines[zone, body["name"]] = {**made, "state": "creating", "created_at": "2026-11-25T10:00:00+00:00"}
        return Reply(201, {"name": body["name"]})

    def get(self, asked: Asked, zone: str, name: str) -> Reply:
        one = self.machines.get((zone, name))
        return Reply(200, written(one)) if one else _missing(name)

    def delete(self, asked: Asked, zone: str, name: str) -> Reply:
        if (zone, name) not in self.machines:
            return _missing(name)
        self.machines[zone, name]["state"] = "deleting"
        return Reply(204)

    def console(self, asked: Asked, zone: str, name: str) -> Reply:
        return Reply(200, "booting") if (zone, name) in self.machines else _missing(name)

    def of(self, runner_id: str) -> list[dict[str, Any]]:
        return [one for one in self.machines.values() if one["tags"]["cadence-runner"] == runner_id]

    def settle(self) -> None:
        self.machines = {key: one for key, one in self.machines.items() if one["state"] != "deleting"}


def _missing(what: str) -> Reply:
    return Reply(404, {"code": "missing", "message": f"there is no {what}"})
