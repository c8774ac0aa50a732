"""How kernels are compiled, and the arithmetic they share: what ``kernels.compile`` offers."""

from streamml.kernels.compile import *  # noqa: F403
from streamml.kernels.compile import __all__ as __all__
