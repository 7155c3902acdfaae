"""Runners as virtual machines: cloned from a template, configured through cloud-init's VMware data source."""

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyVmomi import vim, vmodl

from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import Conflict, NotReady, ProviderRejected
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest
from cadence.providers.marks import MachineOwner
from cadence.providers.vsphere.faults import meaning, understood
from cadence.providers.vsphere.inventory import Inventory
from cadence.providers.vsphere.probing import probe
from cadence.providers.vsphere.settings import VSphereSettings

_PREFIX = "cadence-"
_LOOKED_AT = ("name", "config.extraConfig", "config.createDate", "runtime.powerState", "recentTask")
# The owner of a machine, for the inventory; users read the same in its notes.
_OWNER = "cadence.owner"
# A machine with VMware's tools records the progress of its boot here.
_BOOT_NOTE = "guestinfo.cadence.boot"
_MOST_OF_A_CONSOLE = 16 * 1024
_ON, _OFF = "poweredOn", "poweredOff"
_WORKING = (vim.TaskInfo.State.queued, vim.TaskInfo.State.running)


@dataclass(frozen=True, kw_only=True)
class VSphereProvider:
    """Implements `Provider`. A reference is the runner's id; the machine is named after it, in the pool's folder."""

    owner: MachineOwner
    settings: VSphereSettings
    inventory: Inventory
    user_data: Callable[[RunnerRequest], str]
    price_per_hour: float | None = None
    first_state: RunnerState = RunnerState.BOOTING

    def start(self, request: RunnerRequest) -> str:
        machine = self._named(request.runner_id)
        if machine is None:
            self._clone(request)
        else:
            self._power_on(machine)
        return request.runner_id

    def describe(self, ref: str) -> Machine:
        try:
            machine = self._named(ref)
            if machine is None:
                return Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE, reason=self._why_not_cloned())
            return self._machine(self.inventory.properties(machine, *_LOOKED_AT))
        except vmodl.fault.ManagedObjectNotFound:  # it was deleted in between
            return Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE)

    def stop(self, ref: str) -> None:
        """Deletes a machine. It has to be off before: until it is, this raises NotReady, and has to be called again."""
        with suppress(vmodl.fault.ManagedObjectNotFound):
            machine = self._named(ref)
            if machine is None:
                return
            if self._is_on(machine):
                self._ask(machine.PowerOffVM_Task)
            if self._is_on(machine):
                raise NotReady(f"vCenter is powering {_PREFIX}{ref} off")
            self._ask(machine.Destroy_Task)

    def list_owned(self) -> Sequence[Machine]:
        machines = (self._machine(entry) for entry in self.inventory.machines(*_LOOKED_AT) if self._is_ours(entry))
        return sorted(machines, key=lambda machine: machine.ref)

    def probe(self) -> Sequence[Check]:
        return probe(self.inventory)

    def console(self, ref: str) -> str | None:
        """Returns the machine's record of its boot: a vCenter keeps no text of consoles."""
        try:
            machine = self._named(ref)
            known = self.inventory.properties(machine, "config.extraConfig") if machine is not None else {}
        except vmodl.fault.ManagedObjectNotFound:
            return None
        note = _options(known).get(_BOOT_NOTE)
        return note[-_MOST_OF_A_CONSOLE:] if note else None

    def _named(self, runner_id: str) -> Any:
        entry = self.inventory.named(_PREFIX + runner_id)
        return entry if isinstance(entry, vim.VirtualMachine) else None

    def _clone(self, request: RunnerRequest) -> None:
        settings, inventory = self.settings, self.inventory
        template = inventory.find(vim.VirtualMachine, "vm", settings.template)
        location = vim.vm.RelocateSpec(
            pool=inventory.find(vim.ResourcePool, "host", settings.resource_pool),
            datastore=inventory.find(vim.Datastore, "datastore", settings.datastore),
        )
        with understood():
            if settings.linked_clone:
                location.diskMoveType = "createNewChildDiskBacking"
            if settings.network:
                location.deviceChange = [
                    _connected_to(template, inventory.find(vim.Network, "network", settings.network))
                ]
            specification = vim.vm.CloneSpec(
                location=location, powerOn=True, template=False, config=self._config(request)
            )
            if settings.linked_clone:
                specification.snapshot = _snapshot(template)
            folder, name = inventory.folder(), _PREFIX + request.runner_id
        with suppress(Conflict):  # an earlier call for the same runner was faster
            self._ask(template.CloneVM_Task, folder=folder, name=name, spec=specification)

    def _config(self, request: RunnerRequest) -> Any:
        needs, settings = request.needs, self.settings
        owner = {
            "owner": self.owner.key,
            "organization": self.owner.organization,
            "pool": self.owner.pool,
            "runner": request.runner_id,
            "run": request.run_id,
            "expires": request.expires_at.isoformat() if request.expires_at else None,
        }
        options = {
            _OWNER: json.dumps(owner, sort_keys=True),
            "guestinfo.userdata": base64.b64encode(gzip.compress(self.user_data(request).encode(), mtime=0)).decode(),
            "guestinfo.userdata.encoding": "gzip+base64",
            "guestinfo.metadata": _base64_json({"instance-id": request.runner_id, "local-hostname": "cadence-runner"}),
            "guestinfo.metadata.encoding": "base64",
        }
        config = vim.vm.ConfigSpec(
            annotation=f"A runner of Cadence: {json.dumps(owner, sort_keys=True)}",
            extraConfig=[_option(key, value) for key, value in options.items()],
        )
        cpu, memory = needs.cpu or settings.cpu, needs.memory or settings.memory
        if cpu:
            config.numCPUs = max(1, -(-cpu // 1000))
        if memory:
            config.memoryMB = -(-memory // 4) * 4  # a vCenter takes multiples of 4 MB
        return config

    def _power_on(self, machine: Any) -> None:
        """Switches on the machine of an earlier call, which may have found no room to do so."""
        current = self.inventory.properties(machine, "runtime.powerState", "recentTask")
        if current.get("runtime.powerState") == _OFF and not any(
            info["state"] in _WORKING for info in self._tasks(current)
        ):
            self._ask(machine.PowerOnVM_Task)

    def _is_on(self, machine: Any) -> bool:
        return self.inventory.properties(machine, "runtime.powerState").get("runtime.powerState") == _ON

    def _tasks(self, properties: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Returns state and error of each task that the vCenter remembers of a machine."""
        return [self._task(task) for task in properties.get("recentTask") or ()]

    def _task(self, task: Any) -> Mapping[str, Any]:
        try:
            known = self.inventory.properties(task, "info.state", "info.error")
        except vmodl.fault.ManagedObjectNotFound:  # forgotten by now
            known = {}
        return {"state": known.get("info.state"), "error": known.get("info.error")}

    def _ask(self, begin: Callable[..., Any], **arguments: Any) -> None:
        """Begins a task and does not wait for its end. Raises the error of one that has failed already."""
        with understood():
            task = begin(**arguments)
        error = self._task(task)["error"]
        if error is not None:
            raise meaning(error)

    def _is_ours(self, properties: Mapping[str, Any]) -> bool:
        return _owner(properties).get("owner") == self.owner.key

    def _machine(self, properties: Mapping[str, Any]) -> Machine:
        owner = _owner(properties)
        runner_id = str(owner.get("runner") or str(properties["name"]).removeprefix(_PREFIX))
        expires = owner.get("expires")
        created = properties.get("config.createDate")
        condition, reason = self._condition(properties)
        return Machine(
            ref=runner_id,
            runner_id=runner_id,
            condition=condition,
            created_at=created.astimezone(UTC) if created else None,
            expires_at=datetime.fromisoformat(str(expires)) if expires else None,
            offer=self.settings.template,
            price_per_hour=self.price_per_hour,
            reason=reason,
        )

    def _condition(self, properties: Mapping[str, Any]) -> tuple[MachineCondition, str | None]:
        if properties.get("runtime.powerState") == _ON:
            return MachineCondition.RUNNING, None
        tasks = self._tasks(properties)
        if any(task["state"] in _WORKING for task in tasks):
            return MachineCondition.STARTING, None
        errors = [task["error"] for task in tasks if task["error"] is not None]
        return MachineCondition.STOPPING, meaning(errors[-1]).message if errors else "it is powered off"

    def _why_not_cloned(self) -> str | None:
        """Returns the last failure of a clone.

        A vCenter remembers a task for ten minutes, but not which machine it was to make.
        """
        template = self.inventory.look("vm", self.settings.template)
        if not isinstance(template, vim.VirtualMachine):
            return None
        tasks = self._tasks(self.inventory.properties(template, "recentTask"))
        failed = [task["error"] for task in tasks if task["error"] is not None]
        return f"the last failed clone of {self.settings.template}: {meaning(failed[-1]).message}" if failed else None


def _options(properties: Mapping[str, Any]) -> Mapping[str, str]:
    return {option.key: str(option.value) for option in properties.get("config.extraConfig") or ()}


def _owner(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the owner's data; empty for a machine of another owner."""
    try:
        owner = json.loads(_options(properties).get(_OWNER, "{}"))
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _connected_to(template: Any, network: Any) -> Any:
    cards = [
        device for device in template.config.hardware.device if isinstance(device, vim.vm.device.VirtualEthernetCard)
    ]
    if not cards:
        raise ProviderRejected(f"the template {template.name} has no network card to connect to {network.name}")
    card = cards[0]
    if isinstance(network, vim.dvs.DistributedVirtualPortgroup):
        switch = network.config.distributedVirtualSwitch
        port = vim.dvs.PortConnection(portgroupKey=network.key, switchUuid=switch.uuid)
        card.backing = vim.vm.device.VirtualEthernetCard.DistributedVirtualPortBackingInfo(port=port)
    else:
        card.backing = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(network=network, deviceName=network.name)
    return vim.vm.device.VirtualDeviceSpec(operation="edit", device=card)


def _snapshot(template: Any) -> Any:
    if template.snapshot is None:
        raise ProviderRejected(f"the template {template.name} has no snapshot, which linked clones are made from")
    return template.snapshot.currentSnapshot


def _option(key: str, value: str) -> Any:
    option = vim.option.OptionValue()
    option.key, option.value = key, value
    return option


def _base64_json(data: Mapping[str, Any]) -> str:
    return base64.b64encode(json.dumps(data, sort_keys=True).encode()).decode()
