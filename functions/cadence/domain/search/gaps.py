"""Marks where lines are missing: whoever looks at lines is told of those that may have hidden one they look for."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.search.matching import LineOwner
from cadence.domain.search.pruning import Facts, may_match
from cadence.domain.search.query import FieldName, Query


def may_hide(query: Query, owner: LineOwner, gap: Mapping[str, Any]) -> bool:
    """Whether the lines missing at `gap` (a line with `gap`, see `log.gap_line`) could have matched.

    Their treatment and runner are known, and about when they were written; their texts, streams and levels are not.
    """
    facts: Facts = {
        FieldName.ORGANIZATION: (owner.organization,),
        FieldName.PROJECT: (owner.project,),
        FieldName.PIPELINE: (owner.pipeline,),
        FieldName.RUN: (owner.run_id,),
        FieldName.TREATMENT: (gap["treatment"],),
        FieldName.RUNNER: (gap["runner"],),
        FieldName.POOL: (gap.get("pool") or "",),
    }
    return may_match(query, facts, gap["time"], gap["time"])
