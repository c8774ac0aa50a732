"""What is fuzzed: readers of state files, learners out of them, events and files of events.

A target is given a random generator and a folder. It makes one input, hands it to the reader and
uses what comes out; errors of streamml's own are answers, everything else is a crash.
"""

from __future__ import annotations

import hashlib
import json
import random
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from experiments.checks.fuzz_mutate import spoil_bytes, spoil_value
from streamml import IHOMER, state
from streamml.base import Learner
from streamml.baselines import MLHAT, MLHTPS, MajorityLabelSet, NoChange
from streamml.errors import StreamMLError
from streamml.state.learners import describe, restore_learner
from streamml.types import Event, EventBatch, Schema
from streamml_connectors.files import ArffSource, CsvSource, JsonlSource, SvmlightSource
from streamml_connectors.files.columns import BadRow, Row
from streamml_connectors.files.json_event import decode_object, identify, read_event
from streamml_connectors.kafka.decode import Decoder

__all__ = ["TARGETS", "Make", "Target", "Use"]

Input = Any
Make = Callable[[random.Random], Input]
Use = Callable[[Input, Path], None]


class Target:
    """How an input is made, how it is used, and how it is kept where it crashed."""

    def __init__(self, make: Make, use: Use) -> None:
        self.make = make
        self.use = use


# -- state files --------------------------------------------------------------------------------

_DOCUMENTS = (
    b'{"a":1,"b":[1,2.5,null,true,"x"],"c":{"$array":"a"},"d":{"$tuple":[1,{"$bytes":"MQ=="}]}}',
    b'{"$pairs":[["a",1],[7,{"$array":"a"}],[{"$tuple":[1,2]},null],[1.5,[]]]}',
    b'{"names":{"$texts":["u","e"]},"a":{"$array":"a"},"deep":[[[[[[{"x":{"y":{}}}]]]]]]}',
)
_ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "e": np.array([1, 2, 3], np.int64),
    "a": np.arange(4, dtype=np.float32),
    "u": np.frombuffer(b"abc", np.uint8),
}
_NAMES = {"int64": "I64", "float32": "F32", "uint8": "U8"}


def _sealed(header: bytes, body: bytes) -> bytes:
    """A state file whose checksum is right, whatever the header says."""
    raw = len(header).to_bytes(8, "little") + header
    digest = hashlib.blake2b(raw + body, digest_size=32).hexdigest().encode()
    return raw.replace(b"0" * 64, digest, 1) + body


def _header(arrays: dict[str, np.ndarray[Any, Any]]) -> bytes:
    about = {"format": "streamml-state", "version": "2", "kind": "state", "library": "0"}
    found: dict[str, Any] = {"__metadata__": {**about, "checksum": "0" * 64}}
    start = 0
    for name, array in arrays.items():
        place = [start, start := start + array.nbytes]
        dtype = _NAMES[str(array.dtype)]
        found[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": place}
    return json.dumps(found, separators=(",", ":")).encode()


def _documents(rng: random.Random) -> bytes:
    document = spoil_bytes(rng, _DOCUMENTS)
    names = [name for name in _ARRAYS if f'"{name}"'.encode() in document]
    arrays = {name: _ARRAYS[name] for name in names}
    arrays["document"] = np.frombuffer(document, np.uint8)
    return _sealed(_header(arrays), b"".join(array.tobytes() for array in arrays.values()))


def _headers(rng: random.Random) -> bytes:
    arrays = {**_ARRAYS, "document": np.frombuffer(_DOCUMENTS[2], np.uint8)}
    body = b"".join(array.tobytes() for array in arrays.values())
    return _sealed(spoil_bytes(rng, [_header(arrays)]), body)


def _read_state(data: bytes, folder: Path) -> None:
    path = folder / "input.state"
    path.write_bytes(data)
    again = state.read(path)
    state.write(path, again)  # what was read can be written
    state.read(path)


# -- learners --------------------------------------------------------------------------------------


def _events(n: int, seed: int = 1) -> list[Event]:
    rng = np.random.default_rng(seed)
    return [
        Event(k, float(k), {"f": float(rng.normal()), f"g{k % 3}": 1.0}, frozenset({f"l{k % 4}"}))
        for k in range(n)
    ]


@cache
def _described() -> list[dict[str, Any]]:
    """Learners that have learned a little, cheap ones more often than others."""
    batch = EventBatch.from_events(_events(60), Schema())
    made: list[Learner] = [
        NoChange(),
        MajorityLabelSet(max_sets=8),
        MLHTPS(grace_period=20, tau=2.0),
        MLHAT(grace_period=20, tau=2.0, window=8),
        IHOMER("fast", n_min=20),
    ]
    for learner in made:
        learner.learn(batch)
    found = [describe(learner) for learner in made]
    return [*found[:3] * 4, *found[3:]]


def _learners(rng: random.Random) -> tuple[dict[str, Any], bool]:
    described: Any = rng.choice(_described())
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        described = spoil_value(rng, described)
        if not isinstance(described, dict):
            described = {"class": described}
    return described, rng.random() < 0.3


def _restore(given: tuple[dict[str, Any], bool], folder: Path) -> None:
    described, by_file = given
    if by_file:
        state.write(folder / "input.state", described, kind="learner")
        learner = state.load(folder / "input.state")
    else:
        learner = restore_learner(described)
    batch = EventBatch.from_events(_events(8, 2), learner.schema)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            learner.test_then_train(batch)
        except Exception:
            if not isinstance(learner, MLHTPS):  # a model of objects may be odd, and raise
                raise


# -- events -------------------------------------------------------------------------------------

_EVENTS = (
    b'{"id":"a1","timestamp":1.5,"x":{"f":1,"g":-2.5e3},"y":["l","m"]}',
    b'{"id":7,"timestamp":"2024-01-02T03:04:05Z","x":{"f":null,"h":0},"y":{"positive":["l"],'
    b'"negative":["m"]},"sparse":true}',
    b'{"x":{"f":1.0},"y":null}',
    b'{"id":"a1","y":[]}',
    b'{"id":"t","x":"some text","text":"more","y":["l"]}',
)
_OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "arff": ({"labels": ["l"]}, {"labels": ["l"], "text": "s"}, {"labels": ["l", "b"]}, {}),
    "csv": (
        {"labels": ["l"]},
        {"label_list": "tags"},
        {"labels": ["l"], "id": "i", "timestamp": "t", "ignore": ["s"]},
        {"label_list": "tags", "text": "s", "max_features": 3},
        {"labels": ["l"], "delimiter": ";"},
    ),
    "jsonl": ({}, {"text": "text"}, {"labels": ["l"]}, {"label_list": "tags"}),
    "svmlight": ({}, {"max_features": 2, "max_labels": 2}),
}


def _lines(rng: random.Random) -> bytes:
    return b"\n".join(spoil_bytes(rng, _EVENTS) for _ in range(rng.randint(1, 4)))


def _decode(data: bytes, folder: Path) -> None:
    del folder
    lines = data.split(b"\n")
    for line in lines:
        row = Row()
        try:
            found = decode_object(line)
            identify(found, row, "id", "timestamp")
            read_event(found, row)
        except BadRow:
            pass
    records = [
        SimpleNamespace(value=line, topic=topic, partition=0, offset=k, timestamp=k, key=line[:k])
        for k, line in enumerate(lines)
        for topic in ("t", "labels")
    ]
    for text in (None, "text"):
        decoder = Decoder(Schema(max_features=4), labels_topic="labels", text=text)
        decoder.decode(records * 2, [0.0] * (2 * len(records)))


# -- files --------------------------------------------------------------------------------------

_ARFF = (
    b"@relation 'r: -C 1'\n@attribute l {0,1}\n@attribute a real\n@attribute b {0,1}\n"
    b"@attribute s string\n@attribute c {x,y,z}\n@attribute d date\n@data\n"
    b"1,0.5,0,'a b',x,'2024-01-02'\n0,?,1,\"q\",y,?\n",
    b"@relation r\n@attribute a numeric\n@attribute l {0,1}\n@attribute b {0,1}\n@data\n"
    b"{0 1.5,1 1}\n{}\n{2 1, 1 0}\n% comment\n{0 -2e3}\n",
    b"@relation 'r-weka.filters.F-C 3: -C 2'\n@attribute l {yes,no} % {a}\n@attribute m {?,-1,1}\n"
    b"@attribute a real[0,1]\n@attribute 'b c' {NO,YES}\n@data no,1,0.5,NO,{2}\n"
    b"yes,?,NA,YES,\n{0 no,1 1}, {0.5}\n{}\n",
)
_CSV = (
    b'i,t,a,b,s,l,tags\n1,2024-01-02,0.5,x,text,1,u;v\n2,3.5,,y,"a,b""c",0,\n',
    b"a;l\n1;0\n2;1\n",
    b"\xef\xbb\xbfa,l,tags,s\r\n1e3,1,u,z\r\n-0,0,u;u,\r\n",
    b',s,l,tags\n0,"two\nlines, ""x""",yes,"[\'u\', \'v\']"\n1,NA,no,u|v\n2,"",N/A,[]\n',
    b'i;t;a;l;s\r04107;2024-01-02;0.5;-1;"x\ry"\r10115;1.7e12;inf;1;z\r',
)
_JSONL = (
    b"\n".join(_EVENTS),
    b'{"f":1,"g":{"h":[1,2]},"l":1,"tags":"u;v"}\n{"f":"x","l":0}\n',
    b'{"_id":{"$oid":"5f"},"f":{"$numberDouble":"1.5"},"tags":{"a":1,"b":null},"l":"no"}\n'
    b'{"f":NaN,"tags":[1,0,1],"timestamp":1.7e12,"l":-1}\n',
)
_SVM = (
    b"1,2 1:0.5 3:1e3 # c\n 2:1\n3 qid:1 5:-0.25\n",
    b"0 1:1\n1 1:nan\n2,2 4294967296:1\n",
    b"3 6 5\n0,3 0:0.5 2:1\n 1:1\n4 \n",
)


def _file(suffix: str, seeds: Sequence[bytes]) -> Make:
    def make(rng: random.Random) -> tuple[bytes, int, int]:
        option = rng.randrange(len(_OPTIONS[suffix]))
        return spoil_bytes(rng, seeds), option, rng.choice((1, 64, 64, 64))

    return make


def _reader(suffix: str, kind: Callable[..., Any]) -> Use:
    def use(given: tuple[bytes, int, int], folder: Path) -> None:
        data, option, size = given
        path = folder / f"input.{suffix}"
        path.write_bytes(data)
        source = kind(path, **_OPTIONS[suffix][option])
        try:
            while (batch := source.next_batch(size)) is not None:
                if not np.isfinite(batch.x_values).all():
                    raise AssertionError("a value that is not finite came through")
            source.take_dead_letters()
        finally:
            source.close()

    return use


TARGETS: dict[str, Target] = {
    "state documents": Target(_documents, _read_state),
    "state headers": Target(_headers, _read_state),
    "learners": Target(_learners, _restore),
    "JSON events": Target(_lines, _decode),
    "ARFF": Target(_file("arff", _ARFF), _reader("arff", ArffSource)),
    "CSV": Target(_file("csv", _CSV), _reader("csv", CsvSource)),
    "JSON lines": Target(_file("jsonl", _JSONL), _reader("jsonl", JsonlSource)),
    "svmlight": Target(_file("svmlight", _SVM), _reader("svmlight", SvmlightSource)),
}
"""Name -> target."""

ANSWERS: tuple[type[BaseException], ...] = (StreamMLError,)
"""What a reader may raise."""
