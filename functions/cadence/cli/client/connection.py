"""Finds the API: from the environment, or from the file of the local stack."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from cadence.cli.client.client import Client
from cadence.cli.client.contexts import ConnectionContext, contexts_file, read_contexts

_FILE = Path(".cadence", "local.json")


class NotConnected(Exception):
    """The address or the token of the API is not known."""


def connect(
    project: str | None = None, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Client:
    """A client for `CADENCE_URL` and `CADENCE_TOKEN`, else for the local stack of this folder or one above it, else for
    the context in use (`cadence login`).

    `CADENCE_ORGANIZATION` names another organization to act in as a guest.

    Raises NotConnected.
    """
    read = os.environ if environment is None else environment
    project = project or read.get("CADENCE_PROJECT") or None
    url, token = read.get("CADENCE_URL"), read.get("CADENCE_TOKEN")
    if url:
        _check_address("CADENCE_URL", url)
    if url and token:
        return Client(url, token, project, organization=read.get("CADENCE_ORGANIZATION"))
    if url or token:
        missing = "CADENCE_TOKEN" if url else "CADENCE_URL"
        raise NotConnected(f"{missing} is not set. Set both CADENCE_URL and CADENCE_TOKEN, or neither.")
    found = local_file(folder or Path.cwd())
    if found is None:
        signed_in = _context(read)
        if signed_in is not None:
            organization = read.get("CADENCE_ORGANIZATION")
            return Client(signed_in.url, signed_in.token, project, organization=organization)
        raise NotConnected(
            "No Cadence is configured: set CADENCE_URL and CADENCE_TOKEN, sign in with `cadence login`, or start a local "
            "stack with `cadence local up`. One that serves in another FOLDER is used after: "
            'eval "$(cadence local env --folder FOLDER)"'
        )
    try:
        values = json.loads(found.read_text())
        return Client(values["url"], values["token"], project)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotConnected(
            f"{found} cannot be used ({error}). Start the local stack again: cadence local up."
        ) from error


def connect_without_token(
    url: str | None = None, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Client:
    """A client for requests that need no token: at `url`, else at `CADENCE_URL`, else where `connect` finds one.

    Raises NotConnected.
    """
    read = os.environ if environment is None else environment
    address, source = (url, "--url") if url else (read.get("CADENCE_URL"), "CADENCE_URL")
    if address:
        _check_address(source, address)
        return Client(address, "")
    try:
        found = connect(environment={**read, "CADENCE_TOKEN": ""}, folder=folder)
    except NotConnected:
        raise NotConnected(
            "The address of the installation is not known: add --url https://cadence.example.com, or set CADENCE_URL."
        ) from None
    return Client(found.url, "")


def _check_address(source: str, address: str) -> None:
    if not address.startswith(("http://", "https://")):
        raise NotConnected(f"{source} is {address!r}, which is no address. Write it as https://cadence.example.com.")


def _context(environment: Mapping[str, str]) -> ConnectionContext | None:
    try:
        return read_contexts(contexts_file(environment)).current
    except (OSError, ValueError) as error:
        raise NotConnected(f"The file of contexts cannot be used ({error}). Sign in again: cadence login.") from error


def local_file(folder: Path) -> Path | None:
    """The connection file of the local stack in `folder`, or in the nearest folder above it."""
    for candidate in (folder, *folder.parents):
        if (candidate / _FILE).is_file():
            return candidate / _FILE
    return None
