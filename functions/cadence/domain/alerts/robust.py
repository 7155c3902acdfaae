"""Whether a value is unusual among earlier ones, by statistics that outliers do not move.

Times and amounts are skewed and scale: twice as long is as unusual for a second as for an hour. So all is done on
logarithms, with the median and the median absolute deviation (MAD); half of the earlier values may be wrong without effect.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# Makes the MAD an estimate of the standard deviation where values are normal.
_SCALE = 1.4826
# Differences of a twentieth are no news even for a treatment that always takes the same time.
_LEAST_DEVIATION = math.log(1.05)
# Below it, clocks and samples tell nothing.
_SMALLEST = 0.05


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """`score` is in deviations above (or, negative, below) the median; `low` and `high` are where one is unusual."""

    value: float
    median: float
    score: float
    low: float
    high: float
    earlier: int

    def unusual(self, direction: str, deviations: float) -> bool:
        score = {"high": self.score, "low": -self.score}.get(direction, abs(self.score))
        return score > deviations


def judge(value: float, earlier: Sequence[float], deviations: float) -> Judgement:
    """`earlier` must not be empty; negative values count as none at all."""
    logarithms = [_logarithm(each) for each in earlier]
    middle = median(logarithms)
    deviation = max(_SCALE * median(abs(each - middle) for each in logarithms), _LEAST_DEVIATION)
    return Judgement(
        value=value,
        median=math.exp(middle),
        score=(_logarithm(value) - middle) / deviation,
        low=math.exp(middle - deviations * deviation),
        high=math.exp(middle + deviations * deviation),
        earlier=len(earlier),
    )


def _logarithm(value: float) -> float:
    return math.log(max(value, _SMALLEST))
