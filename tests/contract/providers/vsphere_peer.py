"""vSphere: govmomi's simulator of a vCenter (`tests/peers/vcsim`), spoken to by pyVmomi as a real one is."""

import hashlib
import json
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from pyVmomi import vim

from cadence.providers.bootstrap import user_data
from cadence.providers.contract import RunnerRequest
from cadence.providers.marks import MachineOwner
from cadence.providers.vsphere.inventory import Inventory
from cadence.providers.vsphere.provider import VSphereProvider
from cadence.providers.vsphere.settings import VSphereSettings
from tests.contract.providers.peer import Trouble
from tests.integration.exports.peers import program

OWNER = MachineOwner("installation", "default", "vcenter")


@dataclass
class VSpherePeer:
    settings: VSphereSettings
    trouble: Trouble | None = None
    own: Inventory = field(init=False)
    sessions: list[Inventory] = field(default_factory=list)

    what: ClassVar = "vcsim (govmomi 0.53), a vCenter in memory"
    secret: ClassVar = "a-password-of-vcenter"
    wait_told: ClassVar = None  # pyVmomi does not show the header
    page: ClassVar = 4
    cannot: ClassVar[dict[str, str]] = {}
    words: ClassVar = {
        Trouble.FULL: "The operation has no room",
        Trouble.QUOTA: "limit of the resource pool",
        Trouble.CREDENTIALS: "Login failure",
        Trouble.IMAGE: "has no VirtualMachine",
        Trouble.THROTTLED: "429",
        Trouble.BROKEN: "503",
    }

    def __post_init__(self) -> None:
        self.own = Inventory(settings=self.settings, credentials={"username": "looker", "password": "on"})
        self.sessions.append(self.own)

    def close(self) -> None:
        self.clear()
        for session in self.sessions:
            session.close()

    def provider(self) -> VSphereProvider:
        return self._provider(OWNER)

    def make(self, trouble: Trouble) -> None:
        self.trouble = trouble
        match trouble:
            case Trouble.FULL:
                self._cause(method="CloneVM_Task", fault="InsufficientResourcesFault", message=self.words[trouble])
            case Trouble.QUOTA:
                self._cause(
                    method="CloneVM_Task", fault="InsufficientMemoryResourcesFault", message=self.words[trouble]
                )
            case Trouble.THROTTLED:
                self._cause(status=429, message="not so fast")
            case Trouble.BROKEN:
                self._cause(status=503, message="not now")
            case Trouble.SLOW:
                self._cause(delay_ms=3_000)

    def clear(self) -> None:
        self.trouble = None
        self._cause(clear=True)

    def lose_answer(self) -> None:
        self._cause(lose="CloneVM_Task")

    def boot(self, runner_id: str) -> None:
        """A clone is switched on when it is made."""

    def end(self, runner_id: str) -> None:
        for machine in self._of(runner_id):
            machine.PowerOffVM_Task()

    def settle(self) -> None:
        """The simulator answers once it has carried out what it was asked for."""

    def machines(self, runner_id: str) -> int:
        return len(self._of(runner_id))

    def add_foreign(self) -> None:
        self._provider(replace(OWNER, pool="another")).start(RunnerRequest(runner_id="foreign-1", boot_deadline=60))

    def _provider(self, owner: MachineOwner) -> VSphereProvider:
        settings, password = self.settings, self.secret
        if self.trouble is Trouble.IMAGE:
            settings = replace(settings, template="no-such-template")
        if self.trouble is Trouble.CREDENTIALS:
            password = ""
        inventory = Inventory(
            settings=settings, credentials={"username": "cadence", "password": password}, seconds=1, page=3
        )
        self.sessions.append(inventory)
        return VSphereProvider(owner=owner, settings=settings, inventory=inventory, user_data=_told)

    def _of(self, runner_id: str) -> list[Any]:
        with_its_name = self.own.named(f"cadence-{runner_id}")
        return [with_its_name] if isinstance(with_its_name, vim.VirtualMachine) else []

    def _cause(self, **trouble: Any) -> None:
        url = f"https://{self.settings.server}:{self.settings.port}/trouble"
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(url, json.dumps(trouble).encode(), context=context, timeout=120):
            pass


def _told(request: RunnerRequest) -> str:
    return user_data(request.home, request) if request.home else "#cloud-config\n"


@contextmanager
def peer() -> Iterator[VSpherePeer]:
    process = subprocess.Popen([program("vcsim")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        server, _, port = process.stdout.readline().strip().partition(":")
        certificate = ssl.get_server_certificate((server, int(port)))
        settings = VSphereSettings(
            server=server,
            port=int(port),
            datacenter="DC0",
            template="DC0_H0_VM0",
            resource_pool="DC0_C0/Resources",
            datastore="LocalDS_0",
            network="VM Network",
            thumbprint=hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest(),
        )
        vcenter = VSpherePeer(settings)
        vcenter.own.content()  # several threads that log in for the first time would each keep a connection
        yield vcenter
        vcenter.close()
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(120)
