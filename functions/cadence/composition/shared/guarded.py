"""Wiring of providers whose pools name the host to call."""

import requests

from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.guarded_session import guarded_session
from cadence.composition.shared import settings


def guarded() -> requests.Session:
    """Returns a session that reaches public hosts, and those that this installation names."""
    return guarded_session(EgressPolicy.of(settings.load(settings.ProviderSettings).git_hosts))
