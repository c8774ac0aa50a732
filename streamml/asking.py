"""The learner inside stored state: see :mod:`streamml.state.stored_learner`."""

from streamml.state.stored_learner import learner_in

__all__ = ["learner_in"]
