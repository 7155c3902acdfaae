"""When to repeat a request, and how to describe why it failed."""

from __future__ import annotations

import http.client
import random


def full_jitter(attempt: int, base: float = 0.1, cap: float = 10.0) -> float:
    """Returns the seconds to wait after ``attempt`` failed attempts (counted from 0)."""
    return random.uniform(0, min(cap, base * 2 ** min(attempt, 16)))


def retry_after(response: http.client.HTTPResponse, cap: float = 60.0) -> float:
    """Returns the response's Retry-After in seconds, at most ``cap``; 0 if there is none or it is a date."""
    value = (response.getheader("Retry-After") or "").strip()
    return min(cap, float(value)) if value.isdigit() else 0.0


def describe(error: Exception) -> str:
    """Describes a transport error without its URL, since a presigned URL is a credential."""
    return str(error) or type(error).__name__
