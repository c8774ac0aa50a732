"""A label tree as a person reads it: text, and SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from streamml.types.printable import printable

__all__ = ["TreeView"]

_ROW, _INDENT, _CHARACTER = 22, 26, 7.2  # pixels
_SHOWN = 12  # labels named in a line


@dataclass(frozen=True, slots=True)
class TreeView:
    """A node of a label tree: the labels in it, and its children (none for a cluster).

    Parameters
    ----------
    labels
        Names of all labels below.
    children
        Its parts; empty for a cluster.

    Examples
    --------
    >>> tree = TreeView(
    ...     ("sun", "warm", "rain"), (TreeView(("sun", "warm")), TreeView(("rain",)))
    ... )
    >>> print(tree)
    3 labels
    ├── sun, warm
    └── rain
    >>> tree.svg()[:4], [len(cluster.labels) for cluster in tree.clusters()]
    ('<svg', [2, 1])
    """

    labels: tuple[str, ...]
    children: tuple[TreeView, ...] = ()

    def clusters(self) -> Iterator[TreeView]:
        """The leaves, from top to bottom."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.clusters()

    def __str__(self) -> str:
        return "\n".join("".join(line) for line in self._lines())

    def svg(self) -> str:
        """A picture that scales; colours follow the page's (``currentColor``)."""
        rows = list(self._rows(0))
        width = max(_INDENT * depth + 12 + _CHARACTER * len(text) for depth, text, _ in rows)
        parts = []
        for k, (depth, text, parent) in enumerate(rows):
            x, y = _INDENT * depth + 6, _ROW * k + 15
            if parent >= 0:
                up = _ROW * parent + 20
                parts.append(f'<path d="M{x - _INDENT + 6} {up}V{y - 4}H{x - 4}" fill="none"/>')
            parts.append(f'<text x="{x}" y="{y}">{escape(text)}</text>')
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} '
            f'{_ROW * len(rows) + 4}" font-family="monospace" font-size="12" stroke-width="1" '
            'role="img" aria-label="label tree"><g fill="currentColor" stroke="none">'
            + "".join(p for p in parts if p.startswith("<text"))
            + '</g><g stroke="currentColor" opacity="0.5">'
            + "".join(p for p in parts if p.startswith("<path"))
            + "</g></svg>"
        )

    def _repr_svg_(self) -> str:
        return self.svg()

    def _title(self) -> str:
        if self.children:
            return f"{len(self.labels)} labels"
        more = len(self.labels) - _SHOWN
        named = ", ".join(map(printable, self.labels[:_SHOWN]))
        return named + (f" and {more} more" if more > 0 else "")

    def _lines(self) -> Iterator[tuple[str, str]]:
        yield "", self._title()
        for k, child in enumerate(self.children):
            last = k == len(self.children) - 1
            first, then = ("└── ", "    ") if last else ("├── ", "│   ")
            for n, (before, text) in enumerate(child._lines()):
                yield (then if n else first) + before, text

    def _rows(self, depth: int, above: int = -1, at: int = 0) -> Iterator[tuple[int, str, int]]:
        """Depth, text and row of the parent, from top to bottom; this node stands at row ``at``."""
        yield depth, self._title(), above
        row = at + 1
        for child in self.children:
            rows = list(child._rows(depth + 1, at, row))
            yield from rows
            row += len(rows)
