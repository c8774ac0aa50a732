"""The optional stage before the learner: text or raw features to dense vectors, in batches.

:class:`EmbeddingSource` wraps any :class:`streamml.io.Source`; the learner behind it goes
on unchanged. Nothing here imports torch unless a text encoder is made.
"""

from streamml.embed.embedder import Embedder
from streamml.embed.inline import InlineEmbeddingSource
from streamml.embed.registry import make_embedder
from streamml.embed.stage import EmbeddingSource
from streamml.embed.status import EmbeddingStatus

__all__ = [
    "Embedder",
    "EmbeddingSource",
    "EmbeddingStatus",
    "InlineEmbeddingSource",
    "make_embedder",
]
