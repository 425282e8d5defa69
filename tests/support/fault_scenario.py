"""What makes a test a row of the fault matrix: what goes wrong, what must hold, and what was seen."""

import functools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_world import FaultWorld

RESULTS = Path(__file__).parents[2] / "build" / "faults"
"""One file a scenario and engine, written when it has passed; `tools/faults_page.py` makes the page."""

SQLITE, MARIADB = "sqlite", "mariadb"
BOTH = (SQLITE, MARIADB)


def scenario(
    *, fault: str, must: str, engines: tuple[str, ...] = (SQLITE,)
) -> Callable[[Callable[[FaultWorld], str]], Callable[[FaultWorld], None]]:
    """Run a function as a scenario on each engine; it returns what was seen, in the same words each time."""

    def decorate(function: Callable[[FaultWorld], str]) -> Callable[[FaultWorld], None]:
        @functools.wraps(function)
        def run(world: FaultWorld) -> None:
            place = RESULTS / f"{function.__name__}.{world.engine}.json"
            place.unlink(missing_ok=True)
            seen = function(world)
            row = {"fault": fault, "must": must, "engine": world.engine, "seen": seen}
            RESULTS.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(row), "utf-8")

        marks = [pytest.param(name, marks=pytest.mark.mariadb if name == MARIADB else ()) for name in engines]
        return pytest.mark.parametrize("world", marks, indirect=True)(run)

    return decorate
