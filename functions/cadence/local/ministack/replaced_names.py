"""Calls functions of MiniStack with other meanings of names that are global to them."""

from collections.abc import Callable
from types import FunctionType
from typing import Any


def with_names(function: Callable[..., Any], **names: Any) -> Callable[..., Any]:
    """Returns ``function`` with ``names`` in place of its module's names; the others are those of this moment.

    The function itself stays as it is, and so do other functions of its module.
    """
    model: Any = function
    copy = FunctionType(model.__code__, {**model.__globals__, **names}, None, model.__defaults__, model.__closure__)
    copy.__kwdefaults__ = model.__kwdefaults__
    return copy
