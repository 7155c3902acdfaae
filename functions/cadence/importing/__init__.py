"""Converts workflows of other systems into pipeline documents, with a report of what was not converted."""

from cadence.importing.convert import Imported, convert, guess
from cadence.importing.shared.report import ImportFailure, Note, SourceFormat
from cadence.importing.shared.yaml_source import MAX_YAML_BYTES
from cadence.importing.wfcommons.workflow import Scales

__all__ = ["MAX_YAML_BYTES", "ImportFailure", "Imported", "Note", "Scales", "SourceFormat", "convert", "guess"]
