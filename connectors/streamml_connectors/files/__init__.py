"""Readers of event files: ARFF, CSV, JSON Lines, Parquet, svmlight, plain or gzip.

Each is a :class:`streamml.io.Source`: it streams in bounded memory, turns every row that
cannot be used into a dead letter, and can be resumed after any event.
:func:`open_source` chooses by the suffix of the file.
"""

from streamml_connectors.files.arff import ArffSource
from streamml_connectors.files.csv import CsvSource
from streamml_connectors.files.formats import open_source
from streamml_connectors.files.jsonl import JsonlSource
from streamml_connectors.files.labels import find_label_xml, read_label_xml
from streamml_connectors.files.parquet import ParquetSource
from streamml_connectors.files.shuffled import ShuffledSource
from streamml_connectors.files.svmlight import SvmlightSource

__all__ = [
    "ArffSource",
    "CsvSource",
    "JsonlSource",
    "ParquetSource",
    "ShuffledSource",
    "SvmlightSource",
    "find_label_xml",
    "open_source",
    "read_label_xml",
]
