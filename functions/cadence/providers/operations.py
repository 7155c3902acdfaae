"""The operations of a provider's Lambda, as JSON: `start` and `stop` by the treatment machine, the rest about a pool.

{operation: start, run_id, treatment, placement, task_token}     nothing: the token is answered
{operation: stop, run_id, treatment, runner_id}                  nothing
{operation: describe, organization, pool, ref}                   a machine
{operation: list, organization, pool}                            {machines: [...]}
{operation: probe, organization, pool}                           {checks: [{what, missing, hint}]}, stored with the pool
{operation: sweep, organization, pool}                           {seen, marked, ended, refused}: machines' references
{operation: console, organization, pool, ref}                    {text}
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cadence.application.placement.ports import CheckResult, PoolProbe, PoolRecords
from cadence.application.shared.ports import Clock, PoolStore
from cadence.domain.placement.pool import Price
from cadence.domain.shared.errors import CadenceError, InvalidRequest, ProviderRejected
from cadence.providers.contract import Machine, Provider, Warming
from cadence.providers.lifecycle import Launch, Providers, ReleaseRunner, StartRunner
from cadence.providers.sweeping import Sweep

Event = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operations:
    """Runs the operations of one provider."""

    start: StartRunner
    release: ReleaseRunner
    providers: Providers
    records: PoolRecords | None = None
    sweep: Sweep | None = None
    clock: Clock | None = None
    pools: PoolStore | None = None

    def handle(self, event: Event) -> Mapping[str, Any] | None:
        """Runs an operation. Raises the provider's errors, and InvalidRequest for an unknown operation."""
        match event.get("operation"):
            case "start":
                self.start.start(launch_of(event))
                return None
            case "stop":
                self.release.release(event["runner_id"])
                return None
            case "describe":
                return machine_json(self._provider(event).describe(event["ref"]))
            case "list":
                return {"machines": [machine_json(machine) for machine in self._provider(event).list_owned()]}
            case "probe":
                return {"checks": self._probe(event)}
            case "sweep" if self.sweep:
                return asdict(self.sweep.sweep(event["organization"], event["pool"]))
            case "console":
                return {"text": self._provider(event).console(event["ref"])}
            case other:
                raise InvalidRequest(
                    f"A provider knows no operation {other!r}. Use start, stop, describe, list, probe, sweep or console."
                )

    def _probe(self, event: Event) -> list[dict[str, Any]]:
        """Runs the checks and stores their results, or the error that prevented them."""
        try:
            provider = self._provider(event)
            checks = [CheckResult(**asdict(check)) for check in provider.probe()] + self._warm(event, provider)
            error = None
        except CadenceError as raised:
            checks, error = [], raised.message
        if self.records and self.clock:
            self.records.note_probe(event["organization"], event["pool"], PoolProbe(self.clock(), tuple(checks), error))
        elif error:
            raise ProviderRejected(error)
        return [asdict(check) for check in checks]

    def _warm(self, event: Event, provider: Provider) -> list[CheckResult]:
        """Returns a check that fails if the pool is to keep machines waiting and its provider cannot."""
        if self.pools is None or isinstance(provider, Warming):
            return []
        pool = self.pools.get_pool(event["organization"], event["pool"])
        if not pool.policy.warm:
            return []
        missing = f"{pool.provider} keeps no machines waiting: `warm` only ranks this pool before others"
        return [CheckResult("warm capacity", missing, "Remove `warm`, or let hosts join a pool.")]

    def _provider(self, event: Event) -> Provider:
        return self.providers(event["organization"], event["pool"])


def launch_of(event: Event) -> Launch:
    """Returns the launch that a `start` event describes."""
    placement = event["placement"]
    return Launch(
        run_id=event["run_id"],
        treatment=event["treatment"],
        runner_id=placement["runner_id"],
        attempt=placement["attempt"],
        pool=placement["pool"],
        provider=placement["provider"],
        function=placement["function"],
        boot_deadline=placement["boot_deadline"],
        priority=placement.get("priority", 0),
        task_token=event["task_token"],
        placement=placement,
        placed_at=datetime.fromisoformat(placement["decided_at"]) if "decided_at" in placement else None,
        overcomes=tuple(placement.get("overcomes", ())),
        price=Price(**placement["price"]) if placement.get("price") else None,
    )


def machine_json(machine: Machine) -> dict[str, Any]:
    """Returns a machine as JSON; times are RFC 3339."""
    times = {name: moment and moment.isoformat() for name, moment in _times(machine).items()}
    return {**asdict(machine), "condition": str(machine.condition), **times}


def _times(machine: Machine) -> dict[str, Any]:
    return {"created_at": machine.created_at, "expires_at": machine.expires_at}
