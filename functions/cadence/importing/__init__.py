"""Converts what other systems run into pipeline documents, with a report of what could not be carried over."""

from cadence.importing.convert import Imported, convert, guess
from cadence.importing.report import ImportFailure, Kind, Note
from cadence.importing.wfcommons import Scales

__all__ = ["ImportFailure", "Imported", "Kind", "Note", "Scales", "convert", "guess"]
