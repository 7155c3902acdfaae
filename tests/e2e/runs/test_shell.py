"""A shell beside a running command, through the real control plane: API, heartbeat, tunnel, audit log."""

from tests.e2e.api import Api
from tests.e2e.conftest import Cadence
from tests.waiting import eventually

DOCUMENT = """\
cadence: 1
name: shelled
treatments:
  work: {run: "echo by-the-command > made; while :; do sleep 0.2; done"}
"""


def test_a_shell_reaches_the_runner_through_the_control_plane(api: Api, cadence: Cadence) -> None:
    run_id = api.start(DOCUMENT)
    api.until(run_id, lambda run: [one["state"] for one in run["treatments"]] == ["running"])
    typed = "until cat made; do sleep 0.1; done; echo in-$CADENCE_TREATMENT\nexit 5\n"
    done = cadence("shell", run_id, "work", stdin=typed, status=5)
    assert "by-the-command" in done.stdout
    assert "in-work" in done.stdout

    # At once: what was written in the second before a run is cancelled arrives as well.
    assert api.call("POST", f"/v1/runs/{run_id}/cancel").ok
    assert api.finished(run_id)["state"] == "cancelled"
    opened = "has opened a shell in this workspace"
    eventually(lambda: any(opened in line["text"] for line in api.lines(run_id)), what=opened)
    refused = cadence("shell", run_id, "work", status=1)
    assert "a shell needs a runner that is working" in refused.stderr
    entries = api.get("/v1/audit", limit=200)["items"]
    recorded = {(one["action"], one["outcome"]) for one in entries if run_id in one["target"]}
    assert {("open_shell", "accepted"), ("join_shell", "accepted")} <= recorded
