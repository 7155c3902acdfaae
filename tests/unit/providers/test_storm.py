"""The storm: no orphan is left, no live runner is killed, no treatment is stuck, no budget is held back.

`CADENCE_STORM=10000` makes it as large as that many lives; a seed that is named is one to run again:
`CADENCE_STORM_SEED=7`.
With `-s` it prints each seed, and at its end the table that docs/runners.md shows.
"""

import os
import time
from collections import Counter

import pytest

from tests.unit.providers.storm import Storm

LIVES = int(os.environ.get("CADENCE_STORM", "200"))
_FIRST = int(os.environ.get("CADENCE_STORM_SEED", "0"))
# Every fifth is cancelled at some step.
_CANCELLED = 5


def weather(seed: int) -> Storm:
    storm = Storm(seed)
    storm.play(cancel_after=storm.random.choice((200, 1_000, 4_000)) if seed % _CANCELLED == _CANCELLED - 1 else None)
    before, after = storm.settle_down()
    told = f"seed {seed}: CADENCE_STORM=1 CADENCE_STORM_SEED={seed} repeats it"
    assert after == [], f"{told}; orphans that two sweeps left (of {len(before)} before)"
    assert storm.killed_live == [], f"{told}; live runners that were killed"
    assert storm.unsettled() == [], f"{told}; treatments that are stuck"
    assert storm.listed() == [], f"{told}; runners that are listed as active for ever"
    assert storm.set_aside() == [], f"{told}; runners that are gone, and that budgets are still held back for"
    return storm


@pytest.mark.slow
def test_the_storm() -> None:
    lives, seed, faults, began = 0, _FIRST, Counter[str](), time.process_time()
    while lives < LIVES:
        storm = weather(seed)
        print(f"seed {seed}: {len(storm.runners.created)} lives")
        lives, seed = lives + len(storm.runners.created), seed + 1
        faults += storm.faults_told()
    print(f"seeds {_FIRST} to {seed - 1}: {lives} lives in {time.process_time() - began:.0f} s of CPU")
    print("\n".join(f"| {kind} | {number:,} |" for kind, number in sorted(faults.items())))
    assert lives >= LIVES


def test_a_storm_is_the_same_for_the_same_seed() -> None:
    first, second = Storm(3, lives=6), Storm(3, lives=6)
    for storm in (first, second):
        storm.play()
    assert first.stage.steps == second.stage.steps
    assert [one.state for one in first.runners.runners.values()] == [
        one.state for one in second.runners.runners.values()
    ]
