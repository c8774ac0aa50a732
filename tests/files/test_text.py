"""Lines, gzip and label XML: bounds, cuts and refusals."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamml.errors import ConfigError, DataError, SchemaError
from streamml_connectors.files import ArffSource, find_label_xml, read_label_xml
from streamml_connectors.files import text as text_module
from streamml_connectors.files.labels import parse_label_xml
from streamml_connectors.files.text import Block, LineReader, TooLong, chunks


def lines_of(path: Path, size: int, max_line: int):
    reader, found = LineReader(path, max_line), []
    while (item := reader.take(size)) is not None:
        if isinstance(item, TooLong):
            found.append((item.line, None))
        else:
            assert 1 <= item.n_lines <= size
            split = item.data.split(b"\n")
            assert split.pop() == b""
            assert len(split) == item.n_lines
            found += [(item.line + k, line) for k, line in enumerate(split)]
    reader.close()
    return found


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=12).map(lambda b: b.translate(None, b"\n\r")), max_size=20),
    st.integers(1, 7), st.integers(1, 9), st.sampled_from([1, 3, 8, 1000]), st.booleans(),
)  # fmt: skip
def test_lines_come_whole_in_order_and_numbered(tmp_path_factory, lines, size, bound, chunk, end):
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    data = b"\n".join([b"#", *lines])
    path.write_bytes(data + b"\n" if end else data)
    expected = [(k, line) for k, line in enumerate((data + b"\n").split(b"\n")[:-1], 1)]
    if not end and expected[-1][1] == b"":
        expected.pop()
    old, text_module._CHUNK = text_module._CHUNK, chunk
    try:
        reader_chunks = chunks(path, chunk)
        reader_chunks.close()
        original = text_module.chunks
        text_module.chunks = lambda p: original(p, chunk)
        found = lines_of(path, size, bound)
    finally:
        text_module._CHUNK, text_module.chunks = old, original
    assert found == [(k, line if len(line) <= bound else None) for k, line in expected]


def test_crlf_bom_and_members(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(
        gzip.compress(b"\xef\xbb\xbfone\r\ntw") + gzip.compress(b"o\nthree") + b"\0" * 100
    )
    assert lines_of(path, 10, 100) == [(1, b"one"), (2, b"two"), (3, b"three")]


def test_utf16_is_named(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("x\n".encode("utf-16"))
    with pytest.raises(DataError, match="UTF-16"):
        LineReader(path).take(1)
    with pytest.raises(ConfigError, match="max_line"):
        LineReader(path, 0)


HEADER = b"@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute f real\n@data\n"


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.999])
def test_a_gzip_cut_short_gives_what_stands_before_the_cut(tmp_path, keep):
    rows = [b"%d,%d.5" % (k % 2, k * 7919 % 104729) for k in range(60_000)]
    whole = gzip.compress(HEADER + b"\n".join(rows) + b"\n")
    path = tmp_path / "d.arff.gz"
    path.write_bytes(whole[: int(len(whole) * keep)])
    source = ArffSource(path)
    values = []
    error = ""
    try:
        while (batch := source.next_batch(1000)) is not None:
            values += batch.x_values.tolist()
    except DataError as caught:
        error = str(caught)
    assert "cut short" in error
    assert len(values) > keep * 50_000
    assert values == [k * 7919 % 104729 + 0.5 for k in range(len(values))]
    with pytest.raises(DataError, match="cut short"):  # not an end of the stream
        source.next_batch(1)
    assert source.snapshot() == {"rows": len(values)}
    source.close()


def test_damaged_gzip_and_no_gzip(tmp_path):
    path = tmp_path / "d.arff.gz"
    path.write_bytes(b"no gzip at all")
    with pytest.raises(DataError, match="no gzip"):
        ArffSource(path)
    data = bytearray(gzip.compress(HEADER + b"1,2\n" * 10))
    data[-5] ^= 1  # the checksum
    path.write_bytes(bytes(data))
    source = ArffSource(path)
    assert len(source.next_batch(100)) == 10
    with pytest.raises(DataError, match="damaged"):
        source.next_batch(100)
    source.close()


def test_a_line_of_100_mb_is_never_held(tmp_path):
    path = tmp_path / "d.arff.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(HEADER + b"1,0.5\n1,")
        for _ in range(100):
            file.write(b"7" * 1_000_000)
        file.write(b"\n0,2.5\n")
    tracemalloc.start()
    source = ArffSource(path, max_line=1_000_000)
    values = []
    while (batch := source.next_batch(10)) is not None:
        values += batch.x_values.tolist()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    source.close()
    (letter,) = source.take_dead_letters()
    assert values == [0.5, 2.5]
    assert (letter.reason, letter.position, len(letter.raw)) == ("too_large", "line 6", 4096)
    assert "4096" in letter.detail
    assert peak < 12_000_000


def test_the_bound_of_a_line_is_16_mb_by_default(tmp_path):
    path = tmp_path / "d.arff"
    path.write_bytes(HEADER + b"1," + b"7" * (16 * 1024 * 1024) + b"\n0,2.5\n")
    source = ArffSource(path)
    ids = []
    while (batch := source.next_batch(10)) is not None:
        ids += batch.ids
    source.close()
    assert [x.reason for x in source.take_dead_letters()] == ["too_large"]
    assert ids == [1]


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(n: int) -> int:
        path = tmp_path / f"{n}.arff"
        row = b"1,0.123456\n" * 10_000
        with path.open("wb") as file:
            file.write(HEADER)
            for _ in range(n):
                file.write(row)
        source, count = ArffSource(path), 0
        source.next_batch(1)
        tracemalloc.start()
        while (batch := source.next_batch(4096)) is not None:
            count += len(batch)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        source.close()
        assert count == n * 10_000 - 1
        return found

    small, large = peak(10), peak(200)  # 1 MB and 22 MB
    assert large < 1.1 * small + 100_000


def test_label_xml(tmp_path):
    path = tmp_path / "d.xml"
    path.write_text(
        '<labels><label name="a"><label name="b"/></label><label name="&lt;c"/></labels>'
    )
    assert read_label_xml(path) == ["a", "b", "<c"]
    assert find_label_xml(tmp_path / "d.arff.gz") == path
    assert find_label_xml(tmp_path / "d.arff") == path
    assert find_label_xml(tmp_path / "e.arff") is None
    with pytest.raises(DataError, match="There is no file"):
        read_label_xml(tmp_path / "e.xml")


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><labels><label name="&b;"/></labels>'
)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (BOMB, SchemaError, "document type"),
        (BOMB.decode().encode("utf-16"), SchemaError, "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><labels><label name="a"/></labels>',
         SchemaError, "document type"),
        (b"<labels><label", DataError, "no XML"),
        (b"", DataError, "no XML"),
        (b"<labels/>", SchemaError, "names no labels"),
        (b"<labels><label/></labels>", SchemaError, "no name"),
        (b'<labels><label name="a"/><label name="a"/></labels>', SchemaError, "twice"),
    ],
)  # fmt: skip
def test_label_xml_that_is_refused(data, error, words):
    with pytest.raises(error, match=words):
        parse_label_xml(data)


def test_peeking_takes_nothing_away(tmp_path):
    path = tmp_path / "d.txt"
    path.write_bytes(b"\n# c\r\none\r\ntwo\n")
    reader = LineReader(path)
    assert reader.peek_row(b"#") == b"one\n"
    assert reader.peek_row(b"#") == b"one\n"
    assert reader.take(9) == Block(b"one\ntwo\n", 3, 2)
    assert reader.peek_row() is None
    reader.close()
    reader = LineReader(path, max_line=2)
    assert reader.take(2) == Block(b"\n", 1, 1)
    assert reader.peek_row() == reader.peek_row() == b"# c"
    assert isinstance(reader.take(5), TooLong)
    reader.close()


def in_pieces(monkeypatch, path, size, **options):
    """Every line of a file that comes in pieces of ``size`` bytes, one at a time."""
    whole = text_module.chunks
    monkeypatch.setattr(text_module, "chunks", lambda p: whole(p, size))
    reader, found = LineReader(path, **options), []
    while (item := reader.take(1)) is not None:
        found.append(item.data if isinstance(item, Block) else item)
    reader.close()
    monkeypatch.undo()
    return found


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_byte_order_mark_is_one_at_the_beginning_alone(tmp_path, monkeypatch, mark):
    path = tmp_path / "d.txt"
    path.write_bytes(b"abc\n" + mark + b"x\n")
    for size in (4, 100):
        assert in_pieces(monkeypatch, path, size) == [b"abc\n", mark + b"x\n"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_lines_of_any_pieces_have_no_line_behind_them(tmp_path, monkeypatch, size):
    path = tmp_path / "d.txt"
    path.write_bytes(b"a\n\nbc\n")
    assert in_pieces(monkeypatch, path, size) == [b"a\n", b"\n", b"bc\n"]
    path.write_bytes(b"a\n\nbc")
    assert in_pieces(monkeypatch, path, size) == [b"a\n", b"\n", b"bc\n"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 100])
def test_lines_beyond_the_bound_keep_their_place_and_first_bytes(tmp_path, monkeypatch, size):
    path = tmp_path / "d.txt"
    path.write_bytes(b"12345\n1234\n123456789\n\n12345678")
    found = in_pieces(monkeypatch, path, size, max_line=4)
    assert [one if isinstance(one, bytes) else one.line for one in found] == [
        1, b"1234\n", 3, b"\n", 5,
    ]  # fmt: skip
    assert all(b"12345".startswith(one.raw[:5]) and len(one.raw) >= 5 for one in found[::2])


def test_a_bound_of_one_byte(tmp_path):
    path = tmp_path / "d.txt"
    path.write_bytes(b"1\n12\n")
    reader = LineReader(path, 1)
    assert (reader.take(1), reader.take(1)) == (Block(b"1\n", 1, 1), TooLong(b"12", 2))
    reader.close()


@pytest.mark.parametrize("size", [4, 64, 4096])
def test_all_of_a_gzip_cut_short_is_given_whatever_its_pieces(tmp_path, size):
    whole = gzip.compress(b"0123456789\n" * 5000)
    path = tmp_path / "d.gz"
    for length in range(len(whole) - 12, len(whole)):
        path.write_bytes(whole[:length])
        pieces: list[bytes] = []
        with pytest.raises(DataError, match="cut short"):
            pieces.extend(chunks(path, size))
        assert 1 <= min(map(len, pieces)) <= max(map(len, pieces)) <= size
        assert b"".join(pieces) == zlib.decompressobj(wbits=31).decompress(whole[:length])


@pytest.mark.parametrize("length", [4095, 4096, 4097])
def test_a_dead_letter_holds_4096_bytes_of_its_line(tmp_path, length):
    line = b"x" * length
    path = tmp_path / "d.arff"
    path.write_bytes(HEADER + b"1,0.5\n" + line + b"\n")
    for bound in (10_000, 4000):
        source = ArffSource(path, max_line=bound)
        while source.next_batch(10) is not None:
            continue
        source.close()
        (letter,) = source.take_dead_letters()
        assert letter.reason == ("malformed" if bound == 10_000 else "too_large")
        assert letter.raw == line[:4096]
        if bound == 10_000:
            assert ("bytes are cut at 4096" in letter.detail) == (length > 4096)
