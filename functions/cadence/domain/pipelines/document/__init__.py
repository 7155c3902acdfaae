"""Reads and checks pipeline documents, and builds the pipelines that they describe."""

from cadence.domain.pipelines.document.collecting import FetchTexts, collect_libraries
from cadence.domain.pipelines.document.connections.types import (
    DataType,
    Flow,
    FlowType,
    TypeSyntaxError,
    parse_data_type,
    parse_flow_type,
)
from cadence.domain.pipelines.document.findings import Code, Finding, Severity
from cadence.domain.pipelines.document.libraries import OF_FILES, SUFFIXES, Reference, Unavailable
from cadence.domain.pipelines.document.locating import located
from cadence.domain.pipelines.document.pipeline import (
    BUILTIN_OUTPUTS,
    Connection,
    Parameter,
    Pipeline,
    Port,
    TreatmentDeclaration,
)
from cadence.domain.pipelines.document.project_checks import Context, PoolOffer, environments_of
from cadence.domain.pipelines.document.project_secrets import NamedSecret
from cadence.domain.pipelines.document.syntax.schema import pipeline_schema
from cadence.domain.pipelines.document.treatments.generated import LARGEST_GENERATED
from cadence.domain.pipelines.document.treatments.parameters import BoundParameters, bind_parameters
from cadence.domain.pipelines.document.treatments.programs import programs_named
from cadence.domain.pipelines.document.treatments.triggering import triggers_of
from cadence.domain.pipelines.document.validate import Checked, validate

__all__ = [
    "BUILTIN_OUTPUTS",
    "LARGEST_GENERATED",
    "OF_FILES",
    "SUFFIXES",
    "BoundParameters",
    "Checked",
    "Code",
    "Connection",
    "Context",
    "DataType",
    "FetchTexts",
    "Finding",
    "Flow",
    "FlowType",
    "NamedSecret",
    "Parameter",
    "Pipeline",
    "PoolOffer",
    "Port",
    "Reference",
    "Severity",
    "TreatmentDeclaration",
    "TypeSyntaxError",
    "Unavailable",
    "bind_parameters",
    "collect_libraries",
    "environments_of",
    "located",
    "parse_data_type",
    "parse_flow_type",
    "pipeline_schema",
    "programs_named",
    "triggers_of",
    "validate",
]
