"""Lines of a real run followed by WebSocket, with a connection that breaks on the way."""

import contextlib
from pathlib import Path

import websocket

from cadence.cli.client.client import Client
from cadence.cli.search.live_lines import LiveLines
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack

LINES = 12


def test_each_line_comes_once_though_the_connection_breaks(
    cadence: Cadence, api: Api, stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "ticking.yaml"
    file.write_text(
        "cadence: 1\nname: ticking\ntreatments:\n"
        f"  wait: {{run: 'for n in $(seq {LINES}); do echo \"tock-$n\"; sleep 0.3; done'}}\n"
    )
    client = Client(stack.url, stack.token)
    query = "tock pipeline:ticking"
    live = LiveLines(client=client, query=query, project=None, after=client.live_logs(query)["after"])
    cadence("run", str(file))

    seen: list[str] = []
    by_socket = 0
    for broken in range(50):
        connection = websocket.create_connection(client.live_url(), timeout=120)
        connection.close()  # one that never says who it is
        lines = live._read_socket(client.live_url())
        # Where it cannot be made, or is lost: another one, as whoever follows does.
        with contextlib.suppress(websocket.WebSocketException, OSError):
            for some in lines:
                seen += [line["text"] for line in some]
                by_socket += len(some)
                if len(seen) >= LINES or (some and broken < 3):
                    break
        lines.close()
        if len(seen) >= LINES:
            break

    assert seen == [f"tock-{n}" for n in range(1, LINES + 1)]
    assert by_socket == LINES
    assert [line["text"] for line in client.search_logs(query)["lines"]] == seen[::-1]
    assert client.count_logs(query, by="treatment")["counts"] == [
        {"field": "treatment", "start": None, "value": "wait", "lines": LINES}
    ]


def test_a_connection_without_a_valid_token_is_told_so(stack: Stack) -> None:
    connection = websocket.create_connection(Client(stack.url, stack.token).live_url(), timeout=120)
    for message, code in (
        ('{"action": "subscribe", "token": "cad_wrong", "q": ""}', "unauthenticated"),
        ('{"action": "ping", "after": "0.0-0.0-0.0-0.0"}', "not_found"),
        ("nonsense", "invalid_request"),
    ):
        connection.send(message)
        assert f'"code": "{code}"' in str(connection.recv())
    connection.close()
