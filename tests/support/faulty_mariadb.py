"""A MariaDB server that can be killed, stopped, started again and narrowed, and what it has to keep."""

import signal
from urllib.parse import quote

from mariadb_server import MariadbServer, ServerStartError
from oma_database import OmaDatabase

MOST_CONNECTIONS = 60
_STARTS = 5


class FaultyMariadb(MariadbServer):
    """A commit survives kill -9, as it does on an OMA."""

    def __init__(self) -> None:
        super().__init__("--innodb-flush-log-at-trx-commit=2", f"--max-connections={MOST_CONNECTIONS}")

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def shut_down(self) -> None:
        """End it in order; its folder stays."""
        self._end(self._process)

    def start_again(self) -> None:
        """Start it on the port and the folder it had."""
        for _ in range(_STARTS):
            process = self._launch()
            if process is not None:
                self._process = process
                return
        raise ServerStartError("mariadbd did not start again: " + "".join(self._lines))

    def freeze(self) -> None:
        """Let it take connections and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def heal(self) -> None:
        """Bring it back to what it was at first, whatever a scenario that broke off left."""
        self.thaw()
        if self._process.poll() is not None:
            self.start_again()
        self.query("SET GLOBAL read_only = 0")
        self.query(f"SET GLOBAL max_connections = {MOST_CONNECTIONS}")

    def add_user(self, name: str, password: str, database: str) -> None:
        """Make a user who may do in *database* what an OMA lets a program do, and nothing beside it."""
        self.query(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'")
        self.query(f"GRANT ALL ON {database}.* TO '{name}'@'%'")

    def drop_user(self, name: str) -> None:
        """Remove a user."""
        self.query(f"DROP USER IF EXISTS '{name}'@'%'")

    def connections_of(self, name: str) -> list[int]:
        """Return the ids of a user's connections."""
        rows = self.query(f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{name}'")  # noqa: S608  # the test's own name
        return [int(str(row[0])) for row in rows]


class RestrictedOma(OmaDatabase):
    """An OMA whose program has a login of its own, while the test may do everything."""

    def __init__(self, server: FaultyMariadb, user: str, password: str) -> None:
        self.server = server
        self.user = user
        self.password = password
        self.name = server.create_database()
        super().__init__(server.address(self.name))
        server.add_user(user, password, self.name)

    @property
    def url(self) -> str:
        """The address as `OMA_DATABASE_URL` has it."""
        login = f"{self.user}:{quote(self.password)}" if self.password else self.user
        return f"mysql://{login}@127.0.0.1:{self.server.port}/{self.name}"

    def close(self) -> None:
        """Drop what this OMA made."""
        self.server.drop_user(self.user)
        self.server.drop_database(self.name)
