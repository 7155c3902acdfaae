"""Checks and reads the conditions of a query on fields."""

from cadence.domain.logs.log import LEVEL_WORDS, LEVELS
from cadence.domain.runs.states import TreatmentState
from cadence.domain.search.lexing import BadQuery, QueryValue, Term
from cadence.domain.search.query import Condition, Field, FieldName, FieldPrefix, Or

_ALIASES = {"org": FieldName.ORGANIZATION}
_CHOICES = {
    FieldName.LEVEL: LEVELS,
    FieldName.STATE: tuple(state.value for state in TreatmentState),
}
_MOST_VALUES = 100
_NAMES = ", ".join(name.value for name in FieldName)


def field_condition(term: Term) -> Condition:
    """Returns the condition on the field.

    Raises BadQuery for a field that does not exist, and for a value that it can never have.
    """
    name = _name(term)
    if len(term.values) > _MOST_VALUES:
        raise BadQuery(f"{name} has {len(term.values)} values", term.position, f"At most {_MOST_VALUES} are possible.")
    exact: list[str] = []
    parts: list[Condition] = []
    for value in term.values:
        if not value.quoted and value.text.endswith("*"):
            parts.append(_prefix(name, value))
        else:
            exact.append(_exact(name, value))
    if exact:
        parts.insert(0, Field(name, tuple(dict.fromkeys(exact))))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _name(term: Term) -> FieldName:
    try:
        return _ALIASES.get(term.text) or FieldName(term.text)
    except ValueError:
        hint = f'The fields are {_NAMES}, since and until. For text with a colon write it in quotes: "{term.text}:…".'
        raise BadQuery(f"There is no field {term.text!r}", term.position, hint) from None


def _exact(name: FieldName, value: QueryValue) -> str:
    if name not in _CHOICES:
        return value.text
    text = value.text.lower()
    if name is FieldName.LEVEL:
        text = LEVEL_WORDS.get(text, text)
    if text not in _CHOICES[name]:
        hint = f"It is one of {', '.join(_CHOICES[name])}."
        raise BadQuery(f"{value.text!r} is no {name}", value.position, hint)
    return text


def _prefix(name: FieldName, value: QueryValue) -> FieldPrefix:
    prefix = value.text.removesuffix("*")
    if not prefix or "*" in prefix or name is FieldName.STATE:
        hint = f"A * can only end a value ({FieldName.TREATMENT}:build*), and not one of {FieldName.STATE}."
        raise BadQuery(f"{value.text!r} is no beginning of a value", value.position, hint)
    return FieldPrefix(name, prefix)
