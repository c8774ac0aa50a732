"""The table of save and load times: every learner predicts the same after loading."""

from experiments.bench.learners import learners
from experiments.costs import snapshots


def test_it_prints_sizes_and_times_and_says_what_cannot_be_saved(capsys, tmp_path):
    chosen = ["majority", "MLHT", "BR+NB"]
    chosen += [] if learners()["VW plt"].missing else ["VW plt"]
    command = ["--learners", ",".join(chosen), "--events", "60", "--large", "0",
               "--folder", str(tmp_path)]  # fmt: skip
    assert snapshots.main(command) == 0
    header, *rows, verdict = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["learner", "stream", "events", "MB"]
    assert [row[:26].strip() for row in rows] == chosen
    assert all(row.endswith("same") for row in rows[:3])
    assert all("cannot be saved" in row for row in rows[3:])
    assert verdict == "all predict the same after loading"
    assert list(tmp_path.iterdir()) == []
