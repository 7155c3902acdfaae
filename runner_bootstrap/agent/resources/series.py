"""When samples are taken and sent: often in a young treatment, ever less often the longer it runs."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

#: A sample is taken after a twentieth of the treatment's age, within these bounds (seconds).
LEAST_INTERVAL, MOST_INTERVAL = 0.5, 10.0
#: Samples are sent after a tenth of the treatment's age, within these bounds (seconds).
LEAST_SENDING, MOST_SENDING = 10.0, 60.0
#: The schema allows 100 in one request.
MOST_SAMPLES = 100

Sample = dict[str, Any]


class SampleSeries:
    """Samples that the gateway has not accepted yet.

    If they become too many, every second one is dropped, so that the whole time stays covered.
    """

    def __init__(self, sample: Callable[[], Sample | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._sample, self._clock = sample, clock
        self._lock = threading.Lock()
        self._samples: list[Sample] = []
        self._began = clock()
        self._next_sample = self._began + LEAST_INTERVAL
        self._next_sending = self._began + LEAST_SENDING

    def seconds_to_next(self) -> float:
        """Returns the seconds until the next sample is due."""
        return max(0.0, self._next_sample - self._clock())

    def take(self) -> None:
        """Takes a sample if one is due."""
        now = self._clock()
        if now < self._next_sample:
            return
        self._next_sample = now + min(MOST_INTERVAL, max(LEAST_INTERVAL, (now - self._began) / 20))
        self.take_now()

    def take_now(self) -> None:
        """Takes a sample now."""
        sample = self._sample()
        if sample is None:
            return
        with self._lock:
            if len(self._samples) == MOST_SAMPLES:
                self._samples = self._samples[::2]
            self._samples.append(sample)

    def due(self) -> list[Sample]:
        """Returns the samples to send now: all, or none if it is too early."""
        return self.rest() if self._clock() >= self._next_sending else []

    def rest(self) -> list[Sample]:
        """Returns all samples not accepted yet."""
        with self._lock:
            return list(self._samples)

    def accepted(self, sent: list[Sample]) -> None:
        """Removes samples that the gateway has accepted."""
        if not sent:
            return
        now = self._clock()
        self._next_sending = now + min(MOST_SENDING, max(LEAST_SENDING, (now - self._began) / 10))
        with self._lock:
            self._samples = [sample for sample in self._samples if sample not in sent]
