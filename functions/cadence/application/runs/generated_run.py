"""Plans the document that a treatment of a run sent, for the run that a treatment of kind `trigger` starts with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.pipelines.check_document import FreezeDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.shared.ports import Documents
from cadence.application.shared.run_ports import ValueStore
from cadence.application.shared.value_ports import Chunks
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.document import LARGEST_GENERATED
from cadence.domain.pipelines.source import sources_of, wants_source, with_source
from cadence.domain.pipelines.specification import EVERYTHING, InputSpec, SourceSelection, StoredContent
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import InvalidRequest, NotFound


@dataclass(frozen=True, kw_only=True)
class PlanGenerated:
    """Makes the requests of generated runs."""

    values: ValueStore
    chunks: Chunks
    documents: Documents
    freeze: FreezeDocument
    plan: PlanRun

    def plan_generated(
        self, run_id: str, parent: Run, document: InputSpec, parameters: Mapping[str, Any]
    ) -> RunRequest:
        """Returns the planned request for the document that came through an input of a treatment of `parent`.

        It is checked as any document of the project, and belongs to the run: it has the run's event and files, and no
        concurrency group of its own, in which it could wait for the run. Raises InvalidDocument for its findings,
        InvalidRequest and NotFound with a message that says what cannot be used.
        """
        source = self._read(parent.run_id, document)
        frozen, pipeline = self.freeze.freeze(
            parent.organization, parent.project, source, parameters, gives_source=True, is_generated=True
        )
        planned = replace(self.plan.plan(run_id, frozen, parent.event), concurrency_group=None)
        return self._with_files(planned, parent) if wants_source(pipeline) else planned

    def _read(self, run_id: str, document: InputSpec) -> str:
        assert document.source_treatment is not None
        assert document.source_port is not None
        value = self.values.get_value(run_id, document.source_treatment, document.source_port)
        name = f"{document.source_treatment}.{document.source_port}"
        if value.retention:
            # A document is kept with the run that executes it.
            raise InvalidRequest(f"{name} cannot be kept as the document of a run: {value.retention.reason}.")
        if value.size > LARGEST_GENERATED:
            raise InvalidRequest(f"{name} has {value.size:,} bytes; a document can have at most {LARGEST_GENERATED:,}.")
        try:
            return b"".join(self.chunks.read_whole(value.chunk_keys)).decode()
        except NotFound:
            raise NotFound(f"{name} is no longer kept.") from None
        except UnicodeDecodeError:
            raise InvalidRequest(f"{name} is not encoded in UTF-8.") from None

    def _with_files(self, planned: RunRequest, parent: Run) -> RunRequest:
        stored = sources_of(plan.decode(self.documents.get(parent.plan_sha256)))

        def files(selection: SourceSelection) -> StoredContent:
            if selection not in stored:
                what = "`source: true`" if selection == EVERYTHING else "`source` with the same paths and settings"
                raise InvalidRequest(
                    f"It has treatments with `source`, but the run itself has not received these files: give one of "
                    f"its own treatments {what}."
                )
            return stored[selection]

        specs = with_source(plan.decode(self.documents.get(planned.plan_sha256)), files)
        return replace(planned, plan_sha256=self.documents.put(plan.encode(specs)))
