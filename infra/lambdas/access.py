"""Lambdas of people and their access."""

from cadence.composition.shared.settings import DirectoriesSettings, SealAuditSettings, SignInSettings
from infra.row import AsynchronousCalls, LambdaRow, SecretsKeyUse
from infra.row.packages import BASE
from infra.row.permissions import items, items_under, sends
from infra.row.triggers import Every, HttpRoutes, TableChanges, Throttle

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
    LambdaRow(
        folder="directories",
        room="access",
        purpose="Signs people in with LDAP and Active Directory, and removes members who have left there.",
        # A leaver is out within five minutes.
        triggers=(HttpRoutes((("POST", "/v1/sign-in/directory"),), throttle=Throttle(rate=20, burst=50)), Every(2)),
        # A look takes a minute at most where there are many people; the next one begins anew.
        asynchronous=AsynchronousCalls(retries=0, longest_minutes=2),
        settings=DirectoriesSettings,
        packages=(*BASE, "jsonschema-rs", "ldap3"),
        timeout=110,
        # Passwords of the accounts that read directories.
        secrets_key=SecretsKeyUse(("kms:Decrypt",), {"purpose": "directory"}),
        joins_network=True,
        permissions=(
            # Members with the teams of their groups, and new tokens; what a leaver leaves behind is removed.
            items("access", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
        ),
    ),
    LambdaRow(
        folder="seal_audit",
        room="access",
        purpose="Chains new entries of the audit log by their digests, and sends them to the locked bucket and to exports.",
        triggers=(
            TableChanges(
                table="access",
                filters=({"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "AUDIT#"}]}}}},),
                batch=100,
                # One seal for what comes within some seconds. A chain has one writer: batches of a shard follow each
                # other, and an organization's entries are in one shard.
                window=5,
                # An entry that is given up is in no chain.
                retries=100,
            ),
        ),
        settings=SealAuditSettings,
        packages=BASE,
        audit_archive=True,
        permissions=(
            items_under("access", ("AUDITCHAIN#",), "GetItem", "PutItem"),
            # Seals, and which events an organization's exports send.
            items("access", "Query", "BatchGetItem"),
            sends("exporting"),
        ),
    ),
)
