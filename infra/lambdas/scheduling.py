"""Lambdas that decide how treatments proceed, and end what did not end by itself."""

from cadence.composition.shared.settings import ActSettings, SettleSettings, WakeGroupSettings, WatchdogSettings
from infra.row import LambdaRow, ValueBucketUse
from infra.row.packages import BASE, CONDITIONS, DOCUMENTS
from infra.row.permissions import (
    ANNOUNCES_ENDS,
    ENDS_TOKENS,
    FEEDS,
    GROWS,
    RUN_GATES,
    RUNNER_SLOTS,
    SETTLES,
    answers,
    deletes,
    gets,
    items,
    items_under,
    lists_objects,
    puts,
)
from infra.row.queues import DEADLINES, WAKE_UPS
from infra.row.triggers import MachineTask, QueueMessages

ROWS = (
    LambdaRow(
        folder="act",
        room="scheduling",
        purpose="Runs control treatments, which need no runner: collects a group's values, expands `each`, starts the "
        "pipeline of a `trigger`.",
        triggers=(MachineTask("treatment", ("Act",)),),
        settings=ActSettings,
        packages=(*BASE, *DOCUMENTS, "dulwich"),
        # It copies all values that the instances of a group sent.
        memory=1769,
        timeout=900,
        value_buckets=ValueBucketUse(((("GetObject", "PutObject"), ("runs/*",)),)),
        permissions=(
            *FEEDS,
            *GROWS,
            items("runs", "BatchWriteItem"),
            # What it writes counts in the storage of the project.
            items("runners", "Query"),
            items_under("runners", ("STORAGE#",), "UpdateItem"),
            # A treatment of kind `trigger` checks and starts another pipeline.
            *RUN_GATES,
            items("access", "GetItem", "Query"),
            items("pipelines", "GetItem"),
            *gets("documents/*"),
            puts("documents/*"),
        ),
    ),
    LambdaRow(
        folder="settle",
        room="scheduling",
        purpose="Publishes a treatment's outputs, starts or skips its consumers, decides on a retry; records a run's "
        "final state, and notifies what waits for its end.",
        triggers=(MachineTask("treatment", ("Settle",)), MachineTask("run", ("Finalise",))),
        settings=SettleSettings,
        reserves_concurrency=True,
        packages=(*BASE, *CONDITIONS),
        permissions=(
            *FEEDS,
            *SETTLES,
            *RUNNER_SLOTS,
            ENDS_TOKENS,
            # The end of a run.
            *RUN_GATES,
            *ANNOUNCES_ENDS,
        ),
    ),
    LambdaRow(
        folder="wake_group",
        room="scheduling",
        purpose="Makes further instances of an `each` treatment; ends the other instances after one has failed.",
        triggers=(QueueMessages(queue=WAKE_UPS),),
        settings=WakeGroupSettings,
        packages=(*BASE, *DOCUMENTS),
        permissions=(*FEEDS, *GROWS, *RUNNER_SLOTS, items("runners", "Query", "UpdateItem")),
    ),
    LambdaRow(
        folder="watchdog",
        room="scheduling",
        purpose="Ends what is past its deadline (runners, treatments, approvals, runs) or whose execution broke; deletes "
        "transient values.",
        triggers=(QueueMessages(queue=DEADLINES),),
        settings=WatchdogSettings,
        reserves_concurrency=True,
        packages=(*BASE, *CONDITIONS),
        value_buckets=ValueBucketUse(((("DeleteObject",), ("runs/*",)),)),
        permissions=(
            # When an execution broke, the watchdog settles its treatment.
            *FEEDS,
            *SETTLES,
            *RUN_GATES,
            answers("treatment", "Failure"),
            ENDS_TOKENS,
            *ANNOUNCES_ENDS,
            # Runners of hosts are looked at with their run.
            items("runners", "BatchGetItem"),
            # Whether machines are there for an offered runner, or in another pool that fits; it is offered again.
            items("runners", "Query", "PutItem"),
            items("access", "GetItem"),
            # Transient values are deleted, with the records of their digests.
            items("runners", "DeleteItem"),
            lists_objects(),
            deletes("runs/*"),
        ),
    ),
)
