"""What a segment's manifest says of its lines, as queries ask for it."""

from cadence.domain.logs.log import Segment
from cadence.domain.search.matching import LineOwner
from cadence.domain.search.pruning import Facts
from cadence.domain.search.query import FieldName


def owner_of(segment: Segment) -> LineOwner:
    return LineOwner(segment.organization, segment.project, segment.pipeline, segment.run_id)


def facts_of(segment: Segment) -> Facts:
    return {
        FieldName.ORGANIZATION: (segment.organization,),
        FieldName.PROJECT: (segment.project,),
        FieldName.PIPELINE: (segment.pipeline,),
        FieldName.RUN: (segment.run_id,),
        FieldName.TREATMENT: segment.treatments,
        FieldName.LEVEL: segment.levels,
    }
