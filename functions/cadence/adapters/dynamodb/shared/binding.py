"""Binds pynamodb models to the tables that the settings name, all through one client."""

from functools import cache

from pynamodb.connection import Connection
from pynamodb.models import Model

from cadence.adapters.aws.clients import REGION, client


def bind(model: type[Model], table_name: str) -> None:
    """Makes `model` use `table_name` from now on."""
    meta = model.Meta
    # Its own connection, not one inherited from a model that it extends: that one knows no indexes of this model.
    own = vars(model).get("_connection")
    # Models may share their `Meta`, whose name therefore does not show for which table a connection is.
    if meta.table_name == table_name and own is not None and own.table_name == table_name:
        return
    meta.table_name = table_name
    meta.region = REGION
    model._connection = None  # noqa: SLF001 - pynamodb has no other way to share a client
    _share_client(model._get_connection().connection)  # noqa: SLF001


@cache
def transaction_connection() -> Connection:
    """Returns what a `TransactWrite` needs."""
    connection = Connection(region=REGION)
    _share_client(connection)
    return connection


def _share_client(connection: Connection) -> None:
    """Shares one client.

    pynamodb would create one for each model, and each takes as long as a cold Lambda may take in all.
    """
    connection._client = client("dynamodb")  # noqa: SLF001
