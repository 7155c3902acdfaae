"""Plans one run of a checked pipeline."""

from cadence.domain.pipelines.planning.event_values import event_values
from cadence.domain.pipelines.planning.instantiate import PlanningResult, instantiate
from cadence.domain.pipelines.planning.names import RunFacts, told

__all__ = ["PlanningResult", "RunFacts", "event_values", "instantiate", "told"]
