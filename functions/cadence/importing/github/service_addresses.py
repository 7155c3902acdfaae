"""Addresses of a job's services: ports of localhost at GitHub, variables of the script in Cadence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.importing.shared.containers import ports, service_name
from cadence.importing.shared.yaml_source import mapping, plain, texts

_ADDRESS = re.compile(r"(?<![\w.-])(?:localhost|127\.0\.0\.1):(\d+)(?!\d)")
_HOST = re.compile(r"localhost|127\.0\.0\.1")


@dataclass(frozen=True)
class ServiceAddresses:
    """The services of a job that runs on the machine itself: `variables` of their ports by ports of localhost."""

    hosts: tuple[str, ...] = ()
    variables: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def in_word(self, name: str, text: str, word: str) -> str | None:
        """A shell word for the value of a variable, with addresses of services in place of localhost.

        `None` if the value names no service. A host alone is that of the only service, a number the port of a variable
        whose name ends with PORT.
        """
        if _HOST.fullmatch(text) and len(self.hosts) == 1:
            return f'"${self.hosts[0]}"'
        if text in self.variables and name.upper().endswith("PORT"):
            return f'"${self.variables[text][1]}"'

        def put_in(match: re.Match[str]) -> str:
            known = self.variables.get(match[1])
            return f"${known[0]}:${known[1]}" if known else match[0]

        changed = _ADDRESS.sub(put_in, word)
        return changed if changed != word else None


def addresses_of(body: Mapping[str, Any]) -> ServiceAddresses:
    """The addresses of the services of a job; none if its steps run in a container, which reaches them by name."""
    if "container" in body:
        return ServiceAddresses()
    hosts, variables = [], {}
    for name, value in mapping(body.get("services")).items():
        host = host_variable(name)
        hosts.append(host)
        for entry in texts(mapping(value).get("ports")):
            published, colon, _ = plain(entry).partition(":")
            if colon and published.isdecimal() and (inner := ports([entry])):
                variables[published] = (host, port_variable(name, inner[0]))
    return ServiceAddresses(tuple(hosts), variables)


def host_variable(service: str) -> str:
    """The variable in which a script finds the host of a service.

    >>> host_variable("my-db")
    'CADENCE_SERVICE_MY_DB_HOST'
    """
    return f"CADENCE_SERVICE_{service_name(service).upper().replace('-', '_')}_HOST"


def port_variable(service: str, port: int | str) -> str:
    """The variable in which a script finds where a port of a service is reached."""
    return f"{host_variable(service).removesuffix('HOST')}PORT_{port}"
