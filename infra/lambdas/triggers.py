"""Lambdas that turn webhooks, schedules and ends of runs into runs."""

from cadence.composition.shared.settings import DeliveriesSettings, WebhooksSettings
from infra.row import DECRYPTS, LambdaRow
from infra.row.packages import BASE, DOCUMENTS
from infra.row.permissions import RUN_GATES, gets, invokes, items, puts, schedules, sends
from infra.row.queues import DELIVERIES
from infra.row.triggers import HttpRoutes, QueueMessages, Throttle

ROWS = (
    LambdaRow(
        folder="webhooks",
        room="triggers",
        purpose="Checks the signature of a webhook over its raw body, queues it, and answers 202.",
        triggers=(HttpRoutes((("POST", "/webhooks/{kind}/{hook}"),), throttle=Throttle(rate=100, burst=500)),),
        settings=WebhooksSettings,
        packages=BASE,
        timeout=29,
        secrets_key=DECRYPTS,
        permissions=(
            items("access", "GetItem"),
            items("repositories", "GetItem"),
            puts("deliveries/*"),
            sends("deliveries"),
        ),
    ),
    LambdaRow(
        folder="deliveries",
        room="triggers",
        purpose="Starts runs of the pipelines whose `on:` matches a webhook, a schedule or the end of a run.",
        # One at a time: a delivery that ends the process (memory, time) takes no other along. It may read a repository,
        # which takes up to 25 seconds.
        triggers=(QueueMessages(queue=DELIVERIES, batch=1),),
        settings=DeliveriesSettings,
        packages=(*BASE, *DOCUMENTS, "cryptography", "dulwich", "pyjwt"),
        memory=1024,
        # The access tokens of git hosts and repositories.
        secrets_key=DECRYPTS,
        permissions=(
            # A document whose plan depends on the run is checked again before the run.
            items("access", "GetItem", "Query", "PutItem", "UpdateItem"),
            items("pipelines", "GetItem", "Query"),
            items("repositories", "GetItem", "Query", "PutItem", "UpdateItem"),
            invokes("commit_reports"),
            *RUN_GATES,
            *gets("deliveries/*", "documents/*"),
            puts("documents/*"),
            # Whether values are there that a rerun takes over.
            *gets("runs/*"),
            # The files of commits, for treatments with `source: true`.
            puts("sources/*"),
            # A schedule that fires although its pipeline no longer has it is deleted.
            schedules("DeleteSchedule"),
        ),
    ),
)
