"""Reads, checks and evaluates the expressions of pipeline documents, `${{ … }}`, within bounds."""

from cadence.domain.pipelines.expression.engine import Evaluator
from cadence.domain.pipelines.expression.errors import ExpressionError
from cadence.domain.pipelines.expression.expression import Expression, NameUse
from cadence.domain.pipelines.expression.template import MAX_EXPRESSIONS, Template, holds_expression, read_template
from cadence.domain.pipelines.expression.text_of import text_of
from cadence.domain.pipelines.expression.tokens import MAX_LENGTH

__all__ = [
    "MAX_EXPRESSIONS",
    "MAX_LENGTH",
    "Evaluator",
    "Expression",
    "ExpressionError",
    "NameUse",
    "Template",
    "holds_expression",
    "read_template",
    "text_of",
]
