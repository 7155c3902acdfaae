"""Checks whether a vCenter would start runners, without starting one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pyVmomi import vim

from cadence.domain.shared.errors import CadenceError
from cadence.providers.contract import Check
from cadence.providers.probing import checked
from cadence.providers.vsphere.faults import understood
from cadence.providers.vsphere.inventory import Inventory

# With less free space than this, the next clone may not fit (bytes).
_LEAST_FREE = 10 * 1024**3

# The privileges that are needed on each object, as vCenter's own roles name them.
ON_FOLDER = (
    "VirtualMachine.Config.AddNewDisk",
    "VirtualMachine.Config.AdvancedConfig",
    "VirtualMachine.Config.Annotation",
    "VirtualMachine.Config.CPUCount",
    "VirtualMachine.Config.Memory",
    "VirtualMachine.Interact.PowerOff",
    "VirtualMachine.Interact.PowerOn",
    "VirtualMachine.Inventory.CreateFromExisting",
    "VirtualMachine.Inventory.Delete",
)
ON_TEMPLATE = ("VirtualMachine.Provisioning.Clone", "VirtualMachine.Provisioning.DeployTemplate")
ON_RESOURCE_POOL = ("Resource.AssignVMToPool",)
ON_DATASTORE = ("Datastore.AllocateSpace",)
ON_NETWORK = ("Network.Assign",)


def probe(inventory: Inventory) -> Sequence[Check]:
    """Returns one check for each object; only the first if the login fails."""
    login = checked("credentials", inventory.content, "Give the pool `username` and `password` of a service account.")
    return [login] if login.missing else [login, *_places(inventory)]


def _places(inventory: Inventory) -> Iterator[Check]:
    settings = inventory.settings
    places: list[tuple[str, Callable[[], Any], tuple[str, ...]]] = [
        ("folder", inventory.folder, ON_FOLDER),
        ("image", lambda: inventory.find(vim.VirtualMachine, "vm", settings.template), ON_TEMPLATE),
        ("resource pool", lambda: inventory.find(vim.ResourcePool, "host", settings.resource_pool), ON_RESOURCE_POOL),
        ("datastore", lambda: _roomy(inventory), ON_DATASTORE),
    ]
    if settings.network:
        network = settings.network
        places.append(("network", lambda: inventory.find(vim.Network, "network", network), ON_NETWORK))
    for subject, look, privileges in places:
        objects: list[Any] = []
        check = checked(subject, lambda look=look, objects=objects: objects.append(look()))  # type: ignore[misc]
        yield check
        if objects:
            yield checked(
                f"permissions on the {subject}",
                lambda place=objects[0], privileges=privileges: _allowed(inventory, place, privileges),  # type: ignore[misc]
                "Grant them to the account's role on that object.",
            )


def _roomy(inventory: Inventory) -> Any:
    store = inventory.find(vim.Datastore, "datastore", inventory.settings.datastore)
    with understood():
        free = store.summary.freeSpace
    if free < _LEAST_FREE:
        raise CadenceError(f"datastore {store.name} has {free // 1024**2} MB left")
    return store


def _allowed(inventory: Inventory, place: Any, privileges: Sequence[str]) -> None:
    with understood():
        content = inventory.content()
        session = content.sessionManager.currentSession
        answers = content.authorizationManager.HasPrivilegeOnEntities([place], session.key, list(privileges))
    lacking = [
        privilege.privId for answer in answers for privilege in answer.privAvailability if not privilege.isGranted
    ]
    if lacking:
        raise CadenceError(f"{session.userName} lacks {', '.join(lacking)} on {place.name}")
