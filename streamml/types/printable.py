"""Names and texts of others on a screen: they may say anything, and must not steer it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CONTROLS", "printable"]

CONTROLS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Controls (ESC, BEL, CR, the C1 set), line ends, what turns the direction of writing round, and
halves of characters, which no terminal can be sent."""


def printable(text: str) -> str:
    r"""A text in one line that only shows: control characters as Python writes them.

    Label and feature names come from files and topics. Sent to a terminal as they are, an
    escape sequence in one would colour or clear the screen, a line break tear a table apart.

    Parameters
    ----------
    text
        Of whatever origin.

    Returns
    -------
    str
        The same without C0 and C1 controls, line separators, marks of writing direction and
        lone surrogates: ``\x1b``, ``\n``, ``\u202e`` stand there in their place.

    Examples
    --------
    >>> print(printable("\x1b[31mred\nalert"), printable("Grüße 👋🏽"))
    \x1b[31mred\nalert Grüße 👋🏽
    """
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
