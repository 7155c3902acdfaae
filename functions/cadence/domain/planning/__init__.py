"""From a checked pipeline to the plan of one run."""

from cadence.domain.planning.event_values import event_values
from cadence.domain.planning.instantiate import Planned, instantiate
from cadence.domain.planning.names import RunFacts, told

__all__ = ["Planned", "RunFacts", "event_values", "instantiate", "told"]
