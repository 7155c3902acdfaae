"""Addresses of the dashboard's pages, which stay the same for as long as what they show is kept."""

from urllib.parse import quote

PAGE_ROOT = "/ui"


def run_permalink(run_id: str, base_url: str = "") -> str:
    """Returns the address of a run's page: a path, or a whole address below ``base_url``, the API's own."""
    return f"{base_url.rstrip('/')}{PAGE_ROOT}/runs/{quote(run_id, safe='')}"


def treatment_permalink(run_id: str, treatment: str, base_url: str = "", attempt: int | None = None) -> str:
    """Returns the address of the page of one treatment of a run, in its latest attempt or in `attempt`.

    The treatment's name may hold slashes.
    """
    query = "" if attempt is None else f"?attempt={attempt}"
    return f"{run_permalink(run_id, base_url)}/t/{quote(treatment, safe='')}{query}"


def pipeline_permalink(project: str, pipeline: str, base_url: str = "") -> str:
    """Returns the address of a pipeline's page."""
    return f"{base_url.rstrip('/')}{PAGE_ROOT}/pipelines/{quote(project, safe='')}/{quote(pipeline, safe='')}"
