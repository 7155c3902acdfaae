"""Ties pynamodb models to the tables that the settings name."""

import os

from pynamodb.models import Model


def bind(model: type[Model], table_name: str) -> None:
    """Makes `model` use `table_name` from now on (its cached connection is dropped)."""
    meta = model.Meta
    if getattr(meta, "table_name", None) == table_name and model._connection is not None:
        return
    meta.table_name = table_name
    meta.region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    meta.connect_timeout_seconds = 5
    meta.read_timeout_seconds = 10
    model._connection = None
