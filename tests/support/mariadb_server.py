"""A real MariaDB server of the tests' own: own data folder, own port, gone at the end.

It runs in a time zone far from UTC, and with Latin-1 as its default, so that nothing can lean on either.
"""

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO

import pymysql

from oma_poller.database.address import DatabaseAddress, Engine

USER = "poller"
PASSWORD = "geheim-ż"  # noqa: S105  # of a server that lives for one test run on the loopback
TIME_ZONE = "+05:30"
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"))
_PROGRAMS = ("mariadbd", "mariadb-install-db", "my_print_defaults")
_STOP_S = 20.0
_ATTEMPTS = 3

_FAST = (
    "--skip-log-bin",
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--performance-schema=OFF",
    "--max-connections=60",
)


class ServerStartError(Exception):
    """The server did not start; the message ends with its last lines."""


def missing_programs() -> list[str]:
    """Return the programs a server needs that are not installed here."""
    return [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]


class MariadbServer:
    """A running server with *options* of its own. Call `stop` when done."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="oma-mariadb-"))
        self.unix_socket = str(self._folder / "s")
        self.port = 0
        self._names = itertools.count(1)
        self._lines: deque[str] = deque(maxlen=30)
        try:
            self._install()
            self._process = self._start()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def address(self, name: str) -> DatabaseAddress:
        """Return the address of the database *name* over TCP."""
        return DatabaseAddress(
            Engine.MYSQL, name, host="127.0.0.1", port=self.port, user=USER, password=PASSWORD
        )

    def create_database(self, options: str = "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci") -> str:
        """Make an empty database and return its name."""
        name = f"oma{next(self._names)}"
        self.query(f"CREATE DATABASE {name} {options}")
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database; connections to it are left to the server."""
        self.query(f"DROP DATABASE IF EXISTS {name}")

    def query(self, sql: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Run one statement as the server's root and return its rows."""
        link = pymysql.connect(
            unix_socket=self.unix_socket, user="root", database=database, charset="utf8mb4", autocommit=True
        )
        try:
            with link.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            link.close()

    def stop(self) -> None:
        """End the server and remove its folder."""
        self._end(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _install(self) -> None:
        command = [
            *self._program("mariadb-install-db"),
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=_environment())
        if done.returncode != 0:
            raise ServerStartError(f"mariadb-install-db failed: {(done.stdout + done.stderr)[-2000:]}")
        user = f"'{USER}'@'%'"
        (self._folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO {user};\n",
            "utf-8",
        )

    def _start(self) -> subprocess.Popen[str]:
        for _ in range(_ATTEMPTS):  # the port may be taken between being found and being used
            self.port = _free_port()
            process = self._launch()
            if process is not None:
                return process
        raise ServerStartError("mariadbd did not start: " + "".join(self._lines))

    def _launch(self) -> subprocess.Popen[str] | None:
        """Start the server on its port; return None where it does not come up."""
        process = subprocess.Popen(
            [
                *self._program("mariadbd"),
                *_FAST,
                *self._options,
                f"--socket={self.unix_socket}",
                f"--port={self.port}",
                "--bind-address=127.0.0.1",
                f"--pid-file={self._folder / 'pid'}",
                f"--default-time-zone={TIME_ZONE}",
                "--character-set-server=latin1",
                f"--init-file={self._folder / 'init.sql'}",
                "--init-connect=SET NAMES utf8mb4",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=_environment(),
        )
        if self._is_ready(process):
            return process
        self._end(process)
        return None

    def _is_ready(self, process: subprocess.Popen[str]) -> bool:
        """Read what the server says until it is ready, or gone; then go on reading on a thread."""
        pipe = process.stderr
        assert pipe is not None
        for line in pipe:
            self._lines.append(line)
            if "ready for connections" in line:
                threading.Thread(target=self._drain, args=(pipe,), daemon=True).start()
                return True
        return False

    def _drain(self, pipe: IO[str]) -> None:
        with pipe:
            self._lines.extend(pipe)

    def _program(self, name: str) -> list[str]:
        program = shutil.which(name, path=_PATH)
        assert program is not None
        # A server that starts removes the temporary tables it finds, so no two may share a folder for them.
        command = [
            program,
            "--no-defaults",
            f"--datadir={self._folder / 'data'}",
            f"--tmpdir={self._folder}",
        ]
        return [*command, "--user=root"] if os.geteuid() == 0 else command

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _PATH, "LC_ALL": "C.UTF-8"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
