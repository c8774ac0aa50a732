"""The learner inside stored state: see :mod:`streamml.state.asking`."""

from streamml.state.asking import learner_in

__all__ = ["learner_in"]
