"""Names the first failed tests of a treatment where `cadence show` prints why it failed."""

from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.session import ApiError
from cadence.cli.shared.output import out

_MOST_SHOWN = 3


def show_new_failures(client: Client, run_id: str, treatment: str) -> None:
    """Prints the first new failures of a treatment, or its first failures if none is new, and the command for the rest.

    Prints nothing if the treatment has reported no failed tests.
    """
    try:
        answer = client.run_tests(run_id, "new", "report", treatment, _MOST_SHOWN)
        words = "new failures"
        if not answer["items"] and _failures(answer["counts"]):
            answer = client.run_tests(run_id, "failing", "report", treatment, _MOST_SHOWN)
            words = "failed tests"
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return  # the server is of an earlier version, or the token may not read results
    if not answer["items"]:
        return
    count = answer["counts"]["new"] if words == "new failures" else _failures(answer["counts"])
    more = f"    all: cadence tests {run_id} --treatment {treatment}"
    out.print(Text.assemble((f"\n{words}", "bold"), f" ({count})", (more, "dim")))
    for case in answer["items"]:
        place = f"  {case['file']}" + (f":{case['line']}" if case["line"] else "") if case["file"] else ""
        out.print(Text.assemble("    ", (case["name"], "red"), (place, "dim")))
    if count > len(answer["items"]):
        out.print(Text(f"    … {count - len(answer['items'])} more", "dim"))


def _failures(counts: dict[str, int]) -> int:
    return counts["failed"] + counts["errors"]
