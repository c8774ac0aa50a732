"""The dataset registry, and downloads that break off, go on, and are checked."""

from __future__ import annotations

import gzip
import http.server
import io
import json
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from experiments.datasets import command
from experiments.datasets.data import data_dir, read
from experiments.datasets.fetch import download, unpack
from experiments.datasets.registry import choose, datasets, find, sha256_of, streams
from streamml.errors import ConfigError, DataError
from tests.conftest import needs

CONTENT = np.random.default_rng(0).bytes(300_000)
ARFF = b"@relation 'tiny: -C 1'\n@attribute a {0,1}\n@attribute f numeric\n@data\n1,0.5\n0,2\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves ``CONTENT`` with ranges; breaks off where the server says so."""

    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("Range"))
        if self.path == "/gone":
            self.send_error(404)
            return
        content = server.content
        start = 0
        wanted = self.headers.get("Range")
        if wanted and self.headers.get("If-Range") == server.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = server.break_at.pop(0) if server.break_at else len(content)
        self.wfile.write(content[start:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    it = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it.content, it.etag, it.break_at, it.asked = CONTENT, '"one"', [], []
    thread = threading.Thread(target=it.serve_forever)
    thread.start()
    it.address = f"http://127.0.0.1:{it.server_address[1]}"
    yield it
    it.shutdown()
    thread.join()
    it.server_close()


def test_a_download_that_broke_off_goes_on_where_it_was(server, tmp_path):
    path = tmp_path / "file"
    server.break_at = [100_000]
    with pytest.raises(DataError, match="100000 bytes are kept: run the same command again"):
        download(f"{server.address}/file", path)
    assert not path.exists()
    download(f"{server.address}/file", path)
    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def test_a_file_that_changed_meanwhile_is_begun_anew(server, tmp_path):
    path = tmp_path / "file"
    server.break_at = [100_000]
    with pytest.raises(DataError):
        download(f"{server.address}/file", path)
    server.content, server.etag = CONTENT[::-1], '"two"'
    download(f"{server.address}/file", path)
    assert path.read_bytes() == CONTENT[::-1]


def test_without_a_network_it_says_what_to_do(server, tmp_path):
    with pytest.raises(DataError, match=r"answered 404.*put it at"):
        download(f"{server.address}/gone", tmp_path / "file")
    closed = "http://127.0.0.1:1/file"
    with pytest.raises(DataError, match=r"cannot be read \(.*refused.*0 bytes are kept"):
        download(closed, tmp_path / "file")


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return buffer.getvalue()


def test_get_downloads_unpacks_and_checks(server, tmp_path):
    server.content = zipped(Tiny_arff=ARFF, readme_txt=b"-")
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(ARFF, mtime=0))
    row = replace(find("yelp"), file="tiny.arff.gz", sha256=sha256_of(packed),
                  address=f"{server.address}/Tiny_Meka.zip")  # fmt: skip
    folder = tmp_path / "data"
    assert command.check_one(row, folder) == f"missing: {folder / 'tiny.arff.gz'}"
    assert "tiny.arff.gz" in command.get(row, folder)
    assert command.check_one(row, folder) == ""
    source = row.open(folder)
    batch = source.next_batch(10)
    source.close()
    assert [batch.label_set(i) for i in range(2)] == [{"a"}, set()]
    assert "is the pinned file" in command.get(row, folder)
    other = replace(row, file="other.arff.gz", sha256="0" * 64)
    with pytest.raises(DataError, match="is not the pinned file"):
        command.get(other, folder)


def test_a_zip_without_one_arff_file_is_refused(tmp_path):
    for content, said in ((zipped(a_arff=ARFF, b_arff=ARFF), "2 ARFF files"), (b"x", "no zip")):
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(DataError, match=said):
            unpack(tmp_path / "a.zip", tmp_path / "a.arff")


def test_every_row_is_complete_and_the_23_are_there():
    rows = datasets().values()
    assert sum(row.one_of_23 for row in rows) == 23
    assert all(row.repository and row.licence and row.order for row in rows)
    assert all(row.sha256 or row.address for row in rows)
    assert all(row.compared for row in rows if row.published)
    sizes = [row.size for row in rows]
    assert sizes == sorted(sizes)


@pytest.mark.data
def test_the_registry_agrees_with_the_manifest_of_the_data():
    manifest = data_dir() / "MANIFEST.json"
    needs(f"no {manifest}: set STREAMML_DATA", manifest.is_file())
    for entry in json.loads(manifest.read_text())["datasets"]:
        row = datasets()[entry["name"]]
        assert (row.file, row.sha256, row.bytes) == (entry["file"], entry["sha256"], entry["bytes"])
        assert row.cardinality == entry["label_cardinality"]
    assert command.check_one(datasets()["flags"], data_dir()) == ""


def test_names_and_groups(tmp_path):
    (tmp_path / "flags.arff.gz").touch()
    (tmp_path / "delicious.arff.gz").touch()
    assert choose("all", tmp_path) == ["flags", "delicious"]
    assert choose("small,demo@7, flags", tmp_path) == ["flags", "demo@7"]
    assert choose("streams", tmp_path) == [f"{name}@1" for name in streams()]
    assert find("demo@7").seed == 7
    for wrong in ("nothing", "demo@", "demo@x", "flags@1"):
        with pytest.raises(ConfigError, match="There is no dataset"):
            find(wrong)


def test_a_synthetic_stream_is_its_name_and_seed():
    one, same, other = read("demo@3"), read("demo@3"), read("demo@4")
    assert np.array_equal(one.x_values, same.x_values)
    assert not np.array_equal(one.x_values, other.x_values)
    mixed = read("demo@3", "shuffled", seed=2)
    assert mixed.ids == np.random.default_rng(2).permutation(len(one)).tolist()


def test_the_command_lists_and_checks(monkeypatch, tmp_path):
    monkeypatch.setenv("STREAMML_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    run = CliRunner().invoke
    listed = run(command.main, ["list"])
    assert listed.exit_code == 0
    assert "nuswide_cvladplus" in listed.output
    assert "synthetic: demo@SEED" in listed.output
    (tmp_path / "flags.arff.gz").write_bytes(b"other")
    checked = run(command.main, ["check", "flags", "yeast", "demo@1"])
    assert checked.exit_code == 1
    assert "flags: another file: sha256" in checked.output
    assert "yeast: missing" in checked.output
    assert "demo@1: synthetic" in checked.output
    assert Path(tmp_path, "flags.arff.gz").read_bytes() == b"other"


@pytest.fixture
def yours(tmp_path, monkeypatch):
    """A table of a user's own; what was read of other tables is forgotten, before and after."""
    table = tmp_path / "datasets.toml"
    monkeypatch.setenv("STREAMML_DATASETS", str(table))
    datasets.cache_clear()
    yield table
    datasets.cache_clear()


def test_a_dataset_of_yours_is_a_row_of_a_table(yours, tmp_path):
    yours.write_text(
        '[[dataset]]\nname = "shop"\nfile = "shop.csv"\noptions = { labels = ["toys"] }\n'
        '[[dataset]]\nname = "away"\nfile = "away.arff"\n'
    )
    (tmp_path / "shop.csv").write_text("price,toys\n1.5,1\n2.5,0\n")
    assert choose("yours", Path("/no/data")) == ["shop"]
    assert "shop" not in choose("small", Path("/no/data"))
    batch = read("shop")
    assert (len(batch), list(batch.schema.labels.names)) == (2, ["toys"])
    said = CliRunner().invoke(command.main, ["check", "shop"]).output
    assert said.startswith("shop: there, but no checksum is pinned")
    with pytest.raises(DataError, match=r"away\.arff is missing: check its table"):
        read("away")
    with pytest.raises(DataError, match="names no address"):
        command.get(find("away"), tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[dataset]]\nname = "a"\n', "Row 1 of .* has no 'file'"),
        ('[[dataset]]\nname = "a"\nfile = "b"\nfoo = 1\n', "has 'foo': it takes address"),
        ("[[dataset]\n", "is no TOML"),
        ("", r"begin each with \[\[dataset\]\]"),
        (None, "cannot be read"),
    ],
)
def test_a_table_with_a_mistake_is_told(yours, text, says):
    if text is not None:
        yours.write_text(text)
    with pytest.raises(ConfigError, match=says):
        datasets()
