"""Addresses of the dashboard's pages, as they stand in messages that leave Cadence."""

from urllib.parse import quote


def run_page(public_url: str, run_id: str) -> str:
    """Returns the address of a run's page. `public_url` is the address of the API, without a slash at its end."""
    return f"{public_url}/ui/runs/{quote(run_id, safe='')}"
