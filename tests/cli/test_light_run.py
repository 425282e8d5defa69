"""What `run` holds for good: nothing of what only other commands, other databases or nobody needs."""

import json
import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from urllib.request import urlopen

import pytest
from oma_database import OmaDatabase
from patience import PATIENCE_S, until
from poller_process import environment

from oma_poller.imports import unopened, without

UNUSED = (
    "alembic",
    "argparse",
    "click",
    "cryptography",
    "greenlet",
    "multiprocessing",
    "oma_poller.explain",
    "prometheus_client",
    "pygments",
    "pymysql",
    "rich",
    "sqlalchemy",
    "stringprep",
)
"""Packages, each of a third of a megabyte or more, and with what they import up to ten."""
PROGRAM = """
import sys
from oma_poller.__main__ import main
status = main(["run"])
print(*sorted(sys.modules))
sys.exit(status)
"""


def _modules_of_a_run(oma: OmaDatabase, cwd: Path, *paths: str) -> set[str]:
    """Return what a run has imported by its end, after its API was asked for *paths*."""
    settings = {"OMA_DATABASE_URL": oma.url, "OMA_API_LISTEN": "127.0.0.1:0", "LOG_FORMAT": "json"}
    log = cwd / "log"
    with log.open("w") as standard_error:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=cwd,
            env=environment(settings | {"VMA_PROGRESS_CLIENT_URL": os.environ["VMA_PROGRESS_CLIENT_URL"]}),
            stdout=subprocess.PIPE,
            stderr=standard_error,
            text=True,
        )
    until(lambda: '"API listening"' in log.read_text(), "the API")
    url = log.read_text().partition('"url": "')[2].partition('"')[0]
    for path in paths:
        with urlopen(url + path) as answer:  # noqa: S310 - the program's own address
            assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    return set(output.split())


@pytest.mark.usefixtures("vma")
def test_a_run_imports_nothing_that_it_does_not_use(oma: OmaDatabase, tmp_path: Path) -> None:
    modules = _modules_of_a_run(oma, tmp_path, "/", "/healthz", "/api/v1/progress", "/openapi.json")
    assert {"oma_poller.app", "oma_poller.web.app", "structlog", "uvicorn.server"} <= modules
    assert modules.isdisjoint(UNUSED)


@pytest.mark.usefixtures("vma")
def test_a_run_imports_the_library_of_the_metrics_when_they_are_asked_for(
    oma: OmaDatabase, tmp_path: Path
) -> None:
    assert "prometheus_client" in _modules_of_a_run(oma, tmp_path, "/metrics")


def test_a_package_is_hidden_in_a_block_and_found_after_it() -> None:
    with without("this"), pytest.raises(ModuleNotFoundError):
        import_module("this")
    assert "this" not in sys.modules


def test_a_package_that_is_imported_already_is_not_hidden() -> None:
    with without("json"):
        assert import_module("json") is json


def test_a_package_that_was_not_opened_is_found_whole_after_the_block() -> None:
    program = """
from oma_poller.imports import unopened
with unopened("wsgiref") as bare:
    import wsgiref.util
    assert bare.__doc__ is None and bare.util is wsgiref.util
import wsgiref
assert wsgiref.__doc__
with unopened("wsgiref") as whole:
    assert whole is wsgiref
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    with pytest.raises(ModuleNotFoundError), unopened("no_such_package"):
        pass
