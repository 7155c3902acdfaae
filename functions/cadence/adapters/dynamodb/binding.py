"""Ties pynamodb models to the tables that the settings name."""

from pynamodb.models import Model

from cadence.adapters.aws import REGION


def bind(model: type[Model], table_name: str) -> None:
    """Makes `model` use `table_name` from now on (its cached connection is dropped)."""
    meta = model.Meta
    if getattr(meta, "table_name", None) == table_name and model._connection is not None:
        return
    meta.table_name = table_name
    meta.region = REGION
    meta.connect_timeout_seconds = 5
    meta.read_timeout_seconds = 10
    model._connection = None
