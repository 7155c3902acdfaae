"""The summaries that treatments wrote, as `cadence show` prints them."""

from collections.abc import Sequence

from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.session import ApiError
from cadence.cli.shared.output import out
from cadence.cli.shared.terminal import harmless

_MOST_SUMMARIES = 10
_MOST_OF_RUN = 2_000
_LINES_OF_RUN_PAGE = 30
_LINES_OF_TREATMENT_PAGE = 200


def show_summaries(client: Client, run_id: str) -> None:
    """Prints the first ten summaries of a run, at most 30 lines of each, with the command that prints more of it."""
    summaries = _summaries(client, run_id, _MOST_SUMMARIES + 1)
    for treatment, text in summaries[:_MOST_SUMMARIES]:
        _show(treatment, text, _LINES_OF_RUN_PAGE, f"cadence show {run_id} {treatment}")
    if len(summaries) > _MOST_SUMMARIES:
        out.print(f"… more summaries: GET /v1/runs/{run_id}/summaries", style="dim", markup=False, soft_wrap=True)


def show_summary(client: Client, run_id: str, treatment: str) -> None:
    """Prints the summary of a treatment, if it wrote one: at most 200 lines, with the address of the rest."""
    for name, text in _summaries(client, run_id, _MOST_OF_RUN):
        if name == treatment:
            _show(name, text, _LINES_OF_TREATMENT_PAGE, f"GET /v1/runs/{run_id}/summaries")


def _summaries(client: Client, run_id: str, most: int) -> Sequence[tuple[str, str]]:
    """Returns treatments with what they wrote; none if the token may not read it, or the server knows no summaries."""
    try:
        return [(one["treatment"], one["text"]) for one in client.run_summaries(run_id, most)]
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return ()


def _show(treatment: str, text: str, most: int, rest: str) -> None:
    lines = harmless(text).splitlines()
    shown = "\n".join(lines[:most])
    out.print(Text.assemble("\nsummary of ", (treatment, "bold")))
    if out.is_terminal:
        from rich.markdown import Markdown  # imported here, as it takes longer than a whole list of runs

        out.print(Markdown(shown, hyperlinks=False))
    else:
        out.print(shown, markup=False, highlight=False, soft_wrap=True)
    if len(lines) > most:
        out.print(f"… {len(lines) - most} more lines: {rest}", style="dim", markup=False, soft_wrap=True)
