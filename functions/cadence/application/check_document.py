"""Checks a document against all that it may refer to in its project, and freezes what is found valid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cadence.application.fetch_libraries import Libraries
from cadence.application.ports import Documents, PoolStore
from cadence.application.runner_ports import SecretDescription
from cadence.application.start_run import Frozen
from cadence.domain import plan
from cadence.domain.document import Checked, Context, Finding, Pipeline, PoolOffer, bind_parameters, validate
from cadence.domain.errors import InvalidRequest, Violation
from cadence.domain.pool import Pool


class InvalidDocument(InvalidRequest):
    """The document, or a parameter given to it, has errors. `findings` are all of them, warnings included."""

    code = "invalid_document"

    def __init__(self, findings: Sequence[Finding]) -> None:
        count = len(findings)
        super().__init__(f"{count} finding{'' if count == 1 else 's'}; nothing was stored and nothing was started.")
        self.findings = tuple(findings)


class SecretNames(Protocol):
    def names(self, organization: str, project: str) -> Sequence[SecretDescription]: ...


@dataclass(frozen=True)
class CheckDocument:
    pools: PoolStore
    secrets: SecretNames
    libraries: Libraries

    def __call__(self, organization: str, project: str, source: str) -> Checked:
        """All findings at once; never raises for what is in the document."""
        offers = {pool.name: _offer(pool) for pool in self.pools.list_pools(organization) if pool.serves(project)}
        secrets = frozenset(secret.name for secret in self.secrets.names(organization, project))
        return validate(
            source,
            context=Context(secrets=secrets, pools=offers, libraries=self.libraries(organization, project, source)),
        )


def _offer(pool: Pool) -> PoolOffer:
    largest = pool.largest
    return PoolOffer(
        frozenset(pool.architectures), largest.cpu, largest.memory, largest.storage, largest.images, pool.max_runners
    )


@dataclass(frozen=True)
class FreezeDocument:
    """From a document to what a run can execute. Raises InvalidDocument before anything is stored."""

    check: CheckDocument
    documents: Documents

    def __call__(
        self,
        organization: str,
        project: str,
        source: str,
        given: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> tuple[Frozen, Pipeline]:
        """`given` are a run's parameters (None: not for a run, so required ones may be missing); `name` must be the document's own."""
        checked = self.check(organization, project, source)
        if checked.pipeline is None:
            raise InvalidDocument(checked.findings)
        pipeline = checked.pipeline
        if name is not None and pipeline.name != name:
            message = f"The document is named {pipeline.name!r}, but the address says {name!r}. Make them equal."
            raise InvalidRequest(message, [Violation("/document", message, "name_mismatch")])
        bound = bind_parameters(pipeline, given or {})
        if given is not None and bound.findings:
            raise InvalidDocument(bound.findings)
        frozen = Frozen(
            organization,
            project,
            pipeline.name,
            self.documents.put(source.encode()),
            self.documents.put(plan.encode(plan.plan(pipeline))),
            pipeline.max_duration,
            bound.values,
        )
        return frozen, pipeline
