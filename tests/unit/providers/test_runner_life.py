"""The diagram of a runner's life is what the code does: no more, no less."""

from pathlib import Path

from cadence.domain.runner import RunnerState
from cadence.domain.runner_life import TRANSITIONS, mermaid
from tests.unit.providers.storm import Storm

_PAGE = Path(__file__).parents[3] / "docs" / "runners.md"
# A host's offer is given up by its treatment's end; the storm has no hosts.
_OF_HOSTS = {(RunnerState.OFFERED, RunnerState.LOST), (RunnerState.OFFERED, RunnerState.RELEASED)}


def test_the_page_shows_the_diagram() -> None:
    assert f"```mermaid\n{mermaid()}```" in _PAGE.read_text(), (
        "Write docs/runners.md again with cadence.domain.runner_life.mermaid()"
    )


def test_runners_go_the_ways_of_the_diagram_and_no_others() -> None:
    seen = set()
    for seed in range(4):
        storm = Storm(seed, lives=12)
        storm.play(cancel_after=150 if seed == 3 else None)
        seen |= set(storm.runners.moves)
    assert seen <= set(TRANSITIONS)
    assert {(RunnerState.BOOTING, RunnerState.CLAIMED), (RunnerState.CLAIMED, RunnerState.COMPLETED)} <= seen
    assert len(set(TRANSITIONS) - seen - _OF_HOSTS) <= 3, set(TRANSITIONS) - seen
