"""Recorded polls as rows of `oma_poller_flights`: two rings a job, of what happened and of how it stood."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from functools import partial

import msgspec

from oma_poller.clock import Clock, SystemClock
from oma_poller.database.address import DatabaseAddress
from oma_poller.database.capabilities import Capabilities
from oma_poller.database.dialect import Dialect, dialect_of
from oma_poller.database.fitting import Row
from oma_poller.database.flight_sweep import FlightSweep
from oma_poller.database.history import stored_moment
from oma_poller.database.relation import Join
from oma_poller.database.session import Link, Session
from oma_poller.database.statements import JOB
from oma_poller.model.flight import Flight, Recorded

ORDINARY_SLOTS = range(4)
"""Polls in which nothing happened."""
EVENTFUL_SLOTS = range(4, 20)
LONGEST_BYTES = 256 * 2**10
"""A flight that is longer as text is not kept: a job of hundreds of disks, or a damaged one."""
BYTES_A_STATEMENT = 2**20
"""Text that one statement takes, so that no server refuses it for its length."""
MOST_KNOWN = 20_000
"""Jobs whose next slots are remembered; those of others are read."""

COLUMNS = ("job_id", "slot", "at", "flight")
_ENCODER = msgspec.json.Encoder()

Turns = tuple[int, int]
"""How many flights of each ring were written, or as many as make the next slot right: ordinary, eventful."""


class SqlFlightLog:
    """A FlightLog on the OMA's database, over a connection of its own: a flush never waits for its end."""

    def __init__(self, address: DatabaseAddress, clock: Clock | None = None) -> None:
        self._session = Session(address, autocommit=False)
        self._dialect = dialect_of(address.engine)
        self._sweep = FlightSweep(self._dialect, clock or SystemClock())
        self._turns: dict[str, Turns] = {}

    def open(self) -> bool:
        """Return whether `oma-poller db upgrade` has made the table. Raises DatabaseError and its kinds."""
        return self._session.run(lambda link: link.capabilities.own_flights.has(*COLUMNS))

    def write(self, recorded: Sequence[Recorded]) -> int:
        """Write flights, a transaction a statement; return how many. Raises DatabaseError and its kinds."""
        return sum(self._session.run(partial(self._put, texts=texts)) for texts in _pieces(recorded))

    def sweep(self) -> int:
        """Delete flights of jobs that are gone; return how many. Raises DatabaseError and its kinds."""
        return self._sweep.step(self._session)

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        self._session.close()

    def _put(self, link: Link, *, texts: Sequence[tuple[Recorded, str]]) -> int:
        has = link.capabilities
        if not has.own_flights.has(*COLUMNS):
            return 0
        rows, turns = _rows(texts, self._turns_before(link, {one.flight.job.id for one, _ in texts}))
        with closing(link.connection.cursor()) as cursor:
            if self._dialect.begin is not None:
                cursor.execute(self._dialect.begin)
            self._dialect.run(cursor, _upsert(has, self._dialect), rows)
        link.connection.commit()
        self._remember(turns)
        return len(rows)

    def _turns_before(self, link: Link, job_ids: AbstractSet[str]) -> dict[str, Turns]:
        unknown = job_ids - self._turns.keys()
        read = self._read_turns(link, sorted(unknown)) if unknown else {}
        return {job_id: self._turns.get(job_id) or read.get(job_id, (0, 0)) for job_id in job_ids}

    def _read_turns(self, link: Link, job_ids: Sequence[str]) -> dict[str, Turns]:
        """Return where the rings of these jobs stand: after the newest flight of each."""
        table = link.capabilities.own_flights
        job_id = table.columns["job_id"]
        given = self._dialect.asked({JOB: job_id})
        join = Join(table.name, "f", f"f.job_id = {self._dialect.stored(given.fields[JOB], job_id)}")
        sql = self._dialect.select(["f.job_id", "f.slot", "f.at"], given.relation, join, ())
        asked: list[Row] = [[one] for one in job_ids]
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(sql, (self._dialect.parameter(asked),))
            found = [(str(job), int(slot), str(at)) for job, slot, at in cursor.fetchall()]
        link.connection.rollback()
        return _turns_of(found)

    def _remember(self, turns: dict[str, Turns]) -> None:
        self._turns |= turns
        while len(self._turns) > MOST_KNOWN:
            del self._turns[next(iter(self._turns))]


def flight_text(flight: Flight) -> str | None:
    """Return a flight as it is stored; None for one that cannot be."""
    try:
        text = _ENCODER.encode(flight)
    except (msgspec.MsgspecError, UnicodeError, ValueError, OverflowError):
        return None
    return text.decode() if len(text) <= LONGEST_BYTES else None


def _pieces(recorded: Iterable[Recorded]) -> Iterator[list[tuple[Recorded, str]]]:
    """Yield the flights that can be stored, with their texts, as many at a time as a statement takes."""
    piece: list[tuple[Recorded, str]] = []
    length = 0
    for one in recorded:
        text = flight_text(one.flight)
        if text is None:
            continue
        if piece and length + len(text) > BYTES_A_STATEMENT:
            yield piece
            piece, length = [], 0
        piece.append((one, text))
        length += len(text)
    if piece:
        yield piece


def _rows(
    texts: Iterable[tuple[Recorded, str]], turns: dict[str, Turns]
) -> tuple[list[Row], dict[str, Turns]]:
    """Return the rows of flights, sorted by their key, and where the rings of their jobs stand then."""
    rows: dict[tuple[str, int], Row] = {}
    for one, text in texts:
        job_id = one.flight.job.id
        ordinary, eventful = turns[job_id]
        if one.is_eventful:
            slot, turns[job_id] = _slot(EVENTFUL_SLOTS, eventful), (ordinary, eventful + 1)
        else:
            slot, turns[job_id] = _slot(ORDINARY_SLOTS, ordinary), (ordinary + 1, eventful)
        rows[job_id, slot] = [job_id, slot, stored_moment(one.flight.at), text]
    return [rows[key] for key in sorted(rows)], turns


def _slot(ring: range, turn: int) -> int:
    return ring[turn % len(ring)]


def _turns_of(found: Iterable[tuple[str, int, str]]) -> dict[str, Turns]:
    """Return where rings stand, by (job, slot, moment) of their rows; the moments sort as texts."""
    newest: dict[tuple[str, bool], tuple[str, int]] = {}
    for job_id, slot, at in found:
        ring = (job_id, slot in EVENTFUL_SLOTS)
        newest[ring] = max(newest.get(ring, ("", 0)), (at, slot))
    turns: dict[str, Turns] = {}
    for (job_id, is_eventful), (_, slot) in newest.items():
        ordinary, eventful = turns.get(job_id, (0, 0))
        if is_eventful:
            turns[job_id] = (ordinary, slot - EVENTFUL_SLOTS.start + 1)
        else:
            turns[job_id] = (slot + 1, eventful)
    return turns


def _upsert(has: Capabilities, dialect: Dialect) -> str:
    table, job_id = has.own_flights, has.jobs.columns["id"]
    values = {name: table.columns[name] for name in COLUMNS[1:]}
    given = dialect.written({JOB: job_id, **values})
    sets = {"job_id": "j.id"}
    sets |= {name: dialect.stored(given.fields[name], column) for name, column in values.items()}
    join = Join(has.jobs.name, "j", f"j.id = {dialect.stored(given.fields[JOB], job_id)}")
    return dialect.upsert(table.name, "job_id, slot", sets, (given.relation, join))
