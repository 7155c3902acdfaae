"""A double of Azure's virtual machines, with a tenant that gives tokens.

What it takes and answers is held against the types of Microsoft's own SDK, enumerations included.
"""

import base64
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from azure.mgmt.compute import models
from azure.mgmt.compute import types as compute
from pydantic import TypeAdapter

from tests.doubles.cloud import Cloud, written
from tests.doubles.described import Description, strict
from tests.fakes.answering import Asked, Reply

TENANT = "11111111-2222-4333-8444-555555555555"
SUBSCRIPTION = "66666666-7777-4888-8999-aaaaaaaaaaaa"
CLIENT_ID = "bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"
CLIENT_SECRET = "Q~secret-of-the-application-0123456789"
TOKEN = "eyJ0-token-of-the-double-0123456789"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/runners"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/main/subnets/runners"
IMAGE = {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"}
_COMPUTE = f"{GROUP}/providers/Microsoft.Compute"
_LOCATION = rf"/subscriptions/{SUBSCRIPTION}/providers/Microsoft\.Compute/locations/westeurope"
_VM = rf"{_COMPUTE}/virtualMachines/(?P<name>[a-z0-9-]+)"


@dataclass
class Azure(Cloud):
    """`full` are sizes without room, which show `late` in the machine's state or at once."""

    url: str = ""
    full: set[str] = field(default_factory=set)
    late: bool = False
    quota: bool = False
    actions: list[str] = field(default_factory=lambda: ["Microsoft.Compute/*", "Microsoft.Network/*"])
    images: tuple[str, ...] = ("Canonical",)
    machines: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    serial: dict[str, str] = field(default_factory=dict)
    tokens: int = 0
    page: int = 3

    def __post_init__(self) -> None:
        self.routes = {
            ("GET", f"/{TENANT}/v2.0/.well-known/openid-configuration"): self.tenant,
            ("POST", f"/{TENANT}/oauth2/v2.0/token"): self.token,
            ("GET", f"{_COMPUTE}/virtualMachines"): self.list_machines,
            ("PUT", _VM): self.put,
            ("GET", _VM): self.get,
            ("DELETE", _VM): self.delete,
            ("POST", f"{_VM}/retrieveBootDiagnosticsData"): self.diagnostics,
            ("GET", "/serial/(?P<name>[a-z0-9-]+)"): self.read_serial,
            ("GET", f"{GROUP}/providers/Microsoft.Authorization/permissions"): self.permissions,
            ("GET", SUBNET): self.subnet,
            ("GET", f"{_LOCATION}/usages"): self.usages,
            (
                "GET",
                rf"{_LOCATION}/publishers/(?P<publisher>\w+)/artifacttypes/vmimage/offers/[\w-]+/skus/\w+/versions",
            ): self.versions,
        }

    def denies(self, asked: Asked) -> Reply | None:
        if asked.path.startswith((f"/{TENANT}/", "/serial/")):
            assert not asked.headers.get("authorization", "").startswith("Bearer")
            return None
        if asked.headers.get("authorization") == f"Bearer {TOKEN}":
            return None if "api-version" in asked.params else _error(400, "MissingApiVersionParameter", "api-version")
        return _error(401, "InvalidAuthenticationToken", "The access token is invalid.")

    def tenant(self, asked: Asked) -> Reply:
        there = f"https://login.microsoftonline.com/{TENANT}"
        return Reply(
            200,
            {
                "issuer": f"{there}/v2.0",
                "authorization_endpoint": f"{there}/oauth2/v2.0/authorize",
                "token_endpoint": f"{there}/oauth2/v2.0/token",
            },
        )

    def token(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.raw.decode()))
        assert form["grant_type"] == "client_credentials" and form["scope"] == "https://management.azure.com/.default"
        if "client_assertion" in form:
            assert form["client_assertion_type"].endswith("jwt-bearer")
        elif (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return Reply(
                401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
            )
        self.tokens += 1
        return Reply(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN})

    def list_machines(self, asked: Asked) -> Reply:
        begin = int(asked.params.get("$skiptoken", "0"))
        names = sorted(self.machines)
        body: dict[str, Any] = {"value": [written(self.machines[name]) for name in names[begin : begin + self.page]]}
        for one in body["value"]:
            described("VirtualMachine").check(one)
        if begin + self.page < len(names):
            body["nextLink"] = f"{self.url}{asked.path}?api-version=2024-11-01&$skiptoken={begin + self.page}"
        return Reply(200, body)

    def put(self, asked: Asked, name: str) -> Reply:
        described("VirtualMachine").check(asked.body)
        assert asked.headers["if-none-match"] == "*" and len(name) <= 64
        body = asked.body
        if name in self.machines:
            return _error(412, "PreconditionFailed", "The condition '*' in the If-None-Match header was not satisfied.")
        base64.b64decode(body["properties"]["osProfile"]["customData"], validate=True)
        if body["properties"]["storageProfile"]["imageReference"].get("publisher") not in self.images:
            return _error(
                404, "PlatformImageNotFound", "The platform image 'Nobody:nothing:none:latest' is not available."
            )
        if self.quota:
            return _error(
                409,
                "OperationNotAllowed",
                "Operation could not be completed as it results in exceeding approved Total Regional Cores quota. Current Limit: 10",
            )
        size = body["properties"]["hardwareProfile"]["vmSize"]
        if size in self.full and not self.late:
            return _error(
                409,
                "SkuNotAvailable",
                f"The requested VM size {size} is currently not available in location 'westeurope'.",
            )
        properties = {
            **{key: value for key, value in body["properties"].items() if key != "osProfile"},
            "provisioningState": "Creating" if self.late else "Succeeded",
            "vmId": f"{next(self.numbers):08d}-0000-4000-8000-000000000000",
            "timeCreated": "2026-11-25T10:00:00.1234567+00:00",
        }
        self.machines[name] = {
            "id": asked.path,
            "name": name,
            "type": "Microsoft.Compute/virtualMachines",
            "location": body["location"],
            "tags": body["tags"],
            "properties": properties,
            **({"zones": body["zones"]} if "zones" in body else {}),
        }
        self.statuses[name] = [{"code": "PowerState/starting", "level": "Info", "displayStatus": "VM starting"}]
        return _machine(201, self.machines[name])

    def get(self, asked: Asked, name: str) -> Reply:
        if name not in self.machines:
            return _error(404, "ResourceNotFound", f"The Resource 'virtualMachines/{name}' was not found.")
        found = written(self.machines[name])
        if asked.params.get("$expand") == "instanceView":
            found["properties"]["instanceView"] = {"statuses": written(self.statuses[name])}
        return _machine(200, found)

    def delete(self, asked: Asked, name: str) -> Reply:
        if name not in self.machines:
            return Reply(204)
        self.machines[name]["properties"]["provisioningState"] = "Deleting"
        return Reply(202)

    def diagnostics(self, asked: Asked, name: str) -> Reply:
        if name not in self.machines:
            return _error(404, "ResourceNotFound", f"The Resource 'virtualMachines/{name}' was not found.")
        return Reply(
            200,
            {
                "consoleScreenshotBlobUri": f"{self.url}/none",
                "serialConsoleLogBlobUri": f"{self.url}/serial/{name}?sig=1",
            },
        )

    def read_serial(self, asked: Asked, name: str) -> Reply:
        assert "authorization" not in asked.headers
        return Reply(200, self.serial.get(name, ""))

    def permissions(self, asked: Asked) -> Reply:
        return Reply(200, {"value": [{"actions": self.actions, "notActions": []}]})

    def subnet(self, asked: Asked) -> Reply:
        return Reply(200, {"id": SUBNET, "name": "runners"})

    def usages(self, asked: Asked) -> Reply:
        used = 10 if self.quota else 2
        cores = {
            "unit": "Count",
            "currentValue": used,
            "limit": 10,
            "name": {"value": "cores", "localizedValue": "Total Regional vCPUs"},
        }
        return Reply(200, {"value": [cores]})

    def versions(self, asked: Asked, publisher: str) -> Reply:
        return Reply(
            200, [{"id": "1", "name": "24.04.1", "location": "westeurope"}] if publisher in self.images else []
        )

    def decide(self) -> None:
        """Time passes: what can be made is made, what cannot has failed."""
        for name, one in self.machines.items():
            if one["properties"]["provisioningState"] != "Creating":
                continue
            if one["properties"]["hardwareProfile"]["vmSize"] in self.full:
                one["properties"]["provisioningState"] = "Failed"
                self.statuses[name] = [
                    {
                        "code": "ProvisioningState/failed/AllocationFailed",
                        "level": "Error",
                        "displayStatus": "Provisioning failed",
                        "message": "Allocation failed. We do not have sufficient capacity for the requested VM size in this region.",
                    }
                ]
            else:
                one["properties"]["provisioningState"] = "Succeeded"

    def power(self, name: str, state: str) -> None:
        self.machines[name]["properties"]["provisioningState"] = "Succeeded"
        self.statuses[name] = [{"code": f"PowerState/{state}", "level": "Info", "displayStatus": f"VM {state}"}]

    def settle(self) -> None:
        for name, one in list(self.machines.items()):
            if one["properties"]["provisioningState"] == "Deleting":
                del self.machines[name]


@cache
def described(name: str) -> Description:
    """A type of the SDK. What may be any text or one of an enumeration's has to be one of the enumeration's, but for
    sizes: those are more than any list has."""
    names = {**vars(models), **vars(compute)}
    adapter: TypeAdapter[Any] = TypeAdapter(names[name])
    adapter.rebuild(force=True, raise_errors=True, _types_namespace=names)
    document = adapter.json_schema()
    for title, node in {name: document, **document.get("$defs", {})}.items():
        # Types that extend another one do not say again that what they have may be left out.
        annotations = getattr(names.get(title), "__annotations__", {})
        if "required" in node and annotations:
            needed = [key for key in node["required"] if "Required[" in str(annotations[key])]
            node["required"] = needed
    return Description(strict(_enumerated(document, document.get("$defs", {}))))


def _enumerated(node: Any, definitions: Any) -> Any:
    if isinstance(node, list):
        return [_enumerated(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    choices = node.get("anyOf", ())
    for one in choices:
        kind = one.get("$ref", "").rsplit("/", 1)[-1]
        if {"type": "string"} in choices and kind != "VirtualMachineSizeTypes" and "enum" in definitions.get(kind, {}):
            return one
    return {name: _enumerated(one, definitions) for name, one in node.items()}


def _machine(status: int, body: Any) -> Reply:
    described("VirtualMachine").check(body)
    return Reply(status, body)


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": {"code": code, "message": message}})
