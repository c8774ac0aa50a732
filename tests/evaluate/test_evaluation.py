"""What an evaluation says: scores by name of label, a bounded curve, a picture, a page."""

import math
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamml.baselines import MLHAT, MajorityLabelSet, NoChange
from streamml.errors import ConfigError
from streamml.evaluate import CurvePlot, Delay, Evaluation, prequential
from streamml.evaluate.curve import CurveRecorder
from streamml.metrics import Prequential
from streamml.streams import DemoStream
from streamml.testing import EventSource
from streamml.types import Event, Schema


def sets(n):
    return [Event(t, float(t), {"f": 1.0}, frozenset({"ab"[t // 5 % 2], 7})) for t in range(n)]


@pytest.mark.parametrize("delay", [None, Delay(events=10)], ids=str)
@pytest.mark.parametrize("size", [1, 33, 5000])
def test_the_curve_is_the_same_however_the_stream_is_cut(delay, size):
    whole = prequential(sets(1234), NoChange(), delay=delay)
    parts = prequential(sets(1234), NoChange(), delay=delay, batch_size=size)
    assert repr(parts.curve) == repr(whole.curve)
    assert [point.events for point in whole.curve] == [*range(50, 1234, 50), 1234]
    last = whole.curve[-1]
    assert last.scores == {name: one.windowed() for name, one in whole.metrics.items()}
    assert list(last.scores) == ["learner", "no-change", "majority"]


def test_a_point_has_the_scores_of_the_events_before_it():
    result = prequential(sets(400), NoChange(), beside={}, metrics=lambda: Prequential(window=100))
    again = prequential(sets(250), NoChange(), beside={}, metrics=lambda: Prequential(window=100))
    point = next(p for p in result.curve if p.events == 250)
    assert point.scores["learner"] == again.metrics["learner"].windowed()


@given(st.lists(st.integers(0, 5000), max_size=30))
def test_points_are_bounded_and_at_equal_distances_however_long_the_stream_is(sizes):
    recorder, at = CurveRecorder({"learner": Prequential()}), 0
    for size in sizes:
        stops = []
        for first, stop in recorder.cuts(at, size):
            assert first == (stops[-1] if stops else 0)
            stops.append(stop)
            recorder.note(at + stop)
        assert (stops[-1] if stops else 0) == size
        at += size
    found = [point.events for point in recorder.end(at)]
    assert len(found) <= 201
    step = 50
    while at // step > 200:
        step *= 2
    assert found == [*range(step, at, step), *([at] if at else [])]


def test_scores_per_label_have_the_names_of_the_schema():
    result = prequential(sets(200), NoChange())
    assert result.label_names == (7, "a", "b")
    arrays = result.metrics["learner"].per_label()
    named = result.per_label()
    assert list(named) == [7, "a", "b"]
    assert [one.f1 for one in named.values()] == arrays.f1.tolist()
    assert [one.support for one in named.values()] == [200, 100, 100]
    assert named[7].recall == 199 / 200
    majority = result.per_label("majority", "windowed")
    assert majority["b"] == (100, *[column.tolist()[2] for column in
                             (result.metrics["majority"].per_label("windowed").precision,
                              result.metrics["majority"].per_label("windowed").recall,
                              result.metrics["majority"].per_label("windowed").f1)])  # fmt: skip
    with pytest.raises(ConfigError, match="no learner 'nobody': take one of learner, no-change"):
        result.per_label("nobody")
    with pytest.raises(ConfigError, match="There is no view"):
        result.per_label(which="all")


def test_labels_that_were_never_scored_have_no_scores():
    source_schema = Schema(labels=["a", "b"])
    assert prequential([], NoChange()).per_label() == {}
    never = Event(0, 0.0, {"f": 1.0}, None)
    result = prequential(EventSource([never], source_schema), NoChange())
    assert (result.label_names, result.per_label()) == (("a", "b"), {})


def test_the_picture_is_svg_with_a_line_and_a_name_for_each_learner():
    result = prequential(DemoStream(n_events=600), MajorityLabelSet(), beside={"<&>": NoChange()})
    plot = result.plot("micro_f1")
    assert isinstance(plot, CurvePlot)
    root = ET.fromstring(plot.svg())
    assert plot._repr_svg_() == plot.svg()
    texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "micro f1, sliding window"
    assert [text.split("  ")[0] for text in texts[-2:]] == ["learner", "<&>"]
    assert "600" in "".join(texts)
    lines = [path for path in root.iter("{http://www.w3.org/2000/svg}path") if len(path)]
    assert [len(line.attrib["d"].split("L")) for line in lines] == [12, 12]
    with pytest.raises(ConfigError, match="no score 'f1': take one of exact_match"):
        result.plot("f1")


@pytest.mark.parametrize("n", [0, 1, 49, 51, 3333])
def test_short_streams_have_a_picture_too(n):
    svg = prequential(sets(n), NoChange()).plot("hamming_loss").svg()
    root = ET.fromstring(svg)
    assert "nan" not in svg
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        assert left <= float(text.attrib["x"]) <= width
        assert top <= float(text.attrib["y"]) <= height


def test_what_was_not_scored_is_drawn_as_nothing():
    result = prequential([Event(t, 0.0, {"f": 1.0}, None) for t in range(120)], NoChange())
    assert all(math.isnan(p.scores["learner"].exact_match) for p in result.curve)
    assert "not scored" in result.plot().svg()


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th", "p"):
            self.text.append(data)


def test_a_notebook_shows_the_table_and_the_curve():
    result = prequential(DemoStream(n_events=500), MLHAT(), beside={"<b>": NoChange()})
    page = Cells()
    page.feed(result._repr_html_())
    assert page.open == []
    assert page.text[0] == str(result).splitlines()[0]
    for line in str(result).splitlines()[2:]:
        assert set(line.split()) <= set(page.text)
    assert "<b>" in page.text
    assert result.plot().svg() in result._repr_html_()


def test_an_evaluation_made_by_hand_needs_no_names_and_no_curve():
    made = Evaluation(0, 0, 0, {}, {}, {})
    assert (made.label_names, made.curve) == ((), ())
    assert "no events" in made.plot().svg()
