"""What a member is given of an event: its row and inputs to score, what is true of it to learn."""

from __future__ import annotations

from typing import NamedTuple

from streamml.kernels.compile import Whole
from streamml.types import Float32Array, Int32Array

__all__ = ["Event", "Row", "Truth"]


class Row(NamedTuple):
    """An event as it came: the values of some features."""

    idx: Int32Array  # columns, each at most once
    x: Float32Array  # their values
    d: Whole  # features known
    absent_is_zero: bool  # whether a feature that is not named is 0; else nobody knows


class Event(NamedTuple):
    """An event as members score it; its arrays are views, nothing is copied."""

    row: Row
    idx: Int32Array  # [place] columns of the inputs ...
    x1: Float32Array  # [place] ... scaled
    x0: Float32Array  # [place] ... of unit length only
    n: Whole  # places in use
    dense: bool  # whether the inputs are all features, in order
    n_labels: Whole  # labels known
    padded: Whole  # where loops over labels end: a multiple of 8


class Truth(NamedTuple):
    """What is known of an event's labels."""

    y: Float32Array  # [label] 1 where it is true
    known: Float32Array  # [label] 1 where the event says whether it is
    soft: Float32Array  # [label] y, with the label's frequency where nothing is known
    true: Int32Array  # the labels that are true
    full: bool  # whether everything is known, or what is not named counts as not true
    whole: bool  # whether everything is known
