"""Makes the emulated AWS (moto) quicker without changing what it answers."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.core import serialize
from moto.core.serialize import AttributePickerContext
from moto.kms import models


@contextmanager
def quick_emulation() -> Iterator[None]:
    """Keeps what moto would compute anew for each key and each answer, while the block runs."""
    kms: Any = models
    picker: Any = serialize.AttributePicker
    with pytest.MonkeyPatch.context() as patch:
        # Moto makes an RSA key for symmetric keys as well, which takes longer than most tests and which none uses.
        patch.setattr(kms, "generate_private_key", functools.cache(kms.generate_private_key))
        patch.setattr(picker, "__call__", remembering_names(picker.__call__))
        yield


def remembering_names(pick: Any) -> Any:
    """Returns ``AttributePicker.__call__``, which looks for a member of an answer under some ten names, so that it
    makes up the names for a member of a dictionary once.

    They depend on the shapes of the member and of what it is a member of, which their names tell within a service.
    """
    names_of: dict[tuple[Any, ...], tuple[str, ...]] = {}

    def pick_quickly(self: Any, context: AttributePickerContext) -> Any:
        values, shape = context.obj, context.shape
        if type(values) is not dict or shape is None or self.response_transformers:
            return pick(self, context)
        parent = getattr(shape, "parent", None)
        what = (
            type(self), *self.alias_providers, context.service_model and context.service_model.service_name,
            parent and (parent.type_name, parent.name), shape.type_name, shape.name, shape.serialization.get("name"),
            context.key,
        )  # fmt: skip
        names = names_of.get(what)
        if names is None:
            names = names_of[what] = tuple(dict.fromkeys(self.get_possible_keys(context)))
        if any("." in name for name in names):
            return pick(self, context)
        return next((values[name] for name in names if name in values), None)

    return pick_quickly
