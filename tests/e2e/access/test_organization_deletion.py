"""An organization is deleted by the Lambda with its own role, together with a run that waits."""

from dataclasses import replace

from tests.e2e.access.test_project_deletion import remaining
from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.waiting import eventually

NAME = "acme-to-be-deleted"
# Its name, which no other organization ever gets, and the end of its audit log's chain.
STAYS = ("ORGANIZATIONS", "AUDITCHAIN#")
ITSELF = (f"ORG#{NAME}", "ORG")


def test_an_organization_is_deleted_with_its_people_pools_and_runs(api: Api, stack: Stack) -> None:
    created = api.call("POST", "/v1/organizations", json={"name": NAME, "display_name": "Acme Ltd"})
    assert created.status_code == 201, created.text
    acme = replace(api, token=created.json()["token"])
    renamed = api.call("PATCH", f"/v1/organizations/{NAME}", json={"display_name": "Acme and Sons"})
    assert renamed.json()["display_name"] == "Acme and Sons"
    code = ""
    for method, path, body in (
        ("POST", "/v1/projects", {"name": "default"}),
        ("PUT", "/v1/pools/builders", {"provider": "host"}),
        ("PUT", "/v1/projects/default/secrets/key", {"value": "v"}),
        ("PUT", "/v1/organizations/quotas", {"max_running_runs": 3}),
        ("POST", "/v1/invitations", {"email": "ada@example.org"}),
    ):
        answer = acme.call(method, path, json=body)
        assert answer.ok, (path, answer.text)
        code = answer.json().get("code", "") if answer.text else ""
    accepted = api.call("POST", "/v1/accept-invitation", json={"code": code, "name": "Ada"})
    ada = replace(api, token=accepted.json()["token"])
    # Nobody takes it: its pool has no host.
    waiting = acme.start({"cadence": 1, "name": "one", "treatments": {"one": {"pools": ["builders"], "run": "true"}}})
    ended = acme.start({"cadence": 1, "name": "two", "treatments": {"two": {"when": "${{ 1 == 2 }}", "run": "true"}}})
    acme.finished(ended)

    own = acme.call("DELETE", f"/v1/organizations/{NAME}", params={"confirm": NAME})
    assert own.status_code == 403, own.text
    counted = api.call("DELETE", f"/v1/organizations/{NAME}", params={"dry_run": "true"})
    assert counted.status_code == 200, counted.text
    assert {"projects": 1, "members": 1, "pools": 1, "runs": 2}.items() <= counted.json()["counts"].items()
    deletion = api.call("DELETE", f"/v1/organizations/{NAME}", params={"confirm": NAME})
    assert deletion.status_code == 202, deletion.text
    for gone in (acme, ada):
        assert gone.call("GET", "/v1/self").status_code == 401
    record = f"/v1/organization-deletions/{deletion.json()['id']}"
    account = Account(stack)

    def deleted() -> bool:
        # The call of every hour, which goes on where the first one could not.
        account.root("lambda").invoke(
            FunctionName="cadence-main-delete-projects", InvocationType="Event", Payload=b"{}"
        )
        return bool(api.get(record)["state"] == "deleted")

    eventually(deleted, what=lambda: api.get(record), pause=3.0)

    def left() -> list[tuple[str, str]]:
        return [
            key for key in remaining(stack, (NAME, waiting, ended)) if key != ITSELF and not key[0].startswith(STAYS)
        ]

    eventually(lambda: not left(), what=left)
    again = api.call("POST", "/v1/organizations", json={"name": NAME})
    assert again.status_code == 409, again.text
