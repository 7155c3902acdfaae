"""Finds the source of each input of each treatment of a run, including the instances of matrices."""

from cadence.domain.pipelines.document.connections.pairing import UNMATCHED_HINT, unmatched_message
from cadence.domain.pipelines.document.connections.types import Flow
from cadence.domain.pipelines.document.findings import Code, DocumentProblem
from cadence.domain.pipelines.document.pipeline import BUILTIN_OUTPUTS, Pipeline, Port, TreatmentDeclaration
from cadence.domain.pipelines.document.treatments.matrix import MatrixInstance, values_key
from cadence.domain.pipelines.outputs_read import outputs_read
from cadence.domain.pipelines.planning.expanding import Expanded
from cadence.domain.pipelines.planning.names import RunProblems
from cadence.domain.pipelines.source import source_selection
from cadence.domain.pipelines.specification import REPORTS_PORT, SOURCE_PORT, InputSpec, OutputSpec, lines_of


class InputWiring:
    """The sources of all inputs in one run."""

    def __init__(self, pipeline: Pipeline, expanded: dict[str, Expanded], problems: RunProblems) -> None:
        self._sources = {
            (connection.target_treatment, connection.target_port): (connection.source_treatment, connection.source_port)
            for connection in pipeline.connections
        }
        self._expanded = expanded
        self._problems = problems
        self._read_by_conditions = {
            output for other in expanded.values() if other.over for output in outputs_read(other.condition)
        }
        # Only a group's block can be read as a stream; between paired instances the flows are the same.
        self._read_as_lines = {
            source
            for (consumer, port), source in self._sources.items()
            if expanded[consumer].treatment.inputs[port].flow is Flow.STREAM
            and source[1] not in BUILTIN_OUTPUTS
            and expanded[source[0]].treatment.outputs[source[1]].flow is Flow.BLOCK
        }

    def inputs(self, consumer: Expanded, instance: MatrixInstance | None = None) -> tuple[InputSpec, ...]:
        """Returns the inputs of a treatment, or of one of its instances, without optional ones that nothing feeds.

        The source comes first, so that inputs with a path are restored over it.
        """
        treatment = consumer.treatment
        specs = []
        if wanted := treatment.body.get("source"):
            selection = source_selection(wanted)
            specs.append(InputSpec(port=SOURCE_PORT, flow="block", type="byte", path="./", selection=selection))
        for port in treatment.inputs.values():
            source = self._sources.get((treatment.name, port.name))
            if source is None:
                content = port.content_unless_fed
                if content is not None or not port.optional:
                    specs.append(_input(port, None, None, content))
            else:
                output = (
                    lines_of(source[1]) if source in self._read_as_lines and port.flow is Flow.STREAM else source[1]
                )
                specs.append(_input(port, self._producer(source, consumer, instance), output, None))
        return tuple(specs)

    def elements_of(self, consumer: TreatmentDeclaration, port: str) -> tuple[str, str] | None:
        """Returns flow and type of the output that is connected to the input whose elements become instances."""
        source = self._sources.get((consumer.name, port))
        if source is None:
            return None
        producer, name = self._expanded[source[0]].treatment, source[1]
        output = BUILTIN_OUTPUTS.get(name) or producer.outputs[name]
        gathered = "matrix" in producer.body or "each" in producer.body
        if gathered and str(output.flow) == "block":
            return "block", f"Vec<{output.type}>"
        return str(output.flow), str(output.type)

    def outputs(self, treatment: TreatmentDeclaration) -> tuple[OutputSpec, ...]:
        """Returns the outputs of a treatment; of a program only streams and the blocks that are read."""
        read = {*self._sources.values(), *self._read_by_conditions}
        specs = tuple(
            OutputSpec(port=port.name, flow=str(port.flow), type=str(port.type), path=port.path)
            for port in treatment.outputs.values()
            if treatment.program is None or port.flow is Flow.STREAM or (treatment.name, port.name) in read
        )
        reports = treatment.body.get("reports")
        if not reports:
            return specs
        junit = OutputSpec(port=REPORTS_PORT, flow="block", type="byte", path=reports["junit"], optional=True)
        return (*specs, junit)

    def gathered_outputs(self, treatment: TreatmentDeclaration) -> tuple[OutputSpec, ...]:
        """Returns the outputs of a group.

        Blocks become a list, and also a stream if one is read; streams follow one another in one stream.
        """
        specs = []
        for port in treatment.outputs.values():
            if port.flow is Flow.STREAM:
                specs.append(OutputSpec(port=port.name, flow="stream", type=str(port.type)))
                continue
            specs.append(OutputSpec(port=port.name, flow="block", type=f"Vec<{port.type}>"))
            if (treatment.name, port.name) in self._read_as_lines:
                specs.append(OutputSpec(port=lines_of(port.name), flow="stream", type=str(port.type)))
        return tuple(specs)

    def _producer(self, source: tuple[str, str], consumer: Expanded, instance: MatrixInstance | None) -> str:
        """Returns the treatment that feeds an input.

        It is the producer's instance with the same values if the consumer has all of its axes.
        """
        name, port = source
        producer = self._expanded[name]
        if instance is None or port in BUILTIN_OUTPUTS or not producer.instances or not _paired(producer, consumer):
            return name
        match producer.by_values.get(values_key(instance.values, producer.axes), []):
            case [only]:
                return only.name
            case several:
                self._problems.add(
                    DocumentProblem(
                        code=Code.MATRIX_UNMATCHED,
                        message=unmatched_message(instance.name, source, instance.values, producer.axes, len(several)),
                        path=("treatments", consumer.treatment.name, "matrix"),
                        hint=UNMATCHED_HINT,
                    )
                )
                return name


def _paired(producer: Expanded, consumer: Expanded) -> bool:
    return bool(producer.axes) and set(producer.axes) <= set(consumer.axes)


def _input(port: Port, treatment: str | None, source: str | None, content: str | None) -> InputSpec:
    return InputSpec(
        port=port.name,
        flow=str(port.flow),
        type=str(port.type),
        source_treatment=treatment,
        source_port=source,
        literal=content,
        path=port.path,
    )
