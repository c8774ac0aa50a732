"""Crafted states; and what reading one costs: ``python -m tests.recovery.costs PATH``.

That prints what came of it, the size of the file, and by how much memory and CPU time rose
meanwhile, in a process that has done nothing else.
"""

import gc
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np

from streamml import state
from streamml.baselines import MLHT
from streamml.errors import StateError
from streamml.state.objects import native
from streamml.state.objects import shape as s

ABOUT = {"format": "streamml-state", "kind": "state", "library": "0"}


def many(unit, size):
    """A list of one unit, over and over."""
    return b'{"a":[' + b",".join([unit] * (size // (len(unit) + 1))) + b"]}"


def counted(form, size, brackets=(b'{"a":[', b"]}")):
    """A list of units that all differ."""
    first = form % (10**7)
    units = [form % (10**7 + k) for k in range(size // (len(first) + 1))]
    return brackets[0] + b",".join(units) + brackets[1]


def residues(size):
    """Whole numbers with one hash, as Python takes them modulo a prime."""
    units = [b"[%d,0]" % (k * (2**61 - 1)) for k in range(1, size // 28)]
    return b'{"a":{"$pairs":[' + b",".join(units) + b"]}}"


def twins(size):
    """Pairs of numbers with one hash: what is added up is the same."""
    prime = 14029467366897019727  # of xxHash, by which Python hashes tuples
    back = pow(prime, -1, 2**64)
    first = 11400714785074694791

    def after(lane):
        total = (2870177450012600261 + lane * prime) % 2**64
        return ((total << 31 | total >> 33) * first) % 2**64

    found, k = [], 0
    while len(found) < size // 45:
        k += 1
        other = ((7 - after(k)) * back) % 2**64
        if other < 2**61 - 1:
            found.append(b'[{"$tuple":[%d,%d]},0]' % (k, other))
    return b'{"a":{"$pairs":[' + b",".join(found) + b"]}}"


DOCUMENTS = {
    "lists": lambda size: many(b"[]", size),
    "mappings": lambda size: many(b"{}", size),
    "full lists": lambda size: many(b"[0]", size),
    "full mappings": lambda size: many(b'{"a":0}', size),
    "nested": lambda size: many(b"[" * 90 + b"]" * 90, size),
    "tuples": lambda size: many(b'{"$tuple":[]}', size),
    "byte strings": lambda size: many(b'{"$bytes":"MQ=="}', size),
    "numbers": lambda size: many(b"-9", size),
    "reals": lambda size: many(b".5".rjust(3, b"1"), size),
    "texts": lambda size: many(b'"ab"', size),
    "empty texts": lambda size: many(b'""', size),
    "long numbers": lambda size: counted(b"99999999999%d", size),
    "keys": lambda size: counted(b'"%d":0', size, (b'{"a":{', b"}}")),
    "pairs": lambda size: counted(b"[%d,0]", size, (b'{"a":{"$pairs":[', b"]}}")),
    "wide": lambda size: b'{"a":"\\ud83d\\ude00' + b"a" * size + b'"}',
    "wide texts": lambda size: many(b'"\\ud83d\\ude00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"', size),
    "spaces": lambda size: b'{"a":' + b" " * size + b"1}",
    "residues": residues,
    "twins": twins,
}


def seal(path, document, arrays=(), body=b"", extra=b"", version="2"):
    """A file with a checksum that is right, whatever it says."""
    header = {"__metadata__": {**ABOUT, "version": version, "checksum": "0" * 64}}
    header["document"] = {"dtype": "U8", "shape": [len(document)],
                          "data_offsets": [0, len(document)]}  # fmt: skip
    start = len(document)
    for name, dtype, shape, size in arrays:
        place = [start, start + size]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": place}
        start += size
    text = json.dumps(header, separators=(",", ":")).encode()[:-1] + extra + b"}"
    raw = len(text).to_bytes(8, "little") + text
    digest = hashlib.blake2b(raw, digest_size=32)
    digest.update(document)
    digest.update(body)
    with path.open("wb") as file:
        file.write(raw.replace(b"0" * 64, digest.hexdigest().encode(), 1))
        file.write(document)
        file.write(body)


def craft(path, name, size):
    if name in DOCUMENTS:
        seal(path, DOCUMENTS[name](size))
    elif name == "header":
        seal(path, b"{}", extra=b',"a":[' + b",".join([b"[]"] * (size // 3)) + b"]")
    elif name == "arrays":
        names = [f"{k}" for k in range(size // 90)]
        document = b'{"a":[' + b",".join(b'{"$array":"%d"}' % k for k in range(len(names))) + b"]}"
        seal(path, document, [(name, "U8", [0], 0) for name in names])
    elif name in ("short texts", "far texts"):
        n = size // 12
        whole = ("ab" * n if name == "short texts" else "é" * n).encode()
        ends = np.arange(2, 2 * n + 1, 2, dtype=np.int64).tobytes()
        document = b'{"a":{"$texts":["u","e"]}}     '
        document += b" " * (-len(document) % 8)
        arrays = [("e", "I64", [n], 8 * n), ("u", "U8", [len(whole)], len(whole))]
        seal(path, document, arrays, ends + whole)
    else:
        raise KeyError(name)


NAMES = [*DOCUMENTS, "header", "arrays", "short texts", "far texts"]


def graph(kinds, sizes, tags, bits, **more):
    """Tables of a graph: a list, and in it what the arrays say."""
    n = len(kinds)
    order = np.flatnonzero(np.isin(kinds, s.IMMUTABLE))
    refs = np.arange(1, n + 1)
    found = {
        "version": s.VERSION,
        "river": native.river_version(),
        "kinds": np.array([s.LIST, s.LIST, *kinds], np.uint8),
        "what": np.zeros(n + 2, np.int64),
        "sizes": np.array([1, n, *sizes], np.int64),
        "tags": np.concatenate([np.full(n + 1, s.REF), tags]).astype(np.uint8),
        "bits": np.concatenate([[1], refs + 1, bits]).astype(np.int64),
        "order": order + 2,
        "shapes": [["river.stats.mean:Mean", ["n"]]],
        "texts": ["f" * 900],
        "constants": [],
        "blobs": np.frombuffer(windowing(), np.uint8),
        "lengths": np.array([len(windowing())], np.int64),
        "words": np.zeros((1, native.WORDS), np.uint32),
        "arrays": [],
        "pools": {},
    }
    return {**found, **more}


def windowing():
    """A detector that has seen much."""
    from river._river_rust.drift import AdaptiveWindowing

    found = AdaptiveWindowing()
    for k in range(3000):
        found.update(float(k % 7))
    return bytes(found.__getstate__())


def nodes(kind, cells, size, tag=s.INT):
    """Nodes of one kind with so many cells each, in about so many bytes."""
    n = size // (26 + 9 * cells)
    bits = np.arange(n * cells) + 1000 if tag == s.INT else np.zeros(n * cells)
    tags = np.full(n * cells, tag)
    return graph(np.full(n, kind), np.full(n, cells), tags, bits)


def doubled(size):
    """Tuples that hold the one before twice, and the last as a key: its hash takes for ever."""
    n = 45
    kinds, sizes = [*[s.TUPLE] * n, s.DICT], [0, *[2] * (n - 1), 2]
    bits = [*np.repeat(np.arange(2, n + 1), 2), n + 1, 0]
    tags = [*[s.REF] * (2 * n - 2), s.REF, s.INT]
    pad = np.zeros(size, np.uint8)
    return graph(kinds, sizes, tags, bits, blobs=pad, lengths=np.array([size]))


def alike(size):
    """One table whose keys all hash alike."""
    found = json.loads(twins(size))["a"]["$pairs"]
    pairs = [pair[0]["$tuple"] for pair in found]
    kinds = [*[s.TUPLE] * len(pairs), s.DICT]
    sizes = [*[2] * len(pairs), 2 * len(pairs)]
    bits = [*np.ravel(pairs), *range(2, len(pairs) + 2), *[0] * len(pairs)]
    tags = [*[s.INT] * 2 * len(pairs), *[s.REF] * len(pairs), *[s.INT] * len(pairs)]
    return graph(kinds, sizes, tags, bits)


GRAPHS = {
    "lists": lambda size: nodes(s.LIST, 0, size),
    "long lists": lambda size: nodes(s.LIST, 1000, size),
    "tuples": lambda size: nodes(s.TUPLE, 1, size),
    "sets": lambda size: nodes(s.SET, 6, size),
    "large sets": lambda size: nodes(s.SET, 90_000, size),
    "tables": lambda size: nodes(s.DICT, 2, size),
    "large tables": lambda size: nodes(s.DICT, 2000, size),
    "ordered": lambda size: nodes(s.ORDERED, 2, size),
    "counters": lambda size: nodes(s.COUNTER, 0, size),
    "queues": lambda size: nodes(s.DEQUE, 1, size, s.NONE),
    "objects": lambda size: nodes(s.OBJECT, 1, size, s.FLOAT),
    "random": lambda size: nodes(s.RANDOM, 1, size, s.NONE),
    "generators": lambda size: nodes(s.GENERATOR, 4, size, s.BOOL),
    "detectors": lambda size: nodes(s.WINDOWING, 1, size, s.BYTES),
    "vectors": lambda size: nodes(s.VECTOR, 3, size, s.NONE),
    "long numbers": lambda size: nodes(s.LIST, 1000, size, s.BIG),
    "doubled": doubled,
    "alike": alike,
}


def learner(path, name, size):
    """A learner's file with a graph that somebody crafted."""
    learned = {"known": 0, "graph": GRAPHS[name](size)}
    inner = {"position": 0, "schema": None, "learned": learned}
    described = {"class": "MLHT", "parameters": {}, "state": inner}
    state.write(path, described, kind="learner")


def memory(name):
    """A number of bytes out of the kernel's account of this process."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def main(path):
    reading = state.load if "learner" in path else state.read
    warm = Path(path).with_name("warm")
    state.save(MLHT(), warm)
    reading(warm)  # whatever is done once
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", "utf-8")  # the peak begins anew
    before, started = memory("VmRSS"), time.process_time()
    said, kept = "read", None
    try:
        kept = reading(path)
    except StateError as error:
        said = f"refused: {error}"
    seconds, rise = time.process_time() - started, memory("VmHWM") - before
    del kept
    size = Path(path).stat().st_size
    print(json.dumps({"said": said, "file": size, "rise": rise, "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
