"""Compressed records whose codec is not installed: one sentence, in the client's own terms."""

from __future__ import annotations

import pytest
from kafka.errors import UnsupportedCodecError
from kafka.record import MemoryRecords, MemoryRecordsBuilder

from streamml.errors import DataError, MissingDependencyError, install_hint
from streamml_connectors.kafka.client import refused

CODECS = {"snappy": 2, "lz4": 3, "zstd": 4}


@pytest.mark.parametrize("codec", CODECS)
def test_a_codec_that_is_missing_is_said_with_what_to_install(monkeypatch, codec):
    builder = MemoryRecordsBuilder(magic=2, compression_type=CODECS[codec], batch_size=4096)
    builder.append(timestamp=0, key=None, value=b"{}" * 99, headers=[])
    builder.close()
    batch = MemoryRecords(builder.buffer()).next_batch()
    monkeypatch.setattr(f"kafka.codec.has_{codec}", lambda: False)
    with pytest.raises(MissingDependencyError) as told, refused("Reading failed"):
        list(batch)
    assert str(told.value) == (
        f"Reading failed: records are compressed with {codec}, whose library is not installed: "
        f"{install_hint('kafka')}."
    )


def test_a_codec_that_nobody_knows_is_no_missing_library():
    with pytest.raises(DataError, match="Unrecognized compression type: 7"), refused("Reading"):
        raise UnsupportedCodecError("Unrecognized compression type: 7")
