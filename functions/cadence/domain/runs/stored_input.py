"""Shows inputs that no treatment produced as values."""

from cadence.domain.pipelines.specification import InputSpec, StoredContent, TreatmentSpec
from cadence.domain.runs.run import Value


def stored_values(run_id: str, spec: TreatmentSpec) -> tuple[Value, ...]:
    """Returns the stored inputs of a treatment as values of its own."""
    return tuple(stored_value(run_id, spec.name, port, port.stored) for port in spec.inputs if port.stored is not None)


def stored_value(run_id: str, treatment: str, port: InputSpec, stored: StoredContent) -> Value:
    """Returns a stored input as a value."""
    return Value(
        run_id=run_id,
        treatment=treatment,
        port=port.port,
        flow=port.flow,
        type=port.type,
        sha256=stored.sha256,
        size=stored.size,
        chunks=stored.chunks,
        attempt=1,
        stored_prefix=stored.prefix,
    )
