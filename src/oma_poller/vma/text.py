"""Text from the wire, made fit for one line of a log, a table or a column."""

from functools import lru_cache


def one_line(text: str, limit: int) -> str:
    """Return `text` as at most `limit` printable characters.

    Line breaks, control characters and lone surrogates become blanks: they could move a terminal's
    cursor or break the encoding on the way to the database.
    """
    if len(text) <= limit and text.isprintable():
        return text
    # A long text is cut before it is cleaned; four times the limit leaves room for runs of blanks.
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * limit])
    return " ".join(printable.split())[:limit].rstrip()


def shared_line(text: str, limit: int) -> str:
    """As `one_line`, for texts that many entries have in common: those are one object."""
    return _cached_line(text, limit) if len(text) <= limit else one_line(text, limit)


_cached_line = lru_cache(maxsize=4096)(one_line)


def first_line(body: bytes, limit: int) -> str:
    """Return the first line of a body that holds text, at most `limit` printable characters."""
    head = body[: 8 * limit].decode("utf-8", "replace").lstrip()
    line, _, _ = head.partition("\n")
    return one_line(line.strip(), limit)
