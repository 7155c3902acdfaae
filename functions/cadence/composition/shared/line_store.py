"""Wiring of the search service that holds log lines, where a deployment has one."""

from typing import Protocol

from cadence.application.search.line_store_ports import LineStore
from cadence.application.shared.ports import Clock


class _IndexSettings(Protocol):
    """The settings that all Lambdas with the index have."""

    @property
    def search_endpoint(self) -> str: ...

    @property
    def search_region(self) -> str: ...

    @property
    def search_secret(self) -> str: ...

    @property
    def search_prefix(self) -> str: ...


def line_store(config: _IndexSettings, clock: Clock) -> LineStore | None:
    """Returns the search service that holds the lines, if the deployment names one."""
    if not config.search_endpoint:
        return None
    # Importing it takes long, and few deployments need it.
    from cadence.adapters.opensearch.connection import OpenSearchConnection, connected
    from cadence.adapters.opensearch.store import OpenSearchLines

    service = OpenSearchConnection(
        lambda: connected(config.search_endpoint, config.search_region, config.search_secret)
    )
    return OpenSearchLines(service, config.search_prefix, clock)
