"""The session that an operator would type: from a file to a killed consumer and back."""

from experiments.kafka.session import session


def test_a_killed_consumer_ends_with_the_figures_of_the_file(broker, tmp_path, capsys):
    cells = [(k % 2, int(k % 3 == 0), k % 2 + k % 5 / 10, k % 3) for k in range(600)]
    rows = ["{" + ", ".join(f"{j} {v}" for j, v in enumerate(row) if v) + "}" for row in cells]
    assert "{1 1}" in rows  # an event without a feature that is not zero
    heads = ["@relation 'rain: -C 2'", "@attribute sun {0,1}", "@attribute rain {0,1}",
             "@attribute light numeric", "@attribute wind numeric", "@data"]  # fmt: skip
    file = tmp_path / "weather.arff"
    file.write_text("\n".join(heads + rows) + "\n")
    assert session(file, tmp_path, tmp_path / "page.png", "150", broker)
    said = capsys.readouterr().out
    assert "600 events have a prediction" in said
    assert "kill -9" in said
    assert 'streamml_event_outcomes_total{outcome="learned"}' in said
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
