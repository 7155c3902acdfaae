"""Many runners' lives among Lambdas that are killed, answers that are lost or come twice, and clouds and hosts that do
as they do.

The use cases, the sweeper, the provider of hosts and the state machines are the real ones; the clouds, the agents and
the order of everything are drawn.
"""

from tests.unit.providers.storm.world import Storm

__all__ = ["Storm"]
