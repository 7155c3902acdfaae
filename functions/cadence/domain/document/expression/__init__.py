"""The expressions of pipeline documents, `${{ … }}`: reading, checking and evaluating them within bounds."""

from cadence.domain.document.expression.engine import Evaluator
from cadence.domain.document.expression.errors import ExpressionError
from cadence.domain.document.expression.expression import MAX_LENGTH, Expression, NameUse
from cadence.domain.document.expression.template import Template, holds_expression, read_template
from cadence.domain.document.expression.text_of import text_of

__all__ = [
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
