"""Lambdas of people and their access."""

from cadence.composition.shared.settings import SignInSettings
from infra.row import LambdaRow
from infra.row.packages import BASE
from infra.row.permissions import items
from infra.row.triggers import HttpRoutes

ROWS = (
    LambdaRow(
        folder="sign_in",
        room="access",
        purpose="Signs people in with tokens of identity providers, whose keys it reads.",
        triggers=(HttpRoutes((("POST", "/v1/sign-in"),)),),
        settings=SignInSettings,
        packages=(*BASE, "cryptography", "jsonschema-rs", "pyjwt"),
        timeout=29,
        permissions=(
            # Members with the teams of their groups, new tokens, and identity tokens that were used.
            items("access", "GetItem", "Query", "PutItem", "UpdateItem"),
        ),
    ),
)
