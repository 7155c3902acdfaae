"""A real run that is watched by WebSocket, as clients do: its deltas lead to its end."""

import json
import time
from typing import Any

import websocket

from cadence.cli.client.client import Client
from tests.e2e.api import FINAL, Api
from tests.e2e.conftest import Stack

FLOWING = {
    "send": {
        "outputs": {"parts": "Stream<byte>"},
        "run": 'for n in 1 2 3 4 5 6; do echo "part $n"; head -c 100000 /dev/zero; sleep 1; done > "$CADENCE_OUT_parts"',
    },
    "take": {"inputs": {"parts": "Stream<byte>"}, "run": 'wc -c < "$CADENCE_IN_parts"'},
}
TWO = {"first": {"run": "sleep 3"}, "second": {"run": "true", "after": ["first"]}}
PATIENCE = 300.0
PING_EVERY = 10.0


class RunFollower:
    """Watches a run; after a gap it reads the run, as the protocol says."""

    def __init__(self, api: Api, url: str, run_id: str, ticket: str) -> None:
        self.api, self.run_id = api, run_id
        self.connection = websocket.create_connection(url, timeout=PING_EVERY)
        self.send(action="watch", run=run_id, ticket=ticket)
        self.pinged = time.monotonic()
        self.number, self.deltas = 0, 0
        self.state, self.treatments = "", dict[str, str]()
        self.announced = set[str]()

    def send(self, **message: str) -> None:
        self.connection.send(json.dumps(message))

    def receive(self) -> dict[str, Any]:
        """The next message. On a busy machine it may take long; a connection that does not ping gets none any more."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if time.monotonic() > self.pinged + PING_EVERY:
                self.send(action="ping")
                self.pinged = time.monotonic()
            try:
                return dict(json.loads(self.connection.recv()))
            except websocket.WebSocketTimeoutException:
                continue
        raise AssertionError(f"nothing came for {PATIENCE:g} s; the last number is {self.number}")

    def read(self) -> None:
        run = self.api.run(self.run_id)
        self.state = run["state"]
        self.treatments = {one["name"]: one["state"] for one in run["treatments"]}

    def take(self, message: dict[str, Any]) -> None:
        if message["kind"] == "watching" and "run" not in message:
            return  # the list of runs
        if message["kind"] == "new":
            self.announced.add(message["of"])
            return
        number = message["runs"][self.run_id] if message["kind"] == "pong" else message["number"]
        if message["kind"] == "states" and number == self.number + 1:
            self.deltas += 1
            self.treatments |= {one["name"]: one["state"] for one in message["treatments"]}
            self.state = message["state"].get("state", self.state)
        elif number != self.number:
            self.read()
        self.number = number


def test_the_deltas_of_a_run_lead_to_its_end(api: Api, stack: Stack) -> None:
    url = Client(stack.url, stack.token).live_url()
    run_id = api.start({"cadence": 1, "name": "watched", "treatments": TWO})
    ticket = api.call("POST", "/v1/live/tickets").json()["ticket"]
    following = RunFollower(api, url, run_id, ticket)
    begun = following.receive()
    assert (begun["kind"], begun["run"]) == ("watching", run_id)
    following.number = begun["number"]
    following.read()
    while following.state not in FINAL:
        following.take(following.receive())
    assert following.state == "succeeded"
    assert following.treatments == {"first": "succeeded", "second": "succeeded"}
    following.connection.close()

    second = RunFollower(api, url, run_id, ticket)
    assert second.receive()["code"] == "unauthenticated"  # a ticket serves once
    second.connection.close()


def test_lines_flows_and_the_list_are_announced(api: Api, stack: Stack) -> None:
    url = Client(stack.url, stack.token).live_url()
    connections = ["send.parts -> take.parts"]
    document = {"cadence": 1, "name": "flowing", "treatments": FLOWING, "connections": connections}
    run_id = api.start(document)
    following = RunFollower(api, url, run_id, api.call("POST", "/v1/live/tickets").json()["ticket"])
    following.send(action="watch")
    following.number = following.receive()["number"]
    following.read()
    flows: list[dict[str, Any]] = []
    while following.state not in FINAL:
        following.take(following.receive())
        if "flows" in following.announced:
            following.announced.discard("flows")
            flows += api.get(f"/v1/runs/{run_id}/treatments/send/flows")["items"]
    assert following.state == "succeeded"
    assert following.announced >= {"lines", "runs"}
    sizes = [flow["size"] for flow in flows]
    assert sizes
    assert sizes == sorted(sizes)
    assert flows[0]["port"] == "parts"
    following.connection.close()
