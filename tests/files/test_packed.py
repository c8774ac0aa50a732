"""Files packed in every way: the same events as plain ones, resumed alike, damage said."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tracemalloc

import pyarrow
import pytest

from streamml.errors import DataError
from streamml_connectors.files import open_source
from streamml_connectors.predictions import JsonlPredictionSink


def zstandard(data: bytes) -> bytes:
    """As a program that writes a stream packs: the size is not known beforehand."""
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(data)
    return sink.getvalue().to_pybytes()


PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard}
HEADER = b"@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute f real\n@data\n"
TEXTS = {
    "d.arff": (HEADER + b"1,0.5\n0,1.5\n1,2.5\n", {}),
    "d.csv": (b"f,l\n0.5,1\n1.5,0\n2.5,1\n", {"labels": ["l"]}),
    "d.tsv": (b"f\tl\n0.5\t1\n1.5\t0\n2.5\t1\n", {"labels": ["l"]}),
    "d.jsonl": (b"".join(b'{"x": {"f": %d.5}, "y": []}\n' % k for k in range(3)), {}),
    "d.svm": (b"1 3:0.5\n0 3:1.5\n1 3:2.5\n", {}),
}


def values(source) -> list[float]:
    """All that is left of the one feature."""
    found = []
    while (batch := source.next_batch(1000)) is not None:
        found += batch.x_values.tolist()
    source.close()
    return found


packings = pytest.mark.parametrize("suffix", PACK)


@packings
@pytest.mark.parametrize("name", TEXTS)
def test_a_packed_file_gives_the_events_of_the_plain_one_and_is_resumed(tmp_path, name, suffix):
    text, options = TEXTS[name]
    path = tmp_path / (name + suffix.upper() if name == "d.svm" else name + suffix)
    path.write_bytes(PACK[suffix](text))
    source = open_source(path, **options)
    assert source.next_batch(1).x_values.tolist() == [0.5]
    position = source.snapshot()
    source.close()
    resumed = open_source(path, **options)
    resumed.restore(position)
    assert values(resumed) == [1.5, 2.5]


@packings
def test_a_label_xml_lies_beside_a_packed_file(tmp_path, suffix):
    path = tmp_path / f"d.arff{suffix}"
    path.write_bytes(PACK[suffix](HEADER.replace(b": -C 1", b"") + b"1,0.5\n"))
    (tmp_path / "d.xml").write_text("<labels><label name='l'/></labels>")
    source = open_source(path)
    assert source.schema.labels.names == ["l"]
    source.close()


@packings
def test_parts_packed_one_behind_the_other_are_one_file(tmp_path, suffix):
    """So split archives are joined: ``cat a.gz b.gz > c.gz``."""
    path = tmp_path / f"d.svm{suffix}"
    path.write_bytes(PACK[suffix](b"1 3:0.5\n0 3:") + PACK[suffix](b"1.5\n"))
    assert values(open_source(path)) == [0.5, 1.5]


@packings
@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_a_file_cut_short_gives_what_stands_before_the_cut(tmp_path, suffix, keep):
    rows = b"".join(b"%d 1:%d.5\n" % (k % 2, k * 7919 % 104729) for k in range(200_000))
    whole = PACK[suffix](rows)
    path = tmp_path / f"d.svm{suffix}"
    path.write_bytes(whole[: int(len(whole) * keep)])
    source, found, error = open_source(path), [], ""
    try:
        while (batch := source.next_batch(1000)) is not None:
            found += batch.x_values.tolist()
    except DataError as caught:
        error = str(caught)
    assert re.search(r"cut short.*: get a whole copy of it\.$", error)
    assert len(found) > keep * 100_000
    assert found == [k * 7919 % 104729 + 0.5 for k in range(len(found))]
    assert source.snapshot() == {"rows": len(found)}
    source.close()


@packings
def test_a_file_that_is_not_packed_as_its_name_says(tmp_path, suffix):
    path = tmp_path / f"d.svm{suffix}"
    path.write_bytes(b"1 3:0.5\n" * 100)
    with pytest.raises(DataError, match=r"damaged.*no \w+ file.*: get a whole copy of it\.$"):
        open_source(path)


@packings
def test_memory_does_not_grow_with_what_is_unpacked(tmp_path, suffix):
    """24 MB of the same line pack to next to nothing."""
    packed = PACK[suffix](b"1 3:0.5\n" * 3_000_000)
    path = tmp_path / f"d.svm{suffix}"
    path.write_bytes(packed)
    tracemalloc.start()
    source = open_source(path)
    source.next_batch(10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    source.close()
    assert peak < 12_000_000


@packings
def test_nothing_is_written_under_the_name_of_a_packed_file(tmp_path, suffix):
    with pytest.raises(DataError, match=rf"name a file without \{suffix}"):
        JsonlPredictionSink(tmp_path / f"out.jsonl{suffix}")
