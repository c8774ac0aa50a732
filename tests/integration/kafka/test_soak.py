"""The soak itself, on few events: it runs to its end, and finds what it is to find."""

from __future__ import annotations

import pytest

from experiments.kafka.soak import Sample, Soak, draw, soak

FLAT = [Sample(float(k), 100 * k, 300.0) for k in range(1, 21)]


def passed(**different) -> Soak:
    given = {"samples": FLAT, "report": {"events": 2000, "dead_letters": {}},
             "seen": bytearray(b"\1" * 2000), "learned": 2000}  # fmt: skip
    return Soak(**(given | different))


@pytest.mark.kafka
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_event_goes_through_once_and_memory_is_sampled(broker, tmp_path):
    found = soak(broker, tmp_path, 3_000, backlog=1_000, every=0.5)
    assert [line for line in found.judge() if not line.startswith("memory")] == []
    assert found.samples[-1].done == 3_000
    assert 50 < found.samples[-1].resident < 2_000
    draw(found.samples, tmp_path / "memory.svg")
    assert "million events" in (tmp_path / "memory.svg").read_text()


@pytest.mark.parametrize(
    ("different", "said"),
    [
        ({"seen": bytearray(b"\1" * 1999 + b"\0")}, "1 events were not predicted"),
        ({"seen": bytearray(b"\1" * 1999 + b"\2")}, "1 more than once"),
        ({"learned": 1999}, "1,999 events were learned"),
        ({"report": {"events": 2000, "dead_letters": {"malformed": 1}}}, "malformed"),
        ({"samples": [Sample(s.seconds, s.done, 300.0 + s.done / 50) for s in FLAT]}, "memory"),
        ({"problems": ["it ended"]}, "it ended"),
    ],
)
def test_what_goes_wrong_is_found(different, said):
    assert passed().judge() == []
    (problem,) = passed(**different).judge()
    assert said in problem
