"""Every quarter of an hour: starts what lost webhooks of connected repositories should have started."""

from dataclasses import asdict
from typing import Any

from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.reconcile import reconcile_repositories

log = service_logger("reconcile")
repositories = reconcile_repositories()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    done = asdict(repositories.reconcile(lambda: context.get_remaining_time_in_millis() / 1000))
    log.info("reconcile", extra=done)
    return done
