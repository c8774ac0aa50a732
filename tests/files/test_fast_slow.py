"""The kernels and plain Python read the same from any text."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamml_connectors.files import ArffSource, CsvSource, kernels, parsing
from streamml_connectors.files.columns import BadRow, number
from streamml_connectors.files.kernels import LABEL, NUMBER, OK, SIDE, TEXT, WORD, WORD_LABEL
from streamml_connectors.files.parsing import Words, byte_classes, parse_dense, parse_sparse
from streamml_connectors.files.rows import plain_rows

HEADER = """@relation r
@attribute a real
@attribute b {0,1}
@attribute l {0,1}
@attribute c {x,y,z}
@attribute s string
@attribute d {no,yes}
@attribute m {0,1}
@attribute o {1,0}
@attribute w {yes,no}
@attribute k {TRUE,FALSE}
@attribute z {grün,blau}
"""
LABELS = ["l", "m", "k", "z"]


class SlowArff(ArffSource):
    def _fast(self, data, n_lines):
        return plain_rows(data, b"%")


class SlowCsv(CsvSource):
    def _fast(self, block):
        return plain_rows(block.data, ends=block.ends)


def everything(source, size):
    """All that a source gives, as plain values."""
    rows, letters = [], []
    while (batch := source.next_batch(size)) is not None:
        letters += source.take_dead_letters()
        sizes = zip(batch.n_features.tolist(), batch.n_labels.tolist(), strict=True)
        rows += [(e.id, e.timestamp, list(e.x.items()), e.y, s)
                 for e, s in zip(batch.events(), sizes, strict=True)]  # fmt: skip
    source.close()
    return rows, letters, list(source.schema.features.names), list(source.schema.labels.names)


FIELD = st.sampled_from(
    ["TRUE", "true", "FALSE", "blau", "{5}", "NA", "0", "1", "0.5", "-2.25e3", "1e-5",
     "1.0", "?", "x", "y", "zz", "no", "yes", "'x'", '"y"', "'a,b'", "", " ", "nan",
     "inf", "1e99", "123456789012345678901", "0.1234567890123456789",
     "+.5", "5.", ".", "1 2", "%", "\\", "{", "}", "gr\u00fcn", "\t1", "-0", "0x1", "1_0"]
)  # fmt: skip
DENSE = st.lists(FIELD, min_size=10, max_size=12).map(",".join)
LIKELY = st.tuples(
    st.sampled_from(["0.5", "1.25", "123456789012345678901"]), st.sampled_from("01?"),
    st.sampled_from("01?"), st.sampled_from("xyzq"), st.sampled_from(["t", "'t t'"]),
    st.sampled_from(["no", "yes"]), st.sampled_from("01"), st.sampled_from("01"),
    st.sampled_from(["no", "yes", "No"]), st.sampled_from(["TRUE", "FALSE", "true", "?"]),
    st.sampled_from(["gr\u00fcn", "blau"]), st.sampled_from(["", "", ",{2}", ","]),
).map(",".join).map(lambda row: row.replace(",,{", ",{"))  # fmt: skip
PAIR = st.tuples(st.integers(0, 12), FIELD).map(lambda p: f"{p[0]} {p[1]}")
SPARSE = st.lists(PAIR, max_size=5).map(lambda pairs: "{" + ",".join(pairs) + "}")
LINE = st.one_of(DENSE, LIKELY, LIKELY, SPARSE, SPARSE, st.sampled_from(["", "% c", " {} ", "{"]))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(LINE, min_size=1, max_size=12), size=st.integers(1, 13))
def test_arff(lines, size):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.arff"
        path.write_text(
            HEADER + "@data\n0,0,0,x,t,no,0,0,no,TRUE,blau\n" + "\n".join(lines), "utf-8"
        )
        fast = everything(ArffSource(path, labels=LABELS), size)
        slow = everything(SlowArff(path, labels=LABELS), 5)
    assert fast == slow


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(LINE, min_size=1, max_size=12), size=st.integers(1, 13))
def test_arff_that_begins_sparse(lines, size):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.arff"
        path.write_text(HEADER + "@data\n{0 1}\n" + "\n".join(lines), "utf-8")
        fast = everything(ArffSource(path, labels=LABELS), size)
        slow = everything(SlowArff(path, labels=LABELS), 5)
    assert fast == slow


CSV_LINE = st.lists(FIELD, min_size=5, max_size=7).map(",".join)
CSV_LIKELY = st.tuples(
    FIELD, st.sampled_from(["u", "v", "0.5", ""]), st.sampled_from(["0", "1", "", "true"]),
    st.sampled_from(["a;b", "", "?", "c"]), st.sampled_from(["e1", "7", ""]),
    st.sampled_from(["5", "2020-01-01", ""]),
).map(",".join)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lines=st.lists(st.one_of(CSV_LINE, CSV_LIKELY, CSV_LIKELY), min_size=1, max_size=12),
    size=st.integers(1, 13),
    listed=st.booleans(),
)
def test_csv(lines, size, listed):
    options = {"label_list": "tags"} if listed else {"labels": ["l"]}
    options |= {"id": "id", "timestamp": "time", "max_features": 6}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.csv"
        path.write_text("f,g,l,tags,id,time\n" + "\n".join(lines) + "\n1,2,0,a,1,1\n", "utf-8")
        fast = everything(CsvSource(path, **options), size)
        slow = everything(SlowCsv(path, **options), 5)
    assert fast == slow


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
        st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda v: f"{v:.12f}"),
        st.decimals(-(10**6), 10**6, places=8).map(str),
        st.text("0123456789.+-", min_size=1, max_size=12),
    )
)
def test_numbers(text):
    table = byte_classes(",", "", True)
    parsed = parse_dense(
        text.encode() + b"\n", 1, table, np.zeros(1, np.uint8), np.zeros(1, np.int32)
    )
    assert parsed.status[0] == OK
    try:
        expected = np.float32(number(text, "it"))
    except BadRow:
        assert len(parsed.fixes) == 1
    else:
        assert len(parsed.fixes) == 1 or parsed.x_values[0] == expected


@pytest.mark.parametrize("text", ["23.722052590115300", "0.662302529581739", "-0.5", "7", "1.50"])
def test_plain_numbers_need_no_help(text):
    table = byte_classes(",", "", True)
    parsed = parse_dense(
        text.encode() + b"\n", 1, table, np.zeros(1, np.uint8), np.zeros(1, np.int32)
    )
    assert not len(parsed.fixes)
    assert parsed.x_values[0] == np.float32(float(text))


@pytest.mark.parametrize("role", [NUMBER, LABEL, SIDE])
def test_there_is_room_for_all_that_a_block_can_hold(role):
    table, n = byte_classes(",", "", True), 3
    roles, columns = np.full(n, role, np.uint8), np.arange(n, dtype=np.int32)
    parsed = parse_dense(b"1,1,1\n" * 5, 5, table, roles, columns)
    held = {NUMBER: parsed.x_values, LABEL: parsed.y_indices, SIDE: parsed.fixes}[role]
    assert parsed.status.tolist() == [OK] * 5
    assert len(held) == 5 * n


@contextmanager
def interpreted():
    """The kernels as plain Python, where numpy checks that each place lies inside its array."""
    with pytest.MonkeyPatch.context() as patch:
        for name, one in vars(kernels).copy().items():
            if hasattr(one, "py_func"):
                patch.setattr(kernels, name, one.py_func)
        patch.setattr(parsing, "dense_rows", kernels.dense_rows)
        patch.setattr(parsing, "sparse_rows", kernels.sparse_rows)
        yield


BLOCK = st.text("{}01 ,?x\n", max_size=16).map(lambda text: f"{text}\n".encode())


@settings(max_examples=200, deadline=None)
@given(data=BLOCK, roles=st.lists(st.sampled_from(range(8)), min_size=1, max_size=3))
@example(data=b"{0 1\n", roles=[NUMBER])
@example(data=b"{0 1\n", roles=[LABEL])
@example(data=b"{0 x\n", roles=[TEXT])
@example(data=b"0,1,x\n", roles=[NUMBER, LABEL, SIDE])
@example(data=b"0,x1,\n", roles=[WORD, WORD_LABEL])
@example(data=b"{}\n{0 0}\n", roles=[WORD, WORD_LABEL])
@example(data=b"{}\n{}\n", roles=[LABEL, TEXT])
def test_nothing_is_written_beyond_its_room(data, roles):
    n, lines = len(roles), data.count(b"\n")
    table = byte_classes(",", "", True)
    role, column = np.array(roles, np.uint8), np.arange(n, dtype=np.int32)
    default = np.flatnonzero(np.isin(role, (LABEL, TEXT, WORD, WORD_LABEL)))
    words = Words.of([("0", "x1")] * n)
    with interpreted():
        dense = parse_dense(data, lines, table, role, column, words=words, inner_spaces=False)
        sparse = parse_sparse(
            data, lines, table, role, column, np.full(n, -1), 0, default, words=words
        )
    for parsed in (dense, sparse):
        assert len(parsed.x_indices) == len(parsed.x_values) == parsed.x_indptr[-1]
        assert len(parsed.y_indices) == parsed.y_indptr[-1]
        assert len(parsed.lines) == len(parsed.status) <= lines
