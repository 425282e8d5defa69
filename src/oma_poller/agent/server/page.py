"""The list of entries, whole or what changed after a cursor, in pages."""

import msgspec
from msgspec import Struct

from oma_poller.agent.server.cursor import Cursor
from oma_poller.agent.server.ledger import Ledger

PAGE_ENTRIES = 1000
"""Entries and deletions of a page where the client names no limit."""
PAGE_LIMIT = 10_000
PAGE_BYTES = 900_000
"""A page is cut where it would be longer: clients refuse replies of more than 1 MiB."""


class Page(Struct, frozen=True):
    """One page."""

    cursor: Cursor
    """Where the next page, or the next look, begins."""
    complete: bool
    """Whether nothing more is known after `cursor`."""
    full: bool
    """Whether the client must forget what it had: this is the beginning of a whole list."""
    entries: list[bytes]
    deleted: list[str]


def page(ledger: Ledger, epoch: str, since: Cursor | None, limit: int) -> Page:
    """Return what changed after `since`; all from the beginning where that is None, unknown or too old."""
    known = since is not None and since.epoch == epoch and ledger.floor <= since.version <= ledger.version
    after = since.version if since is not None and known else 0
    changes = ledger.changes(after, deletions=known)
    complete = len(changes) <= limit
    entries: list[bytes] = []
    deleted: list[str] = []
    size = 0
    for version, key, slot in changes[:limit]:
        body = ledger.body(slot) if slot else b""
        size += len(body) + len(key)
        if size > PAGE_BYTES and (entries or deleted):
            complete = False
            break
        after = version
        if slot:
            entries.append(body)
        else:
            deleted.append(key)
    end = ledger.version if complete else after
    return Page(Cursor(epoch, end), complete, not known, entries, deleted)


def encoded_page(part: Page) -> bytes:
    """Return a page's JSON; the entries are in it as they were encoded before."""
    head = msgspec.json.encode({"cursor": str(part.cursor), "complete": part.complete, "full": part.full})
    deleted = msgspec.json.encode(part.deleted)
    return b"".join((head[:-1], b',"entries":[', b",".join(part.entries), b'],"deleted":', deleted, b"}\n"))
