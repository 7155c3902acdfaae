"""Requests about runners, hosts and the agent that both run."""

from cadence.cli.client.session import ApiSession, Json, path_of


class RunnerRequests(ApiSession):
    """Requests about runners, hosts and the agent that both run."""

    def runners(self, run_id: str | None = None) -> Json:
        return self._call("GET", path_of("runners"), params={"run": run_id})["items"]

    def hold_runner(self, runner_id: str, minutes: int) -> Json:
        return self._call("POST", path_of("runners", runner_id, "hold"), {"minutes": minutes})

    def release_runner(self, runner_id: str) -> Json:
        return self._call("DELETE", path_of("runners", runner_id, "hold"))

    def open_shell(self, run_id: str, treatment: str) -> Json:
        return self._call("POST", path_of("runs", run_id, "treatments", treatment, "shells"))

    def hosts(self) -> Json:
        return self._call("GET", path_of("hosts"))["items"]

    def drain_host(self, pool: str, host: str) -> Json:
        return self._call("POST", path_of("pools", pool, "hosts", host, "drain"), repeatable=True)

    def resume_host(self, pool: str, host: str) -> Json:
        return self._call("POST", path_of("pools", pool, "hosts", host, "resume"), repeatable=True)

    def remove_host(self, pool: str, host: str) -> None:
        self._call("DELETE", path_of("pools", pool, "hosts", host))

    def agent_sha256(self) -> str:
        """Of the agent that this installation's machines run."""
        sha256: str = self._call("GET", "/runner/v1/agent")["sha256"]
        return sha256

    def agent(self, sha256: str) -> bytes:
        return b"".join(self._download(f"{self.url}/runner/v1/agent/{sha256}"))
