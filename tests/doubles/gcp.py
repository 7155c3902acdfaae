"""A double of Google Compute Engine and of the permissions of a project, to which a service account signs its own
tokens.

What it takes and answers is held against Google's own discovery documents.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.doubles.cloud import Cloud, written
from tests.doubles.google import FOLDER, discovery
from tests.fakes.answering import Asked, Reply

PROJECT = "acme-builds"
AUDIENCE = (
    "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/cadence/providers/aws-of-ours"
)
EMAIL = "cadence@acme-builds.iam.gserviceaccount.com"
HERE = FOLDER.is_dir()
_ZONE = rf"/compute/v1/projects/{PROJECT}/zones/(?P<zone>[a-z0-9-]+)"
_WWW = "https://www.googleapis.com/compute/v1"


@cache
def key_pair(another: bool) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def account_key(another: bool = False) -> str:
    """The JSON file of a service account's key; `another` is one that Google does not know."""
    pem = key_pair(another).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "0123456789abcdef0123456789abcdef01234567",
            "private_key": pem.decode(),
            "client_email": EMAIL,
            "client_id": "100000000000000000001",
            "token_uri": "https://elsewhere.example.org/token",
        }
    )


@dataclass
class Gcp(Cloud):
    """`full` are zones without room, which show `late` in the operation or at once. `permissions` are the account's."""

    zones: tuple[str, ...] = ("europe-west1-b", "europe-west1-c")
    types: tuple[str, ...] = ("e2-standard-2", "e2-standard-4")
    full: set[str] = field(default_factory=set)
    late: bool = False
    quota: bool = False
    permissions: set[str] | None = None
    images: tuple[str, ...] = ("projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64",)
    instances: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_request: dict[str, str] = field(default_factory=dict)
    serial: dict[str, str] = field(default_factory=dict)
    # Workload identity: which secrets AWS has given for which key, the subjects that are trusted, and tokens that
    # were given.
    aws: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    trusted: set[str] = field(default_factory=set)
    given: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def serving(self) -> Iterator[str]:
        with pytest.MonkeyPatch.context() as patch, super().serving() as url:
            # Whoever reads a key checks its numbers, which takes longer than most cases, and they make many providers.
            patch.setattr(serialization, "load_pem_private_key", cache(serialization.load_pem_private_key))
            yield url

    def __post_init__(self) -> None:
        self.routes = {
            ("POST", r"/v1/token"): self.exchange,
            ("POST", rf"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"): self.impersonate,
            ("POST", rf"/v1/projects/{PROJECT}:testIamPermissions"): self.test_permissions,
            ("GET", rf"/compute/v1/projects/{PROJECT}/aggregated/instances"): self.aggregated,
            ("GET", _ZONE): self.get_zone,
            ("GET", rf"/compute/v1/projects/{PROJECT}/regions/[a-z0-9-]+"): self.get_region,
            ("GET", rf"/compute/v1/projects/{PROJECT}/global/networks/default"): self.get_network,
            ("GET", r"/compute/v1/(?P<image>projects/[a-z-]+/global/images/(family/)?[a-z0-9-]+)"): self.get_image,
            ("GET", f"{_ZONE}/machineTypes/(?P<kind>[a-z0-9-]+)"): self.get_type,
            ("GET", f"{_ZONE}/operations"): self.list_operations,
            ("POST", f"{_ZONE}/instances"): self.insert,
            ("GET", f"{_ZONE}/instances/(?P<name>[a-z0-9-]+)"): self.get,
            ("DELETE", f"{_ZONE}/instances/(?P<name>[a-z0-9-]+)"): self.delete,
            ("GET", f"{_ZONE}/instances/(?P<name>[a-z0-9-]+)/serialPort"): self.serial_port,
        }

    def denies(self, asked: Asked) -> Reply | None:
        if asked.path == "/v1/token":
            return None  # what is exchanged there is looked at where it is
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, key_pair(False).public_key(), algorithms=["RS256"])
        except jwt.InvalidTokenError:
            claims = {}
        if token in self.given:
            return None
        if claims.get("iss") == EMAIL and "https://www.googleapis.com/auth/cloud-platform" in claims["scope"].split():
            return None
        return _error(401, "UNAUTHENTICATED", "authError", "Request had invalid authentication credentials.")

    def serve(self, asked: Asked) -> Reply:
        if asked.path == "/v1/token":
            asked = replace(asked, raw=_as_described(asked.raw))
        elif asked.path.startswith("/v1/projects/-/"):
            # In Google's JSON, null is what is not said.
            said = {name: value for name, value in asked.body.items() if value is not None}
            asked = replace(asked, raw=json.dumps(said).encode())
        api = discovery(_api_of(asked.path))
        try:
            method = api.describes(asked)
        except AssertionError as error:
            self.wrong.append(str(error))
            return _error(400, "INVALID_ARGUMENT", "invalid", str(error))
        reply = super().serve(asked)
        if reply.status < 400:
            try:
                api.check(method["response"]["$ref"], reply.body)
            except AssertionError as error:
                self.wrong.append(f"answer of {method['id']}: {error}")
        return reply

    def exchange(self, asked: Asked) -> Reply:
        """A token for whoever AWS says it is, as Google's STS does it; AWS is asked with the very request that was
        signed.
        """
        request = json.loads(unquote(asked.body["subjectToken"]))
        subject = self._caller(request)
        if asked.body["audience"] != AUDIENCE or _header(request, "x-goog-cloud-target-resource") != AUDIENCE:
            return Reply(400, {"error": "invalid_grant", "error_description": "The audience in the token is not ours."})
        if subject is None:
            return Reply(400, {"error": "invalid_grant", "error_description": "Received invalid AWS response."})
        return self._give(subject, snake=True)

    def impersonate(self, asked: Asked) -> Reply:
        subject = self.given[asked.headers["authorization"].removeprefix("Bearer ")]
        if subject not in self.trusted:
            return _error(
                403,
                "PERMISSION_DENIED",
                "forbidden",
                "Permission 'iam.serviceAccounts.getAccessToken' denied on resource",
            )
        return self._give(EMAIL, snake=False)

    def _give(self, whom: str, *, snake: bool) -> Reply:
        token = f"token-{next(self.numbers)}-of-{whom}"
        self.given[token] = whom
        if snake:
            kinds = {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer"}
            return Reply(200, {"access_token": token, "expires_in": 3600, **kinds})
        return Reply(200, {"accessToken": token, "expireTime": "2036-01-01T00:00:00Z"})

    def _caller(self, request: dict[str, Any]) -> str | None:
        """Whom AWS would say it is: by the signature of the key's own secret."""
        headers = {one["key"].lower(): one["value"] for one in request["headers"]}
        signed = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([a-z0-9-]+)/sts/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=(\w+)",
            headers["authorization"],
        )
        assert signed, headers["authorization"]
        key_id, day, region, names, signature = signed.groups()
        secret, session_token, arn = self.aws.get(key_id, ("", "", ""))
        parts = urlsplit(request["url"])
        if headers.get("x-amz-security-token") != session_token:
            return None
        canonical = "\n".join(
            [
                request["method"],
                parts.path or "/",
                parts.query,
                *(f"{name}:{headers[name]}" for name in names.split(";")),
                "",
                names,
                hashlib.sha256(b"").hexdigest(),
            ]
        )
        scope = f"{day}/{region}/sts/aws4_request"
        stated = "\n".join(
            ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
        )
        made = f"AWS4{secret}".encode()
        for word in (day, region, "sts", "aws4_request", stated):
            made = hmac.digest(made, word.encode(), "sha256")
        return arn if hmac.compare_digest(made.hex(), signature) else None

    def test_permissions(self, asked: Asked) -> Reply:
        asks = asked.body["permissions"]
        return Reply(200, {"permissions": [one for one in asks if self.permissions is None or one in self.permissions]})

    def aggregated(self, asked: Asked) -> Reply:
        wanted = dict(re.findall(r'\(([a-z._]+) = "([^"]+)"\)', asked.params["filter"]))
        found = [
            one
            for one in self.instances.values()
            if one["labels"].get("cadence_owner") == wanted["labels.cadence_owner"]
            and wanted.get("name") in (None, one["name"])
        ]
        size, begin = int(asked.params["maxResults"]), int(asked.params.get("pageToken", "0"))
        items: dict[str, Any] = {}
        for one in found[begin : begin + size]:
            zone = one["zone"].rsplit("/", 1)[-1]
            items.setdefault(f"zones/{zone}", {"instances": []})["instances"].append(written(one))
        body: dict[str, Any] = {"kind": "compute#instanceAggregatedList", "id": "1", "items": items}
        if begin + size < len(found):
            body["nextPageToken"] = str(begin + size)
        return Reply(200, body)

    def get_zone(self, asked: Asked, zone: str) -> Reply:
        return Reply(200, {"name": zone, "status": "UP"}) if zone in self.zones else _missing(f"zones/{zone}")

    def get_region(self, asked: Asked) -> Reply:
        used = 8.0 if self.quota else 2.0
        return Reply(200, {"name": "europe-west1", "quotas": [{"metric": "CPUS", "limit": 8.0, "usage": used}]})

    def get_network(self, asked: Asked) -> Reply:
        return Reply(200, {"name": "default"})

    def get_image(self, asked: Asked, image: str) -> Reply:
        return Reply(200, {"name": image.rsplit("/", 1)[-1]}) if image in self.images else _missing(image)

    def get_type(self, asked: Asked, zone: str, kind: str) -> Reply:
        return Reply(200, {"name": kind}) if kind in self.types else _missing(f"machineTypes/{kind}")

    def list_operations(self, asked: Asked, zone: str) -> Reply:
        found = re.fullmatch(r'\(targetLink = "([^"]+)"\)', asked.params["filter"])
        assert found
        items = [written(one) for one in self.operations.values() if one["targetLink"] == found[1]]
        return Reply(200, {"kind": "compute#operationList", "items": items})

    def insert(self, asked: Asked, zone: str) -> Reply:
        body, request_id = asked.body, asked.params["requestId"]
        if request_id in self.by_request:
            return Reply(200, written(self.operations[self.by_request[request_id]]))
        if (zone, body["name"]) in self.instances:
            return _error(409, "ALREADY_EXISTS", "alreadyExists", f"The resource '{body['name']}' already exists")
        image = body["disks"][0]["initializeParams"]["sourceImage"]
        if image not in self.images:
            return _missing(image)
        if self.quota:
            return _error(
                403, "RESOURCE_EXHAUSTED", "quotaExceeded", "Quota 'CPUS' exceeded.  Limit: 8.0 in region europe-west1."
            )
        if zone in self.full and not self.late:
            return _error(503, "UNAVAILABLE", "ZONE_RESOURCE_POOL_EXHAUSTED", _no_room(zone))
        number = next(self.numbers)
        link = f"{_WWW}/projects/{PROJECT}/zones/{zone}/instances/{body['name']}"
        operation: dict[str, Any] = {
            "kind": "compute#operation",
            "id": str(number),
            "name": f"operation-{number}",
            "zone": f"{_WWW}/projects/{PROJECT}/zones/{zone}",
            "operationType": "insert",
            "targetLink": link,
            "status": "RUNNING" if self.late else "DONE",
            "progress": 0,
        }
        self.operations[operation["name"]] = operation
        self.by_request[request_id] = operation["name"]
        self.instances[zone, body["name"]] = {
            **{name: body[name] for name in ("name", "labels", "metadata", "scheduling", "disks")},
            "kind": "compute#instance",
            "id": str(number),
            "creationTimestamp": f"2026-11-25T02:00:{number % 60:02}.000-08:00",
            "zone": operation["zone"],
            "machineType": f"{_WWW}/projects/{PROJECT}/{body['machineType']}",
            "status": "PROVISIONING" if self.late else "STAGING",
            "selfLink": link,
        }
        return Reply(200, written(operation))

    def get(self, asked: Asked, zone: str, name: str) -> Reply:
        one = self.instances.get((zone, name))
        return Reply(200, written(one)) if one else _missing(f"instances/{name}")

    def delete(self, asked: Asked, zone: str, name: str) -> Reply:
        one = self.instances.get((zone, name))
        if one is None:
            return _missing(f"instances/{name}")
        one["status"] = "STOPPING"
        return Reply(200, {"kind": "compute#operation", "name": "operation-delete", "status": "RUNNING"})

    def serial_port(self, asked: Asked, zone: str, name: str) -> Reply:
        if (zone, name) not in self.instances:
            return _missing(f"instances/{name}")
        text = self.serial.get(name, "")
        return Reply(
            200, {"kind": "compute#serialPortOutput", "contents": text[int(asked.params["start"]) :], "start": "0"}
        )

    def decide(self) -> None:
        """Time passes: zones with room go on, those without it say so."""
        for operation in self.operations.values():
            if operation["status"] == "DONE":
                continue
            operation |= {"status": "DONE", "progress": 100}
            zone, name = operation["zone"].rsplit("/", 1)[-1], operation["targetLink"].rsplit("/", 1)[-1]
            if zone in self.full:
                error = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": _no_room(zone)}
                operation |= {"error": {"errors": [error]}, "httpErrorStatusCode": 503}
                self.instances.pop((zone, name), None)
            elif (zone, name) in self.instances:
                self.instances[zone, name]["status"] = "STAGING"

    def preempt(self, zone: str, name: str) -> None:
        one = self.instances.pop((zone, name))
        number = next(self.numbers)
        self.operations[f"systemevent-{number}"] = {
            "kind": "compute#operation",
            "name": f"systemevent-{number}",
            "operationType": "compute.instances.preempted",
            "targetLink": one["selfLink"],
            "status": "DONE",
            "statusMessage": "Instance was preempted.",
        }

    def settle(self) -> None:
        for key, one in list(self.instances.items()):
            if one["status"] == "STOPPING":
                del self.instances[key]


def _as_described(form: bytes) -> bytes:
    """Google's STS takes forms with the names of OAuth; its description has its own."""
    return json.dumps(
        {
            re.sub(r"_([a-z])", lambda found: found[1].upper(), name): value
            for name, value in parse_qsl(form.decode(), keep_blank_values=True)
        }
    ).encode()


def _api_of(path: str) -> str:
    if path.startswith("/compute/"):
        return "compute.v1"
    if path == "/v1/token":
        return "sts.v1"
    return "iamcredentials.v1" if path.startswith("/v1/projects/-/") else "cloudresourcemanager.v1"


def _header(request: dict[str, Any], name: str) -> str | None:
    return next((one["value"] for one in request["headers"] if one["key"].lower() == name), None)


def _no_room(zone: str) -> str:
    return f"The zone '{zone}' does not have enough resources available to fulfill the request. Try a different zone."


def _missing(what: str) -> Reply:
    return _error(404, "NOT_FOUND", "notFound", f"The resource '{what}' was not found")


def _error(status: int, name: str, reason: str, message: str) -> Reply:
    errors = [{"message": message, "domain": "global", "reason": reason}]
    return Reply(status, {"error": {"code": status, "message": message, "errors": errors, "status": name}})
