"""Asks a cloud's metadata service whether this machine will be interrupted, so that its treatment moves in time."""

from __future__ import annotations

import json
import os
import threading
import urllib.error
import urllib.request
from typing import Callable, NamedTuple

from ..shared.errors import INTERRUPTED
from ..shared.termination import Termination

#: The variable with which the bootstrap names the machine's cloud: one of ``SOURCES``.
VARIABLE = "CADENCE_NOTICES"
#: The variable for another address than the cloud's own, for tests and proxies.
ADDRESS = "CADENCE_NOTICES_URL"
EVERY = 5.0
TIMEOUT = 2.0


class NoticeSource(NamedTuple):
    """How one cloud announces interruptions: address, headers, and how to parse an answer (None: no notice)."""

    address: str
    path: str
    headers: dict[str, str]
    meaning: Callable[[str], str | None]
    token_path: str = ""


def _aws(text: str) -> str | None:
    notice = json.loads(text)
    return (
        f"EC2 takes the spot instance back ({notice.get('action', 'terminate')} at {notice.get('time', 'any moment')})"
    )


def _gcp(text: str) -> str | None:
    return "Compute Engine preempts the instance" if text.strip().upper() == "TRUE" else None


def _azure(text: str) -> str | None:
    for event in json.loads(text).get("Events", []):
        kind = event.get("EventType")
        if kind in {"Preempt", "Terminate", "Redeploy", "Reboot"}:
            return f"Azure announces {kind} of the machine, not before {event.get('NotBefore') or 'now'}"
    return None


_LINK_LOCAL = "http://169.254.169.254"
SOURCES = {
    "aws": NoticeSource(
        address=_LINK_LOCAL,
        path="/latest/meta-data/spot/instance-action",
        headers={},
        meaning=_aws,
        token_path="/latest/api/token",
    ),
    "gcp": NoticeSource(
        address=_LINK_LOCAL,
        path="/computeMetadata/v1/instance/preempted",
        headers={"Metadata-Flavor": "Google"},
        meaning=_gcp,
    ),
    "azure": NoticeSource(
        address=_LINK_LOCAL,
        path="/metadata/scheduledevents?api-version=2020-07-01",
        headers={"Metadata": "true"},
        meaning=_azure,
    ),
}


def watch(termination: Termination) -> None:
    """Watches in a thread until the assignment has terminated, if the bootstrap named the cloud."""
    source = SOURCES.get(os.environ.get(VARIABLE, ""))
    if source is not None:
        address = os.environ.get(ADDRESS, source.address)
        threading.Thread(target=_watch, args=(source, address, termination), name="notices", daemon=True).start()


def _watch(source: NoticeSource, address: str, termination: Termination) -> None:
    while not termination.decided:
        try:
            notice = read_notice(source, address)
        except (OSError, ValueError):
            notice = None  # no answer is no notice; the next request follows soon
        if notice:
            termination.decide(INTERRUPTED, notice)
            return
        termination.wait(EVERY)


def read_notice(source: NoticeSource, address: str) -> str | None:
    """Returns the announcement of the metadata service. Raises OSError or ValueError if it cannot be read."""
    headers = dict(source.headers)
    if source.token_path:
        token_headers = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        headers["X-aws-ec2-metadata-token"] = _read(address + source.token_path, token_headers, "PUT")
    try:
        text = _read(address + source.path, headers, "GET")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    return source.meaning(text)


def _read(url: str, headers: dict[str, str], method: str) -> str:
    request = urllib.request.Request(url, headers=headers, method=method)
    # The metadata service is on the machine's own link and never behind a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=TIMEOUT) as answer:
        text: str = answer.read(65536).decode("utf-8", "replace")
    return text
