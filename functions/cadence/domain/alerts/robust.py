"""Decides whether a value is unusual among earlier ones, by statistics that outliers do not move.

Times and amounts are skewed and scale: twice as long is as unusual for a second as for an hour. So all is done on
logarithms, with the median and the median absolute deviation (MAD); half of the earlier values may be wrong without
effect.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# Makes the MAD an estimate of the standard deviation where values are normal.
_SCALE = 1.4826
# Differences of a twentieth are not unusual even for a treatment that always takes the same time.
_LEAST_DEVIATION = math.log(1.05)
# Smaller values are below the precision of clocks and samples.
_SMALLEST = 0.05


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The comparison of a value with earlier ones.

    `score` is in deviations above (or, negative, below) the median; values outside of `low` to `high` are unusual.
    """

    value: float
    median: float
    score: float
    low: float
    high: float
    earlier: int

    def unusual(self, direction: str, deviations: float) -> bool:
        """Returns whether the score exceeds the limit in the direction `high`, `low` or any other word for both."""
        score = {"high": self.score, "low": -self.score}.get(direction, abs(self.score))
        return score > deviations


def judge(value: float, earlier: Sequence[float], deviations: float) -> Judgement:
    """Compares a value with earlier ones, which must not be empty; negative values count as zero."""
    logarithms = [_logarithm(entry) for entry in earlier]
    middle = median(logarithms)
    deviation = max(_SCALE * median(abs(entry - middle) for entry in logarithms), _LEAST_DEVIATION)
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
