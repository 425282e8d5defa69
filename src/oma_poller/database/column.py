"""One column as the database declares it, and how a value is made to fit into it."""

import math
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from msgspec import Struct

LONGEST_TEXT = 4000
"""Characters of a text that are written at most, even where a column holds more."""
BIGINT_MAX = 2**63 - 1
_FINEST_SCALE = 6
_EVERY_CHARACTER = frozenset({"", "utf8mb4", "utf16", "utf16le", "utf32"})
_BASIC_PLANE = frozenset({"utf8", "utf8mb3", "ucs2"})
_UTF8 = frozenset({"utf8mb4", "utf8mb3", "utf8"})
_CODECS = {"latin1": "cp1252", "latin2": "iso8859_2", "cp1250": "cp1250", "cp1251": "cp1251"}


class Kind(StrEnum):
    """What a column holds, as far as it matters for writing."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DOUBLE = "double"
    MOMENT = "moment"
    OTHER = "other"


class Column(Struct, frozen=True):
    """A column's limits. Zero means that there is none."""

    name: str
    kind: Kind
    characters: int = 0
    octets: int = 0
    """Bytes of a text, in the character set it is stored in."""
    lowest: int = -BIGINT_MAX
    highest: Decimal = Decimal(BIGINT_MAX)
    scale: int = _FINEST_SCALE
    """Digits after the point of a number, or of a moment's seconds."""
    charset: str = ""
    collation: str = ""
    choices: tuple[str, ...] = ()
    """The words of an ENUM."""
    nullable: bool = True
    follows_updates: bool = False
    """Whether the server sets it by itself on every update of its row."""
    in_primary_key: bool = False


def fit_text(column: Column, text: str) -> str | None:
    """Return *text* as the column can hold it; None where it is an ENUM without that word."""
    clean = text.encode("utf-8", "replace").decode().replace("\0", "?")
    clean = _representable(clean[:LONGEST_TEXT], column.charset)
    if column.characters:
        clean = clean[: column.characters]
    if column.octets and column.charset in _UTF8 and len(clean.encode()) > column.octets:
        clean = clean.encode()[: column.octets].decode("utf-8", "ignore")
    if column.choices and clean.lower() not in column.choices:
        return None
    return clean


def _representable(text: str, charset: str) -> str:
    """Replace what *charset* lacks by a question mark, as the servers do where they do not refuse it."""
    if charset in _EVERY_CHARACTER or text.isascii():
        return text
    if charset in _BASIC_PLANE:
        return "".join(character if ord(character) <= 0xFFFF else "?" for character in text)  # noqa: PLR2004  # the plane's end
    codec = _CODECS.get(charset, "ascii")
    return text.encode(codec, "replace").decode(codec)


def fit_number(column: Column, number: Decimal | float) -> Decimal | int | None:
    """Return *number* within the column's range, rounded down to its digits; None for NaN and infinity."""
    if isinstance(number, float):
        if not math.isfinite(number):
            return None
        number = Decimal(repr(number))
    clamped = min(max(Decimal(number), Decimal(column.lowest)), column.highest, Decimal(BIGINT_MAX))
    if column.scale == 0:
        return int(clamped)
    return clamped.quantize(Decimal(1).scaleb(-min(column.scale, _FINEST_SCALE)), ROUND_DOWN)
