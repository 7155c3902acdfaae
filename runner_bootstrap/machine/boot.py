"""Boots a runner on this machine: reads its identity, fetches the agent, checks its digest, starts it.

Usage: ``python3 boot.py FOLDER [AGENT COMMAND…]``. All settings are environment variables
(``cadence.providers.bootstrap`` has their names). The one-time token is in the file ``token`` of the folder or in
``CADENCE_RUNNER_TOKEN``. Each phase is reported to the control plane, and printed in case that cannot be reached.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import queue
import signal
import ssl
import subprocess
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.request

PATIENCE = 60.0  # seconds for one download, including repetitions
BLOCK = 1 << 20
METADATA = "http://169.254.169.254"
#: The CADENCE variables that are passed on to the agent.
FOR_AGENT = (
    "CADENCE_MELODIUM",
    "CADENCE_MELODIUM_PACKAGES",
    "CADENCE_NOTICES",
    "CADENCE_NOTICES_URL",
    "CADENCE_SERVICE_ACCOUNT",
    "CADENCE_POD",
)


class BootError(Exception):
    """The phase that failed, and why, in one sentence."""

    def __init__(self, phase: str, message: str) -> None:
        super().__init__(message)
        self.phase = phase


class Reports:
    """Sends reports of phases in order, in a thread.

    Without a ``url``, or if it cannot be reached, they are only printed.
    """

    def __init__(self, url: str | None, token: str) -> None:
        self._url, self._token = url, token
        self._begun = time.monotonic()
        self._waiting: queue.Queue[bytes | None] = queue.Queue()
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    def report(self, phase: str, ok: bool = True, detail: str | None = None) -> None:
        """Reports a phase: prints it and queues it for the control plane."""
        seconds = round(time.monotonic() - self._begun, 3)
        say(f"{phase} {'ok' if ok else 'FAILED'} after {seconds} s" + (f": {detail}" if detail else ""))
        body = {"phase": phase, "ok": ok, "seconds": seconds, "detail": detail and detail[:2000]}
        if self._url:
            self._waiting.put(json.dumps(body).encode())

    def close(self, seconds: float = 20.0) -> None:
        """Waits until all reports are sent, at most ``seconds``."""
        self._waiting.put(None)
        self._thread.join(seconds)

    def _send_all(self) -> None:
        while True:
            body = self._waiting.get()
            if body is None:
                return
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(str(self._url), body, headers), timeout=10
                ) as answer:
                    answer.read()
            except OSError as error:
                say(f"the report could not be sent to the control plane: {error}")


def wake(folder: str) -> int:
    """Writes the settings and the token of the machine's current user data to ``folder``.

    Returns 0, or 1 if the user data is unreadable or still that of the first boot.
    """
    base = os.environ.get("CADENCE_METADATA_URL", METADATA)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(
            f"{base}/latest/api/token", b"", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, method="PUT"
        )
        with direct.open(request, timeout=10) as answer:
            session = answer.read().decode()
        request = urllib.request.Request(f"{base}/latest/user-data", headers={"X-aws-ec2-metadata-token": session})
        with direct.open(request, timeout=10) as answer:
            document = json.loads(answer.read().decode().partition("\n")[2])
        files = {os.path.basename(file["path"]): file["content"] for file in document["write_files"]}
    except (OSError, ValueError, KeyError) as error:
        say(f"wake FAILED: the machine's document cannot be read: {error}")
        return 1
    if "token" not in files:
        return 1
    for name in ("settings", "token"):
        with open(os.path.join(folder, name), "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(files[name])
    return 0


def main(folder: str, *words: str) -> int:
    """Boots the machine; returns the agent's exit status.

    With ``words`` the agent gets another command than ``run``, and its token is ``CADENCE_JOIN_TOKEN``.
    """
    os.umask(0o077)
    if words == ("--wake",):
        return wake(folder)
    begun = time.monotonic()
    home = os.environ.get("CADENCE_FOLDER", os.path.join(folder, "home"))
    try:
        make_folder(os.path.join(home, "bin"))
        trust(os.environ.get("CADENCE_CA_CERTIFICATES", ""), home)
        environment = dict(os.environ)
        runner_id, token = (
            identity(folder, environment) if not words else ("", environment.pop("CADENCE_JOIN_TOKEN", ""))
        )
    except BootError as error:
        say(f"{error.phase} FAILED: {error}")
        return 1
    gateway = environment["CADENCE_GATEWAY"]
    url = f"{gateway.rstrip('/')}/runner/v1/runners/{runner_id}/boot" if runner_id else None
    command = words or ("run", "--runner-id", runner_id)
    reports = Reports(url, token)
    try:
        reports.report("booted", detail=uptime())
        agent = fetch(reports, "agent", environment, os.path.join(home, "cadence-agent.pyz"))
        if environment.get("CADENCE_ENGINE_URLS"):
            engine = fetch(reports, "engine", environment, os.path.join(home, "engine"))
            unpack(engine, os.path.join(home, "bin", "melodium"))
            environment["PATH"] = os.path.join(home, "bin") + os.pathsep + environment.get("PATH", os.defpath)
        return work(reports, [sys.executable, agent, *command, "--gateway", gateway], token, environment)
    except BootError as error:
        reports.report(error.phase, ok=False, detail=str(error))
        return 1
    finally:
        reports.close()
        say(f"the machine was a runner for {time.monotonic() - begun:.0f} s")


def make_folder(path: str) -> None:
    """Creates a folder. Raises BootError."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise BootError("folder", f"{path} cannot be made: {error}") from error


def trust(certificates: str, folder: str) -> None:
    """Adds certificate authorities (PEM) to those that the machine trusts, for this process and the agent.

    Raises BootError.
    """
    if not certificates:
        return
    known = ssl.get_default_verify_paths().cafile
    file = os.path.join(folder, "authorities.pem")
    try:
        ssl.create_default_context().load_verify_locations(cadata=certificates)
        with open(file, "w") as out:
            if known:
                with open(known) as opened:
                    out.write(opened.read() + "\n")
            out.write(certificates)
    except (OSError, ValueError) as error:
        raise BootError("certificates", f"the certificates of the pool's settings cannot be used: {error}") from error
    os.environ["SSL_CERT_FILE"] = file


def identity(folder: str, environment: dict[str, str]) -> tuple[str, str]:
    """Returns the runner's id and its token, and removes the token from ``environment`` and ``folder``.

    Raises BootError.
    """
    file = os.path.join(folder, "token")
    token = environment.pop("CADENCE_RUNNER_TOKEN", "")
    if os.path.exists(file):
        with open(file) as opened:
            token = opened.read().strip()
        os.unlink(file)
    runner_id = environment.get("CADENCE_RUNNER_ID", "")
    if not runner_id or not token:
        raise BootError(
            "identity",
            "the runner's id or token is missing: set CADENCE_RUNNER_ID and CADENCE_RUNNER_TOKEN (or the file token)",
        )
    return runner_id, token


def fetch(reports: Reports, what: str, environment: dict[str, str], target: str) -> str:
    """Downloads a file from the first source that has it with the right digest to ``target``, and returns ``target``.

    Raises BootError; a file with another digest is never left at ``target``.
    """
    wanted = environment[f"CADENCE_{what.upper()}_SHA256"].lower()
    problems = []
    patience = float(environment.get("CADENCE_PATIENCE", PATIENCE))
    urls = environment[f"CADENCE_{what.upper()}_URLS"].split()
    for url in urls:
        shown = url.partition("?")[0]  # the query may hold a signature
        try:
            # Only the last source is retried for the whole time.
            digest = download(url, target + ".part", patience if url == urls[-1] else min(5.0, patience))
        except (OSError, ValueError) as error:
            problems.append(f"{shown}: {error}")
            continue
        reports.report(f"{what}-downloaded", detail=shown)
        if digest == wanted:
            os.replace(target + ".part", target)
            reports.report(f"{what}-verified")
            return target
        problems.append(f"{shown} has the digest {digest}, not {wanted}")
        os.unlink(target + ".part")
    refused = any("has the digest" in problem for problem in problems)
    raise BootError(f"{what}-verified" if refused else f"{what}-downloaded", "; ".join(problems) or "no URL was given")


def download(url: str, target: str, patience: float) -> str:
    """Writes a URL's content to ``target`` and returns its SHA-256; retries for ``patience`` seconds.

    Raises OSError or ValueError.
    """
    give_up = time.monotonic() + patience
    pause = 0.5
    while True:
        try:
            digest = hashlib.sha256()
            with urllib.request.urlopen(url, timeout=30) as answer, open(target, "wb") as file:
                for block in iter(lambda: answer.read(BLOCK), b""):
                    digest.update(block)
                    file.write(block)
            return digest.hexdigest()
        except urllib.error.HTTPError as error:
            if (error.code < 500 and error.code != 429) or time.monotonic() + pause >= give_up:
                raise
        except OSError:
            if time.monotonic() + pause >= give_up:
                raise
        time.sleep(pause)
        pause = min(8.0, pause * 2)


def unpack(file: str, program: str) -> None:
    """Installs the program from ``file``, which is the program itself or a compressed archive with it.

    Raises BootError.
    """
    try:
        if tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                name = os.path.basename(program)
                member = next((one for one in archive if one.isfile() and os.path.basename(one.name) == name), None)
                source = archive.extractfile(member) if member else None
                if source is None:
                    raise BootError("engine-started", f"the archive has no file {name}")
                with source, open(program, "wb") as out:
                    out.writelines(iter(lambda: source.read(BLOCK), b""))
        else:
            os.replace(file, program)
        os.chmod(program, 0o755)
        subprocess.run([program, "--version"], check=True, capture_output=True, timeout=30)
    except (OSError, tarfile.TarError, subprocess.SubprocessError) as error:
        raise BootError("engine-started", f"the engine does not run on this machine: {error}") from error


def work(reports: Reports, command: list[str], token: str, environment: dict[str, str]) -> int:
    """Runs the agent to its end, with its token on standard input; returns its exit status. Raises BootError."""
    agent_environment = {
        name: value for name, value in environment.items() if name in FOR_AGENT or not name.startswith("CADENCE_")
    }
    try:
        agent = subprocess.Popen(command, stdin=subprocess.PIPE, env=agent_environment)
    except OSError as error:
        raise BootError("started", f"the agent cannot be started: {error}") from error
    assert agent.stdin is not None
    try:
        agent.stdin.write(token.encode() + b"\n")
        agent.stdin.close()
    except BrokenPipeError:
        say("the agent ended before it had read its token")
    reports.report("started")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: agent.send_signal(got))
    return agent.wait()


def uptime() -> str:
    """Describes the machine's uptime, Python version and architecture."""
    try:
        with open("/proc/uptime") as file:
            up = f"{float(file.read().split()[0]):.1f} s after the kernel"
    except (OSError, ValueError):
        up = "at a time that is not known"
    return f"{up}, Python {platform.python_version()}, {platform.machine()}"


def say(text: str) -> None:
    """Prints a line to standard error and to the machine's console."""
    line = f"cadence-boot: {text}\n"
    sys.stderr.write(line)
    console = os.environ.get("CADENCE_CONSOLE")
    if console:
        try:
            with open(console, "a") as file:
                file.write(line)
        except OSError:
            sys.stderr.write("cadence-boot: the console cannot be written to\n")
            del os.environ["CADENCE_CONSOLE"]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
