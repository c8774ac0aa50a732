"""Small inputs that were read wrongly, or swallowed, from the command line."""

from __future__ import annotations

import json

import pytest

from tests.cli.calling import call

NO_CHANGE = ("--learner", "no-change", "--json")


def run(path, *args: object, capsys) -> dict:
    assert call("run", path, *args, *NO_CHANGE) == 0
    return json.loads(capsys.readouterr().out)


def test_times_in_milliseconds_delay_as_times_in_seconds_do(tmp_path, capsys):
    """30 s are no 30 ms: the same labels come before the same events."""
    path, scores = tmp_path / "log.jsonl", []
    for factor, note in ((1, ""), (1000, "milliseconds since 1970")):
        path.write_text("".join(
            json.dumps({"timestamp": (1_700_000_000 + i) * factor, "x": {"f": i % 2},
                        "y": ["a" if i // 60 % 2 else "b"]}) + "\n"
            for i in range(200)))  # fmt: skip
        assert call("run", path, "--delay", "30s", *NO_CHANGE) == 0
        said = capsys.readouterr()
        scores.append(json.loads(said.out)["metrics"]["no-change"]["cumulative"]["exact_match"])
        assert note in said.err
    assert scores[0] == scores[1] < 0.6


def test_the_repository_s_text_files_are_read_with_their_header(tmp_path, capsys):
    (tmp_path / "xc.txt").write_text("2 6 5\n0,3 1:0.5 4:1\n2 0:1\n")
    found = run(tmp_path / "xc.txt", capsys=capsys)
    assert (found["events"], found["features"], found["labels"]) == (2, 3, 3)
    assert found["dead_letters"] == {}


@pytest.mark.parametrize("text", ['[{"x": {"f": 1}}, {"x": {"f": 2}}]', '{\n  "x": {"f": 1}\n}\n'])
def test_json_that_is_no_object_a_line_is_one_sentence(tmp_path, capsys, text):
    (tmp_path / "a.jsonl").write_text(text)
    assert call("run", tmp_path / "a.jsonl", *NO_CHANGE) == 2
    said = capsys.readouterr()
    assert "write one object a line" in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_a_label_that_holds_an_escape_is_shown_and_steers_nothing(tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"x": {"f": i}, "y": ["\x1b[31mred", "a\nb"][: 1 + i % 2]}) + "\n"
                for i in range(50))
    )  # fmt: skip
    words = ("--set", "preset=fast", "--per-label", "--snapshot-dir", tmp_path / "s")
    assert call("run", tmp_path / "a.jsonl", *words) == 0
    assert call("explain", tmp_path / "s") == 0
    assert call("peek", tmp_path / "a.jsonl") == 0
    said = capsys.readouterr()
    assert said.out.count(r"\x1b[31mred") >= 3
    assert "\x1b" not in said.out + said.err


def test_a_file_without_any_known_label_says_that_nothing_was_learned(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("f,y\n1,?\n2,\n3,NA\n")
    assert call("run", tmp_path / "a.csv", "--labels", "y", *NO_CHANGE) == 0
    assert "no event came with labels that are known" in capsys.readouterr().err


def test_a_file_of_which_nothing_can_be_sent_ends_with_1(tmp_path, monkeypatch, capsys):
    class Producer:
        def __init__(self, *_):
            pass

        def flush(self):
            pass

        close = flush

    monkeypatch.setattr("streamml_connectors.kafka.Producer", Producer)
    (tmp_path / "a.csv").write_text("f,y\n1\n2\n")
    assert call("produce", tmp_path / "a.csv", "kafka://broker/t", "--labels", "y") == 1
    said = capsys.readouterr().err
    assert "0 events sent" in said
    assert "left out: 2 malformed; the first, line 2: It has 1 fields" in said


def test_blanks_between_names_are_explained(capsys):
    assert call("run", "a.csv", "--labels", "toys,", "books") == 2
    assert "Names with commas between them take no blanks" in capsys.readouterr().err


def test_shown_options_steer_no_terminal_and_can_be_read_again(tmp_path, capsys):
    odd = "a\x9b2J\u202e\x7f"
    assert call("config", "--labels", odd) == 0
    shown = capsys.readouterr().out
    assert not set(shown) & {"\x9b", "\u202e", "\x7f"}
    (tmp_path / "c.toml").write_text(shown, encoding="utf-8")
    assert call("config", "--config", tmp_path / "c.toml") == 0
    assert capsys.readouterr().out == shown
