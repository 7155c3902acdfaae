"""One session with a vCenter, and finding things in its inventory."""

import hashlib
import hmac
import http.client
import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pyVmomi import vim, vmodl
from pyVmomi.SoapAdapter import SoapStubAdapter

from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.contract import Credentials
from cadence.providers.vsphere.faults import understood
from cadence.providers.vsphere.settings import VSphereSettings

# Of the API: what vSphere 7 and everything newer understands.
_VERSION = "vim.version.v7_0"


@dataclass(kw_only=True)
class Inventory:
    """Logs in when it is first asked, and again once the session has ended."""

    settings: VSphereSettings
    credentials: Credentials = field(repr=False)
    seconds: int = 20  # a call that takes longer is one that a provider must not make
    page: int = 200
    _session: Any = field(default=None, repr=False)
    _content: Any = field(default=None, repr=False)  # the library asks for it anew at each use of the session's own

    def content(self) -> Any:
        with understood():
            if self._content is not None and self._content.sessionManager.currentSession is None:
                self.close()
            if self._content is None:
                self._session, self._content = self._log_in()
            return self._content

    def close(self) -> None:
        """Logs out: a vCenter keeps only so many sessions of an account."""
        if self._session is not None:
            with suppress(vmodl.MethodFault, http.client.HTTPException, OSError):
                self._content.sessionManager.Logout()
            _hang_up(self._session)
            self._session = self._content = None

    def find(self, kind: type, *path: str) -> Any:
        """Raises ProviderRejected, naming what is not there."""
        where = "/".join((self.settings.datacenter, *path))
        found = self.look(*path)
        if not isinstance(found, kind):
            raise ProviderRejected(f"vCenter {self.settings.server} has no {kind.__name__.rsplit('.')[-1]} {where}")
        return found

    def look(self, *path: str) -> Any:
        """What is at that place below the datacenter, or `None`."""
        where = "/".join(part for part in (self.settings.datacenter, *path) if part)
        with understood():
            return self.content().searchIndex.FindByInventoryPath(where)

    def folder(self) -> Any:
        return self.find(vim.Folder, "vm", *filter(None, [self.settings.folder]))

    def named(self, name: str) -> Any:
        """The virtual machine of that name in the pool's folder, or `None`."""
        return self.look("vm", self.settings.folder, name) if self.settings.folder else self.look("vm", name)

    def properties(self, thing: Any, *names: str) -> dict[str, Any]:
        """These of a managed object, and no others: whole structures are large, and may hold what a library does not know."""
        query = vmodl.query.PropertyCollector
        return next(self._retrieve(type(thing), query.ObjectSpec(obj=thing), names), {})

    def machines(self, *names: str) -> Iterator[dict[str, Any]]:
        """These properties of every virtual machine directly in the pool's folder, many at a time."""
        query = vmodl.query.PropertyCollector
        with understood():
            view = self.content().viewManager.CreateContainerView(self.folder(), [vim.VirtualMachine], False)
            try:
                through = query.TraversalSpec(name="view", path="view", skip=False, type=vim.view.ContainerView)
                listed = query.ObjectSpec(obj=view, skip=True, selectSet=[through])
                yield from self._retrieve(vim.VirtualMachine, listed, names)
            finally:
                view.DestroyView()

    def _retrieve(self, kind: type, objects: Any, names: Iterable[str]) -> Iterator[dict[str, Any]]:
        query = vmodl.query.PropertyCollector
        with understood():
            collector = self.content().propertyCollector
            wanted = query.FilterSpec(objectSet=[objects], propSet=[query.PropertySpec(type=kind, pathSet=list(names))])
            page = collector.RetrievePropertiesEx([wanted], query.RetrieveOptions(maxObjects=self.page))
            while page is not None:
                yield from ({each.name: each.val for each in item.propSet} for item in page.objects)
                page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None

    def _log_in(self) -> tuple[Any, Any]:
        """The session, and what the vCenter consists of."""
        settings = self.settings
        stub = SoapStubAdapter(  # type: ignore[no-untyped-call]
            host=settings.server,
            port=settings.port,
            version=_VERSION,
            path="/sdk",
            sslContext=_context(settings, self.seconds),
            httpConnectionTimeout=self.seconds,
        )
        session: Any = vim.ServiceInstance("ServiceInstance", stub)  # type: ignore[call-arg]
        user, password = self.credentials.get("username", ""), self.credentials.get("password", "")
        try:
            content: Any = session.RetrieveContent()
            content.sessionManager.Login(user, password, None)
        except BaseException:
            _hang_up(session)
            raise
        return session, content


def _hang_up(session: Any) -> None:
    session._GetStub().DropConnections()  # noqa: SLF001 - the library has no other way to it


def _context(settings: VSphereSettings, seconds: int) -> ssl.SSLContext:
    if settings.thumbprint is None:
        return ssl.create_default_context(cadata=settings.certificate_authority)
    certificate = ssl.get_server_certificate((settings.server, settings.port), timeout=seconds)
    found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()
    if not hmac.compare_digest(found, settings.thumbprint.replace(":", "").lower()):
        raise ProviderRejected(
            f"vCenter {settings.server} shows another certificate than the pool's: {found} (SHA-256)"
        )
    # That very certificate is trusted, whoever signed it, and no other.
    context = ssl.create_default_context(cadata=certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context
