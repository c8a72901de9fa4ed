"""Assay: QA scorecards drafted from transcripts, every answer with evidence that was located in the text."""

__version__ = "0.1.0"
