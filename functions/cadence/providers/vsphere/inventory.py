"""A session with a vCenter, and searches in its inventory."""

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

# The version of the API: vSphere 7 and all newer ones support it.
_VERSION = "vim.version.v7_0"


@dataclass(kw_only=True)
class Inventory:
    """Logs in at the first use, and again once the session has ended."""

    settings: VSphereSettings
    credentials: Credentials = field(repr=False)
    seconds: int = 20  # a provider must not make calls that take longer
    page: int = 200
    _session: Any = field(default=None, repr=False)
    _content: Any = field(default=None, repr=False)  # cached, since the library requests the session's own at each use

    def content(self) -> Any:
        """Returns the content of the service instance, after a login if necessary."""
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
        """Returns the object at that path below the datacenter.

        Raises ProviderRejected, with the path, if there is none of the kind.
        """
        full_path = "/".join((self.settings.datacenter, *path))
        entry = self.look(*path)
        if not isinstance(entry, kind):
            raise ProviderRejected(f"vCenter {self.settings.server} has no {kind.__name__.rsplit('.')[-1]} {full_path}")
        return entry

    def look(self, *path: str) -> Any:
        """Returns the object at that path below the datacenter, or None."""
        full_path = "/".join(part for part in (self.settings.datacenter, *path) if part)
        with understood():
            return self.content().searchIndex.FindByInventoryPath(full_path)

    def folder(self) -> Any:
        """Returns the pool's folder."""
        return self.find(vim.Folder, "vm", *filter(None, [self.settings.folder]))

    def named(self, name: str) -> Any:
        """Returns the virtual machine of that name in the pool's folder, or None."""
        return self.look("vm", self.settings.folder, name) if self.settings.folder else self.look("vm", name)

    def properties(self, managed_object: Any, *names: str) -> dict[str, Any]:
        """Returns these properties of a managed object, and no others.

        Whole structures are large, and may hold types that the library does not know.
        """
        query = vmodl.query.PropertyCollector
        return next(self._retrieve(type(managed_object), query.ObjectSpec(obj=managed_object), names), {})

    def machines(self, *names: str) -> Iterator[dict[str, Any]]:
        """Returns these properties of every virtual machine directly in the pool's folder, many at a time."""
        query = vmodl.query.PropertyCollector
        with understood():
            view = self.content().viewManager.CreateContainerView(self.folder(), [vim.VirtualMachine], False)
            try:
                traversal = query.TraversalSpec(name="view", path="view", skip=False, type=vim.view.ContainerView)
                listed = query.ObjectSpec(obj=view, skip=True, selectSet=[traversal])
                yield from self._retrieve(vim.VirtualMachine, listed, names)
            finally:
                view.DestroyView()

    def _retrieve(self, kind: type, objects: Any, names: Iterable[str]) -> Iterator[dict[str, Any]]:
        query = vmodl.query.PropertyCollector
        with understood():
            collector = self.content().propertyCollector
            specification = query.FilterSpec(
                objectSet=[objects], propSet=[query.PropertySpec(type=kind, pathSet=list(names))]
            )
            page = collector.RetrievePropertiesEx([specification], query.RetrieveOptions(maxObjects=self.page))
            while page is not None:
                yield from ({entry.name: entry.val for entry in item.propSet} for item in page.objects)
                page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None

    def _log_in(self) -> tuple[Any, Any]:
        """Returns the session, and the content of the vCenter."""
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
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()
    if not hmac.compare_digest(digest, settings.thumbprint.replace(":", "").lower()):
        raise ProviderRejected(
            f"vCenter {settings.server} has another certificate than the pool's settings: {digest} (SHA-256)"
        )
    # Only this certificate is trusted, independent of its issuer.
    context = ssl.create_default_context(cadata=certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context
