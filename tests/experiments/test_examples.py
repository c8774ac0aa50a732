"""Every example of an extension point runs as its docstring says, and does what it is for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.examples.source import Collatz
from streamml.baselines import NoChange
from streamml.evaluate import prequential
from streamml.streams import DemoStream, TextStream

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(p.stem for p in (ROOT / "experiments" / "examples").glob("[a-z]*.py"))


def said(name):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"experiments.examples.{name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def baseline(stream):
    """Events of a stream, and the micro-F1 that takes no learning of features."""
    found = prequential(stream, NoChange())
    scores = (found.metrics[name].cumulative().micro_f1 for name in ("no-change", "majority"))
    return found.events, max(scores)


def scored(text):
    """Events and micro-F1 that an example tells."""
    (found,) = re.findall(r"^(\d+) \w+, micro-F1 (0\.\d{3})$", text, re.M)
    return int(found[0]), float(found[1])


def alarms_after_the_change(text):
    """The losses rise at 1,000."""
    alarms = [int(number) for number in re.search(r"\[(.*)\]", text)[1].split(", ")]
    assert len(alarms) == 3
    assert 1000 < min(alarms) < 1100


def rings_as_often_as_it_is_predicted(text):
    """No-change predicts what the event before had."""
    stream = DemoStream()
    alpha = stream.schema.labels.find("alpha")
    batch = stream.next_batch(1000)
    expected = [
        k + 1 for k in range(999) if alpha in batch.y_indices[slice(*batch.y_indptr[k:][:2])]
    ]
    assert [int(k) for k in re.findall(r"^alpha: event (\d+)$", text, re.M)] == expected[:3]
    assert f"rang {len(expected)} times in 1000 events" in text


def learns_more_than_nothing(stream):
    def check(text):
        events, micro_f1 = scored(text)
        n, least = baseline(stream())
        assert events == n
        assert micro_f1 > least

    return check


MEANS = {
    "detector": alarms_after_the_change,
    "embedder": learns_more_than_nothing(TextStream),
    "learner": learns_more_than_nothing(DemoStream),
    "node_classifier": learns_more_than_nothing(lambda: [DemoStream().next_batch(1000)]),
    "sink": rings_as_often_as_it_is_predicted,
    "source": learns_more_than_nothing(Collatz),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_does_what_it_is_for(name):
    MEANS[name](said(name))


def test_the_source_goes_on_behind_the_last_event_it_handed_out():
    whole, again = Collatz(50), Collatz(50)
    whole.next_batch(20)
    again.restore(whole.snapshot())
    rest = [list(source.next_batch(100).events()) for source in (whole, again)]
    assert rest[0] == rest[1]
    assert [event.id for event in rest[0]] == list(range(21, 51))
