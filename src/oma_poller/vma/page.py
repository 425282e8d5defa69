"""A page of a VMA's bulk reply: what changed after a cursor.

`{"cursor", "complete", "full", "entries": [entry, …], "deleted": [key, …]}`. Entries are decoded by the same
rules as a single reply, each for the key that it echoes.
"""

import json
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from oma_poller.model.reading import Outcome
from oma_poller.vma.entry import WireEntry
from oma_poller.vma.wire import decode

LIST_PATH = "/api/v1/progress"
PAGE_ENTRIES = 1000
"""Asked for in one page; the server cuts it sooner where it would be larger than the body limit."""
_CURSOR_LIMIT = 500
"""Characters of a cursor that are sent back; a longer one is none."""

Told = WireEntry | Outcome
"""What a page says of a key: an entry that was decoded but not read yet, or what its bytes came to."""


class Page(Struct, gc=False):
    """One page."""

    cursor: str
    complete: bool
    """Whether nothing more is known after `cursor`."""
    full: bool
    """Whether this is the beginning of a whole list: what was known before counts no longer."""
    told: list[tuple[str, Told]]
    """Entries that are new or changed, by key."""
    deleted: list[str]


class _Head(Struct, gc=False):
    cursor: str
    complete: bool
    full: bool
    deleted: list[str]


class _Typed(_Head, gc=False):
    entries: list[WireEntry]


class _Sliced(_Head, gc=False):
    entries: list[msgspec.Raw]


class _Loose(_Head, gc=False):
    entries: list[dict[str, Any]]


class _Named(Struct, gc=False):
    job_id: str


_TYPED = msgspec.json.Decoder(_Typed)
_SLICED = msgspec.json.Decoder(_Sliced)
_NAMED = msgspec.json.Decoder(_Named)


class _NoPageError(Exception):
    """The bytes are no page of this form. It never leaves this module."""


def page_path(cursor: str | None) -> str:
    """Return the path that asks for what changed after `cursor`, or for everything."""
    since = "" if cursor is None else f"&since={quote(cursor, safe='')}"
    return f"{LIST_PATH}?limit={PAGE_ENTRIES}{since}"


def read_page(body: bytes) -> Page | None:
    """Read the body of a 200 reply; None where it is no page. Never raises, whatever the bytes.

    An entry that cannot be decoded becomes the failure of its own key. One that names no key makes the
    page none: nobody could tell which key is not as it was.
    """
    try:
        return _typed(body) or _sliced(body) or _loose(body)
    except _NoPageError:
        return None


def _typed(body: bytes) -> Page | None:
    """Read a page whose entries all have the right form, in one go."""
    try:
        if not body.isascii():
            body.decode()  # the decoder skips what it does not read, invalid UTF-8 included
        page = _TYPED.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    told: list[tuple[str, Told]] = []
    for entry in page.entries:
        told.append((_checked(entry.job_id), entry))
        entry.job_id = None  # it is kept beside the entry
    return _page(page, told)


def _sliced(body: bytes) -> Page | None:
    """Read a page entry by entry: what is wrong with one harms no other."""
    try:
        page = _SLICED.decode(body)
        named = [(_checked(_NAMED.decode(entry).job_id), bytes(entry)) for entry in page.entries]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return _page(page, [(key, decode(entry, key)) for key, entry in named])


def _loose(body: bytes) -> Page:
    """Read a page that is JSON only by Python's own parser, which takes NaN and lone surrogates."""
    try:
        page = msgspec.convert(json.loads(body), _Loose)
        named = [(_checked(entry.get("job_id")), json.dumps(entry).encode()) for entry in page.entries]
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise _NoPageError from error
    return _page(page, [(key, decode(entry, key)) for key, entry in named])


def _checked(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise _NoPageError
    return key


def _page(head: _Head, told: list[tuple[str, Told]]) -> Page:
    if not (0 < len(head.cursor) <= _CURSOR_LIMIT and head.cursor.isprintable()):
        raise _NoPageError
    if head.deleted and not {key for key, _ in told}.isdisjoint(head.deleted):
        raise _NoPageError  # a key that is both there and deleted leaves open what is true
    return Page(head.cursor, head.complete, head.full, told, head.deleted)
