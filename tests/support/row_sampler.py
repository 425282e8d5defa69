"""Reads the rows of an OMA's database over and over, also while that fails most of the time."""

import sqlite3
from contextlib import closing, suppress
from threading import Event, Thread
from typing import Any

import pymysql
from oma_database import OmaDatabase
from row_promises import DISKS_SQL, JOBS_SQL, Row, RowPromises

from oma_poller.database.address import Engine

_PACE_S = 0.05
_READ_S = 1
_FAILURES = (sqlite3.Error, pymysql.MySQLError, OSError)


class RowSampler:
    """A thread of its own, with a connection of its own, from `begin` to `end`."""

    def __init__(self, oma: OmaDatabase, promises: RowPromises) -> None:
        self._oma = oma
        self._promises = promises
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._link: Any = None
        self.samples = 0

    def begin(self) -> None:
        """Sample from now on."""
        self._thread.start()

    def end(self) -> None:
        """Take a last sample, and stop."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_PACE_S):
            self._sample()
        self._sample()
        self._hang_up()

    def _sample(self) -> None:
        try:
            if self._link is None:
                self._link = self._connect()
            jobs, disks = self._rows(JOBS_SQL), self._rows(DISKS_SQL)
        except _FAILURES:
            self._hang_up()
            return
        self._promises.take(jobs, disks)
        self.samples += 1

    def _connect(self) -> Any:  # noqa: ANN401  # a connection of either driver
        address = self._oma.address
        if address.engine is Engine.SQLITE:
            return sqlite3.connect(
                f"file:{address.name}?mode=ro",
                uri=True,
                timeout=0.02,
                isolation_level=None,
                check_same_thread=False,
            )
        return pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password.encode(),  # as text it would have to be Latin-1
            database=address.name,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=1,
            read_timeout=_READ_S,
        )

    def _rows(self, sql: str) -> list[Row]:
        with closing(self._link.cursor()) as cursor:
            cursor.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with suppress(*_FAILURES):
                link.close()
