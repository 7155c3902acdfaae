"""An OpenStack for tests: nova's real API, scheduler, conductor and compute service (with its fake driver) and the real
placement, in one process, as nova's own functional tests run them; in front of them tokens and the catalog of an
identity
service whose requests are held against keystone's schemas, and the lists of images and networks that a probe asks for.

Runs with an environment of its own (`requirements.txt`). Prints its address as one line, ends when standard input is
closed.
A test makes it refuse, fail or be slow through `POST /trouble`: {"path", "status", "body", "retry_after", "delay",
"times",
"lost"} (with `lost` the call is carried out before), {"clear": true}, {"quota": {…}}, {"hosts": "disabled"}. `GET
/deleted` names the servers that somebody asked to delete.
"""

import json
import os
import re
import sys
import threading
import time
import traceback
import uuid
import warnings
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "true"

# nova first: it wants to decide by itself how threads are made.
from nova.tests.functional import integrated_helpers  # noqa: I001
from nova import conf
from nova.tests import fixtures as nova_fixtures
import jsonschema
from keystone.auth import schema as identity_schema

CREDENTIAL = ("cadence", "of the tests")  # id and secret of the application credential that may log in
PROJECT = "6f70656e737461636b20666f72206361"


# Two locks of nova's fixtures wait for each other: whoever writes to a database holds its lock and then reads which
# cell is meant, whoever works in a cell holds that and then writes; a third who wants another cell, and for whom new
# readers wait, closes the circle. Readers that do not wait for pending writers open it.
nova_fixtures.ReaderWriterLock.has_pending_writers = property(lambda _: False)


class Cloud(integrated_helpers._IntegratedTestBase):
    CAST_AS_CALL = False

    def _setup_services(self):
        self.flags(api_paste_config=str(Path(sys.prefix) / "etc" / "nova" / "api-paste.ini"), group="wsgi")
        super()._setup_services()
        self.admin_api.microversion = "2.53"  # from which on services are named by UUIDs

    def runTest(self):  # noqa: N802 - what a test case is called by
        """The services run for as long as standard input is open."""


class Front:
    """The WSGI application: trouble first, then identity, images, networks, and nova for all else."""

    def __init__(self, cloud):
        self.cloud, self.troubles, self.tokens, self.lock = cloud, [], set(), threading.Lock()
        self.deleted = set()
        self.hosts = "enabled"
        self.url = ""

    def __call__(self, environ, begin):
        path = environ["PATH_INFO"]
        if path == "/deleted":
            return _answer(begin, 200, sorted(self.deleted))
        if path == "/trouble":
            return self._change(environ, begin)
        if path.startswith("/plain/"):  # nova as it is, for the test itself
            environ.update(PATH_INFO=path.removeprefix("/plain"))
            return self._nova(environ, begin)
        trouble = self._take(environ["REQUEST_METHOD"], path)
        if trouble:
            time.sleep(trouble.get("delay", 0))
            if trouble.get("lost"):
                list(self._answered(environ, lambda *_: None))
            if "status" in trouble:
                after = [("Retry-After", str(trouble["retry_after"]))] if "retry_after" in trouble else []
                return _answer(begin, trouble["status"], trouble.get("body", {}), after)
        return self._answered(environ, begin)

    def _answered(self, environ, begin):
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "DELETE":
            self.deleted.add(path.rpartition("/")[2])
        if path.startswith("/identity"):
            return self._identity(environ, begin, path)
        if environ.get("HTTP_X_AUTH_TOKEN") not in self.tokens:
            return _answer(
                begin, 401, {"error": {"code": 401, "message": "The request you have made requires authentication."}}
            )
        for service in ("/image", "/network"):
            if path.startswith(service):
                return self._listed(begin, path)
        environ.update(PATH_INFO=path.removeprefix("/compute"))
        return self._nova(environ, begin)

    def _nova(self, environ, begin):
        environ.update(HTTP_X_AUTH_USER="fake", HTTP_X_USER_ID="fake")
        environ.update(HTTP_X_AUTH_PROJECT_ID=self.cloud.api.project_id, HTTP_X_ROLES="reader,member")
        return self.cloud.api_fixture.app()(environ, begin)

    def _change(self, environ, begin):
        wanted = json.loads(_body(environ))
        with self.lock:
            if wanted.get("clear"):
                self.troubles.clear()
            if "quota" in wanted:
                for name, number in wanted["quota"].items():
                    conf.CONF.set_override(name, number, group="quota")
            if wanted.get("hosts", self.hosts) != self.hosts:  # without an enabled one, nova finds no valid host
                service = self.cloud.admin_api.get_services(binary="nova-compute")[0]
                self.cloud.admin_api.put_service(service["id"], {"status": wanted["hosts"]})
                self.hosts = wanted["hosts"]
            if "path" in wanted:
                self.troubles.append(wanted)
        return _answer(begin, 200, {})

    def _take(self, method, path):
        with self.lock:
            for trouble in self.troubles:
                if re.search(trouble["path"], f"{method} {path}"):
                    trouble["times"] = trouble.get("times", 0) - 1
                    if trouble["times"] == 0:
                        self.troubles.remove(trouble)
                    return dict(trouble)
        return None

    def _identity(self, environ, begin, path):
        if path.rstrip("/") in {"/identity", "/identity/v3"}:
            version = {
                "id": "v3.14",
                "status": "stable",
                "links": [{"rel": "self", "href": f"{self.url}/identity/v3/"}],
            }
            return _answer(
                begin,
                200,
                {"version": version} if path.rstrip("/").endswith("v3") else {"versions": {"values": [version]}},
            )
        wanted = json.loads(_body(environ))
        try:
            jsonschema.validate(wanted.get("auth"), identity_schema.token_issue)
        except jsonschema.ValidationError as error:
            return _answer(begin, 400, {"error": {"code": 400, "message": error.message, "title": "Bad Request"}})
        given = wanted["auth"]["identity"].get("application_credential", {})
        if (given.get("id"), given.get("secret")) != CREDENTIAL:
            return _answer(
                begin,
                401,
                {
                    "error": {
                        "code": 401,
                        "message": "The request you have made requires authentication.",
                        "title": "Unauthorized",
                    }
                },
            )
        token = uuid.uuid4().hex
        self.tokens.add(token)
        catalog = [
            {
                "type": kind,
                "name": name,
                "id": name,
                "endpoints": [
                    {"id": name, "interface": "public", "region": "one", "region_id": "one", "url": f"{self.url}{path}"}
                ],
            }
            for kind, name, path in (
                ("compute", "nova", "/compute/v2.1"),
                ("image", "glance", "/image"),
                ("network", "neutron", "/network"),
            )
        ]
        times = {"issued_at": "2026-01-01T00:00:00.000000Z", "expires_at": "2099-01-01T00:00:00.000000Z"}
        told = {"methods": ["application_credential"], "user": {"id": "u", "name": "cadence", "domain": {"id": "default", "name": "Default"}},
                "project": {"id": PROJECT, "name": "ci", "domain": {"id": "default", "name": "Default"}}, "roles": [{"id": "m", "name": "member"}],
                "catalog": catalog, "audit_ids": ["x"], **times}  # fmt: skip
        return _answer(begin, 201, {"token": told}, [("X-Subject-Token", token)])

    def _listed(self, begin, path):
        if path.rstrip("/") in {"/image", "/image/v2"}:
            version = {"id": "v2.16", "status": "CURRENT", "links": [{"rel": "self", "href": f"{self.url}/image/v2/"}]}
            return _answer(begin, 200, {"versions": [version]})
        if path.rstrip("/") in {"/network", "/network/v2.0"}:
            version = {
                "id": "v2.0",
                "status": "CURRENT",
                "links": [{"rel": "self", "href": f"{self.url}/network/v2.0/"}],
            }
            return _answer(begin, 200, {"versions": [version]})
        if path.startswith("/image/v2/images"):
            found = {
                each["id"]: {
                    "id": each["id"],
                    "name": each["name"],
                    "status": each["status"],
                    "min_disk": each["min_disk"],
                    "min_ram": each["min_ram"],
                }
                for each in self.cloud.glance.images.values()
            }
            return _one_or_all(begin, path.removeprefix("/image/v2/images").strip("/"), found, "images", None)
        if path.startswith("/network/v2.0/networks"):
            found = {self.cloud.neutron.network_1["id"]: dict(self.cloud.neutron.network_1)}
            return _one_or_all(
                begin, path.removeprefix("/network/v2.0/networks").strip("/"), found, "networks", "network"
            )
        return _answer(begin, 404, {"message": f"no {path} here"})


def _one_or_all(begin, wanted, found, many, one):
    if not wanted:
        return _answer(begin, 200, {many: list(found.values())})
    if wanted not in found:
        return _answer(begin, 404, {"message": f"No {wanted} found"})
    return _answer(begin, 200, {one: found[wanted]} if one else found[wanted])


def _answer(begin, status, body, headers=()):
    text = json.dumps(body).encode()
    begin(f"{status} said", [("Content-Type", "application/json"), ("Content-Length", str(len(text))), *headers])
    return [text]


def _body(environ):
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        """Standard error is for what goes wrong."""

    def get_stderr(self):
        return self.server.failures


def main():
    told, failures = (
        os.fdopen(os.dup(1), "w"),
        os.fdopen(os.dup(2), "w", buffering=1),
    )  # nova's tests take the standard ones
    status = 1
    try:
        cloud = Cloud()
        cloud.setUp()
        warnings.simplefilter("ignore")  # for nova's own tests some are errors
        front = Front(cloud)
        server = make_server("127.0.0.1", 0, front, server_class=Server, handler_class=Quiet)
        server.failures = failures
        front.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(front.url, file=told, flush=True)
        sys.stdin.read()
        status = 0
    except Exception:  # noqa: BLE001 - whatever it is, the test has to see it
        traceback.print_exc(file=failures)
    failures.flush()
    os._exit(status)  # nova's own threads would go on; nothing of theirs is kept


if __name__ == "__main__":
    main()
