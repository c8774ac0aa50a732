"""Vowpal Wabbit's options open files: no text of anybody's reaches its command line."""

import contextlib

import pytest

from streamml import state
from streamml.baselines import VowpalWabbit
from streamml.errors import ConfigError, StateError, StreamMLError
from streamml.state.learners import restore_learner
from streamml.state.objects import capture_objects

pytest.importorskip("vowpalwabbit")


def attack(folder):
    return f"0.5 -p {folder / 'predictions'} -f {folder / 'model'}"


def teach(learner):
    learner.learn_one({"f": 1.0}, {"a"})
    learner.predict_one({"f": 1.0})


@pytest.mark.parametrize("place", ["rate", "bits", "room", "reduction"])
def test_no_file_appears_whoever_sets_a_parameter(tmp_path, place):
    with pytest.raises(ConfigError, match=f"{place} of VowpalWabbit must be"):
        VowpalWabbit(**{place: attack(tmp_path)})
    learner = VowpalWabbit()
    setattr(learner, place, attack(tmp_path))  # behind the constructor's back
    with pytest.raises(ConfigError, match=f"{place} of VowpalWabbit must be"):
        teach(learner)
    assert list(tmp_path.iterdir()) == []


def test_the_same_words_do_open_files_where_they_get_through(tmp_path):
    """Otherwise the tests here show less than they say."""
    from vowpalwabbit import Workspace

    Workspace(f"--multilabel_oaa 4 -l {attack(tmp_path)} --quiet").finish()
    assert {path.name for path in tmp_path.iterdir()} >= {"model"}


@pytest.mark.parametrize("parameters", [{}, {"rate": 0.5}, {"rate": None}])
def test_a_file_makes_none(tmp_path, parameters):
    (tmp_path / "out").mkdir()
    if "rate" in parameters:
        parameters = {"rate": parameters["rate"] or attack(tmp_path / "out")}
    empty = {"position": 0, "schema": None, "learned": {"known": 0, "graph": capture_objects({})}}
    crafted = {"class": "VowpalWabbit", "parameters": parameters, "state": empty}
    state.write(tmp_path / "s", crafted, kind="learner")
    with contextlib.suppress(StreamMLError):
        teach(state.load(tmp_path / "s"))
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(StateError, match="VowpalWabbit is never made out of a file"):
        state.load(tmp_path / "s")
    inner = {"class": "MajorityLabelSet", "parameters": {"max_sets": {"$object": crafted}}}
    with pytest.raises(StateError, match="VowpalWabbit is never made out of a file"):
        restore_learner({**inner, "state": empty})
