"""Lambdas that Mélodium engines talk to."""

from cadence.composition.shared.settings import MelodiumReportsSettings, MelodiumSettings, TunnelSettings
from infra.row import ENCRYPTS_AND_DECRYPTS, AsynchronousCalls, LambdaRow
from infra.row.packages import BASE, DOCUMENTS
from infra.row.permissions import (
    NOTES_AUDIT,
    RUN_GATES,
    deletes,
    gets,
    invokes,
    items,
    items_under,
    log_lines,
    manages_connections,
    puts,
    sends,
)
from infra.row.triggers import HttpRoutes, NewObjects, WebSocketRoutes

ROWS = (
    LambdaRow(
        folder="melodium",
        room="melodium",
        purpose="Answers Mélodium engines: it registers their processes, and starts the workers that they request.",
        triggers=(HttpRoutes((("ANY", "/0.1/{proxy+}"),)),),
        settings=MelodiumSettings,
        # Starting a worker is starting a run, which reads documents.
        packages=(*BASE, *DOCUMENTS),
        timeout=29,
        # The keys of workers.
        secrets_key=ENCRYPTS_AND_DECRYPTS,
        permissions=(
            # Tokens, with the member or service account and the grants that they act with.
            items("access", "GetItem", "BatchGetItem", "Query"),
            NOTES_AUDIT,
            # A process that has ended leaves treatments that it did not end.
            items("runs", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "BatchWriteItem"),
            # A worker is a run with keys of its own, and records where it listens.
            *RUN_GATES,
            items("runners", "GetItem", "PutItem"),
            puts("documents/*"),
            # A worker's output is masked with the secrets of its engine.
            *gets("runs/*/melodium/secrets"),
            puts("runs/*/melodium/secrets"),
            # Engines use this by the forms that it signs.
            puts("uploads/*"),
            sends("deadlines"),
            # The engine's lines need the log stream.
            invokes("log_stream"),
        ),
    ),
    LambdaRow(
        folder="melodium_reports",
        room="melodium",
        purpose="Turns what engines uploaded into log lines, treatments and values, without secrets.",
        triggers=(NewObjects("uploads/"),),
        asynchronous=AsynchronousCalls(retries=2, longest_minutes=360, keeps_failed=True),
        settings=MelodiumReportsSettings,
        packages=(*BASE, "cbor2", "msgspec"),
        # A whole core. Parts of an upload lie on disk, and one event has to fit into memory.
        memory=1769,
        timeout=300,
        storage=2048,
        permissions=(
            items("runs", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "BatchWriteItem"),
            # It reads an upload, stores its content without secrets, and deletes it.
            *gets("uploads/*", "runs/*"),
            puts("runs/*"),
            # What it writes counts in the storage of the project.
            items_under("runners", ("STORAGE#",), "UpdateItem"),
            deletes("uploads/*"),
            log_lines("PutRecords"),
        ),
    ),
    LambdaRow(
        folder="tunnel",
        room="melodium",
        purpose="Passes bytes between an engine and its worker, and between a user and a shell on a runner.",
        triggers=(WebSocketRoutes(("tunnel",)),),
        settings=TunnelSettings,
        packages=BASE,
        memory=256,
        timeout=29,
        permissions=(
            # Tokens, with the member or service account and the grants that they act with.
            items("access", "GetItem", "BatchGetItem"),
            NOTES_AUDIT,
            items("runs", "GetItem"),
            items("runners", "GetItem", "Query", "PutItem"),
            manages_connections(),
        ),
    ),
)
