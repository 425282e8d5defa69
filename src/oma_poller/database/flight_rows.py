"""What `oma-poller explain` shows of the past: the recorded polls of one job, as they stand in our table."""

from collections.abc import Sequence
from contextlib import closing, suppress

import msgspec

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.capabilities import FLIGHTS, Capabilities, read_capabilities, require_usable
from oma_poller.database.connect import connect
from oma_poller.database.dialect import dialect_of
from oma_poller.database.driver_errors import translating
from oma_poller.database.flights import COLUMNS
from oma_poller.model.flight import Flight

_FLIGHTS = "SELECT flight FROM {flights} WHERE job_id = {mark} ORDER BY at, slot"
_DECODER = msgspec.json.Decoder(Flight)


def read_flights(address: DatabaseAddress, job_id: str) -> tuple[Flight, ...] | None:
    """Return the recorded polls of a job, the oldest first; None where there is no table for them.

    One that this version cannot read is left out. Raises DatabaseError where the database cannot be read.
    """
    with translating(address), closing(connect(address, autocommit=True)) as connection:
        has = read_capabilities(connection, address)
        require_usable(has, address)
        if not has.own_flights.has(*COLUMNS):
            return None
        with closing(connection.cursor()) as cursor:
            cursor.execute(_sql(has), (job_id,))
            cells = [row[0] for row in cursor.fetchall()]
    return _read(cells)


def _sql(has: Capabilities) -> str:
    return _FLIGHTS.format(flights=FLIGHTS, mark=dialect_of(has.engine).mark)


def _read(cells: Sequence[object]) -> tuple[Flight, ...]:
    flights = []
    for cell in cells:
        # What another version wrote, or somebody damaged, must not hide the rest.
        with suppress(msgspec.MsgspecError, UnicodeError, ValueError, OverflowError):
            flights.append(_DECODER.decode(cell if isinstance(cell, str | bytes) else b""))
    return tuple(flights)
