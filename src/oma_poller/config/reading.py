"""How the text of one variable becomes a value.

Each function here gives a validator. One that refuses raises ValueError with what is allowed.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BeforeValidator

from oma_poller.config.durations import parse_duration
from oma_poller.model.policy import TERMINAL_STATUSES

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_STATUS = re.compile(r"[a-z0-9_-]{1,50}")
_PORTS = range(65536)
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")
_DIGITS_LIMIT = 18


def _as_text(value: object) -> str:
    """Return what stands in the environment or as a plain value in TOML as trimmed text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int | float) else ""


def duration(at_least: str, at_most: str, words: Mapping[str, float | None] | None = None) -> BeforeValidator:
    """Give a validator of durations within bounds, in seconds; *words* stand for values of their own."""
    low_s, high_s = parse_duration(at_least), parse_duration(at_most)
    named = f"{next(iter(words))} or " if words else ""
    allowed = f"allowed is {named}a duration from {at_least} to {at_most}, like 500ms, 5s, 2m or 1h30m"

    def read(value: object) -> float | None:
        text = _as_text(value)
        if words and text.lower() in words:
            return words[text.lower()]
        try:
            seconds = parse_duration(text)
        except ValueError:
            raise ValueError(allowed) from None
        if not low_s <= seconds <= high_s:
            raise ValueError(allowed)
        return seconds

    return BeforeValidator(read)


def whole_number(at_least: int, at_most: int) -> BeforeValidator:
    """Give a validator of whole numbers within bounds."""
    allowed = f"allowed is a whole number from {at_least} to {at_most}"

    def read(value: object) -> int:
        text = _as_text(value)
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_LIMIT):
            raise ValueError(allowed)
        if not at_least <= int(text) <= at_most:
            raise ValueError(allowed)
        return int(text)

    return BeforeValidator(read)


def choice(*words: str) -> BeforeValidator:
    """Give a validator of one word of several, in any letter case."""

    def read(value: object) -> str:
        text = _as_text(value).lower()
        if text not in words:
            raise ValueError(f"allowed are {', '.join(words)}")
        return text

    return BeforeValidator(read)


def _yes_or_no(value: object) -> bool:
    text = _as_text(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError("allowed are true and false")
    return text in _TRUE


def _statuses(value: object) -> frozenset[str]:
    """Read a comma list, or an array of TOML."""
    items = value if isinstance(value, list) else _as_text(value).split(",")
    found = {text for item in items if (text := _as_text(item).lower())}
    if not found or found & TERMINAL_STATUSES or not all(map(_STATUS.fullmatch, found)):
        raise ValueError(
            "allowed is a list of statuses with commas between, like queued,running,replicating,"
            f" but none that ends a job ({', '.join(sorted(TERMINAL_STATUSES))})"
        )
    return frozenset(found)


def _listen(value: object) -> tuple[str, int] | None:
    if _as_text(value).lower() == "off":
        return None
    host, colon, port = _as_text(value).rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    name = host[1:-1] if bracketed else host
    usable = colon and name and name.isascii() and name.isprintable() and not set(name) & set(" /@[]")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= len("65535") else -1
    if not usable or (":" in name) != bracketed or number not in _PORTS:
        raise ValueError("allowed is HOST:PORT, like 127.0.0.1:8082 or [::1]:8082, or off")
    return name, number


def _hosts(value: object) -> tuple[str, ...]:
    """Read a comma list, or an array of TOML."""
    items = value if isinstance(value, list) else _as_text(value).split(",")
    found = tuple(text for item in items if (text := _as_text(item).lower().rstrip(".")))
    if not found or not all(map(_HOST.fullmatch, found)):
        raise ValueError("allowed is a list of host names with commas between, like oma.example.net,oma")
    return found


def _line(value: object) -> str:
    if not isinstance(value, str) or not value.strip().isprintable() or not value.strip():
        raise ValueError("allowed is a text of one line")
    return value.strip()


def _token(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("allowed is printable ASCII without blanks")
    return text


def _path(value: object) -> Path:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("allowed is the path of a file")
    return Path(value)


yes_or_no = BeforeValidator(_yes_or_no)
statuses = BeforeValidator(_statuses)
listen = BeforeValidator(_listen)
hosts = BeforeValidator(_hosts)
line = BeforeValidator(_line)
token = BeforeValidator(_token)
path = BeforeValidator(_path)
