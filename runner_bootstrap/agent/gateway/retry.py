"""When to repeat a request, and how to describe why it failed."""

from __future__ import annotations

import http.client
import random


def full_jitter(attempt: int, base: float = 0.1, cap: float = 10.0) -> float:
    """Seconds to wait before the attempt after ``attempt`` (from 0) failed ones."""
    return random.uniform(0, min(cap, base * 2 ** min(attempt, 16)))


def retry_after(response: http.client.HTTPResponse, cap: float = 60.0) -> float:
    """The answer's Retry-After in seconds; 0 when there is none (or it is a date)."""
    value = (response.getheader("Retry-After") or "").strip()
    return min(cap, float(value)) if value.isdigit() else 0.0


def describe(error: Exception) -> str:
    """A transport error in words, without a URL (a presigned one is a credential)."""
    return str(error) or type(error).__name__
