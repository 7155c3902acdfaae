"""Reads from a segment's manifest what queries ask about its lines."""

from cadence.domain.logs.log import Segment
from cadence.domain.search.matching import LineOwner
from cadence.domain.search.pruning import Facts
from cadence.domain.search.query import FieldName


def owner_of(segment: Segment) -> LineOwner:
    """Returns the owner of a segment's lines."""
    return LineOwner(segment.organization, segment.project, segment.pipeline, segment.run_id)


def facts_of(segment: Segment) -> Facts:
    """Returns the values that occur in a segment's lines, by field."""
    return {
        FieldName.ORGANIZATION: (segment.organization,),
        FieldName.PROJECT: (segment.project,),
        FieldName.PIPELINE: (segment.pipeline,),
        FieldName.RUN: (segment.run_id,),
        FieldName.TREATMENT: segment.treatments,
        FieldName.LEVEL: segment.levels,
    }
