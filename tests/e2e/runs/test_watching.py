"""A real run that is watched by WebSocket: its deltas have all their numbers, and end as the run does."""

import json

import websocket

from cadence.cli.client.client import Client
from tests.e2e.api import Api
from tests.e2e.conftest import Stack

TWO = {"first": {"run": "sleep 3"}, "second": {"run": "true", "after": ["first"]}}


def test_the_deltas_of_a_run_lead_to_its_end(api: Api, stack: Stack) -> None:
    run_id = api.start({"cadence": 1, "name": "watched", "treatments": TWO})
    ticket = api.call("POST", "/v1/live/tickets").json()
    connection = websocket.create_connection(Client(stack.url, stack.token).live_url(), timeout=180)
    connection.send(json.dumps({"action": "watch", "run": run_id, "ticket": ticket["ticket"]}))
    begun = json.loads(connection.recv())
    assert (begun["kind"], begun["run"]) == ("watching", run_id)
    run = api.run(run_id)
    treatments = {one["name"]: one["state"] for one in run["treatments"]}

    number, state = begun["number"], run["state"]
    while state != "succeeded":
        message = json.loads(connection.recv())
        assert (message["kind"], message["number"]) == ("states", number + 1)
        number = message["number"]
        treatments |= {one["name"]: one["state"] for one in message["treatments"]}
        state = message["state"].get("state", state)
    assert treatments == {"first": "succeeded", "second": "succeeded"}
    connection.send('{"action": "ping"}')
    while (message := json.loads(connection.recv()))["kind"] == "states":
        number = message["number"]
    assert message == {"kind": "pong", "runs": {run_id: number}}
    connection.close()

    second = websocket.create_connection(Client(stack.url, stack.token).live_url(), timeout=180)
    second.send(json.dumps({"action": "watch", "run": run_id, "ticket": ticket["ticket"]}))
    assert json.loads(second.recv())["code"] == "unauthenticated"  # a ticket serves once
    second.close()
