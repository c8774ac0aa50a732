"""Where to read on in a log that no longer has what was to be read next."""

from __future__ import annotations

__all__ = ["found_again"]


def found_again(
    partition: str, due: int, begin: int, end: int, anew: bool
) -> tuple[int, str | None]:
    """The offset to read on from, and what is to be said; ``None`` where all is well.

    Of a topic that was made anew everything is new. Of a log that begins behind the offset
    due, what it still has is read. A log that ends before it has lost its end: what came
    since cannot be told from what was learned, and nothing may be learned twice.

    Parameters
    ----------
    partition
        Its name.
    due
        Offset of the record that was to be read next.
    begin, end
        Offsets of the log's first record, and behind its last.
    anew
        Whether the topic is another one of the same name.

    Examples
    --------
    >>> found_again("events/0", 5, 0, 9, False)
    (5, None)
    >>> found_again("events/0", 5, 7, 9, False)[0], found_again("events/0", 5, 0, 2, True)[0]
    (7, 0)
    """
    if anew:
        return begin, (
            f"The topic of {partition} was made anew since it was read: "
            f"going on at its beginning, offset {begin}."
        )
    if due < begin:
        return begin, (
            f"{begin - due:,} records of {partition} from offset {due} on were deleted before "
            f"they were read: going on at offset {begin}; let the topic keep its records longer."
        )
    if due > end:
        return end, (
            f"The log of {partition} ends at offset {end}, before {due} which was reached: "
            "its brokers have lost records; going on with what comes now."
        )
    return due, None
