"""The Lambda that agents and hosts talk to."""

from cadence.composition.shared.settings import RunnerGatewaySettings
from infra.row import ENCRYPTS_AND_DECRYPTS, LambdaRow, ValueBucketUse
from infra.row.packages import BASE, CONDITIONS
from infra.row.permissions import (
    ENDS_TOKENS,
    FEEDS,
    NOTES_AUDIT,
    READS_SHARED_SECRETS,
    RUNNER_SLOTS,
    SETTLES,
    answers,
    deletes,
    gets,
    invokes,
    items,
    items_under,
    log_lines,
    puts,
    work_notifications,
)
from infra.row.triggers import HttpRoutes

ROWS = (
    LambdaRow(
        folder="runner_gateway",
        room="runners",
        purpose="Answers agents and hosts, and serves the agent itself by its digest.",
        triggers=(HttpRoutes((("POST", "/runner/v1/{proxy+}"), ("GET", "/runner/v1/{proxy+}"))),),
        settings=RunnerGatewaySettings,
        packages=(*BASE, *CONDITIONS, "cryptography", "pyjwt"),
        timeout=29,
        # It encrypts the keys that sign identity tokens, which it makes.
        secrets_key=ENCRYPTS_AND_DECRYPTS,
        reads_secret_sources=True,
        # Agents use these by the URLs that the gateway signs.
        value_buckets=ValueBucketUse(
            (
                (("GetObject", "PutObject"), ("runs/*", "caches/*")),
                (("DeleteObject",), ("caches/*",)),
            )
        ),
        permissions=(
            # Tokens, with the member or service account and the grants that they act with.
            items("access", "GetItem", "BatchGetItem"),
            READS_SHARED_SECRETS,
            # The tokens of engines, from their claim to their end.
            items_under("access", ("ENGINETOKEN#",), "PutItem"),
            # Keys that sign identity tokens, each for a month.
            items_under("access", ("IDTOKENKEYS",), "PutItem"),
            # The key from which claim keys of hosts are made.
            items_under("access", ("CLAIMKEYS",), "PutItem"),
            ENDS_TOKENS,
            NOTES_AUDIT,
            *FEEDS,
            *SETTLES,
            *RUNNER_SLOTS,
            items("runners", "BatchGetItem", "PutItem", "DeleteItem", "BatchWriteItem"),
            # Leasing a runner again is a transaction that checks the host's item and changes the runner's.
            items("runners", "ConditionCheckItem"),
            # Agents use these by the URLs that the gateway signs; it deletes caches itself, to make room for others.
            *gets("runs/*", "caches/*", "documents/*", "sources/*"),
            puts("runs/*"),
            puts("caches/*"),
            deletes("caches/*"),
            work_notifications("ReceiveMessage", "SendMessage"),
            answers("treatment", "Success", "Failure"),
            log_lines("PutRecords"),
            # Clients that watch a run are told that its streams flow.
            items_under("logs", ("LIVE#",), "GetItem"),
            invokes("live"),
        ),
    ),
)
