"""What a poller holds in memory: nothing of what only other commands or other databases need."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from pathlib import Path
import oma_poller.app
from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.oma_schema import init
from oma_poller.database.source import SqlJobSource

address = DatabaseAddress(Engine.SQLITE, sys.argv[1])
init(address)
assert SqlJobSource(address, frozenset({"running"})).active() == []
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("package", ["pymysql", "cryptography", "sqlalchemy", "alembic"])
def test_a_poller_of_an_sqlite_database_does_without(
    package: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("light") / "oma.db"
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file)], capture_output=True, text=True, check=True
    )
    packages = run.stdout.split()
    assert "oma_poller" in packages
    assert package not in packages
