"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# How fast a machine happens to be is no property of what is tested.
settings.register_profile("cadence", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cadence")
