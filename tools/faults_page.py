"""Makes docs/faults.md, the table of faults, from what a run of tests/faults wrote down.

Usage: python tools/faults_page.py [--check]

With --check nothing is written; the exit status is 1 where the page is not what the run would make of it.
"""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SCENARIOS, RESULTS, PAGE = "tests/faults", "build/faults", "docs/faults.md"
ENGINES = {"sqlite": "SQLite", "mariadb": "MariaDB"}
_NAMED = {"SQLITE": ("sqlite",), "MARIADB": ("mariadb",), "BOTH": ("sqlite", "mariadb")}
_HEAD = """# The fault matrix

What this program does when something goes wrong, as a run of the tests in `tests/faults` saw it. Each row is
a scenario with real processes: the real command, a real MariaDB server or SQLite file, and a scripted VMA.
Time is short by configuration only: mostly an interval of 200 ms, with grace, hold and stall to match.

In every one of them, all rows are read twenty times a second, and these must hold at each moment:

- no job is completed, failed or cancelled that the VMA, or the OMA, did not end so;
- a terminal row never changes again;
- percent is within 0 to 100, and 100 only when completed; bytes, totals and speeds are within 0 to 2^63-1;
  an ETA is null or more than 0; the same for each disk;
- percent and bytes never go back within a run;
- the poller's memory stays bounded, its log is short and has no traceback, and SIGTERM ends it with exit 0.

"Threads and open files back to the start" compares what the process holds after the fault with what it held
before: the same threads, no more files and database connections, at most 10 connections to the VMA.

This page is made by `python tools/faults_page.py` after `make test ARGS=tests/faults`. Figures that differ
from run to run are given as the bounds that the scenario holds them to.
"""


class Scenario(NamedTuple):
    """A row as its test declares it."""

    name: str
    fault: str
    must: str
    engines: tuple[str, ...]


def declared(file: Path) -> Iterator[Scenario]:
    """Yield the scenarios of a test file, without running it."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "scenario":
                given = {word.arg: word.value for word in call.keywords}
                fault, must = ast.literal_eval(given["fault"]), ast.literal_eval(given["must"])
                yield Scenario(node.name, fault, must, _engines(given.get("engines")))


def _engines(node: ast.expr | None) -> tuple[str, ...]:
    if node is None:
        return _NAMED["SQLITE"]
    names = node.elts if isinstance(node, ast.Tuple) else [node]
    return tuple(engine for name in names if isinstance(name, ast.Name) for engine in _NAMED[name.id])


def seen(scenario: Scenario, results: Path) -> dict[str, str | None]:
    """Return what was seen on each engine; None where the run has nothing of it, or of an older text."""
    return {
        engine: _seen(scenario, results / f"{scenario.name}.{engine}.json") for engine in scenario.engines
    }


def _seen(scenario: Scenario, place: Path) -> str | None:
    if not place.is_file():
        return None
    row = json.loads(place.read_text("utf-8"))
    told = (row["fault"], row["must"]) == (scenario.fault, scenario.must)
    return str(row["seen"]) if told else None


def page(root: Path) -> tuple[str, list[str]]:
    """Return the page, and the scenarios of which the run has no result."""
    parts, missing = [_HEAD], []
    for file in sorted((root / SCENARIOS).glob("test_*.py")):
        rows = []
        for scenario in declared(file):
            found = seen(scenario, root / RESULTS)
            missing += [
                f"{file.name}: {scenario.name} on {name}" for name, text in found.items() if text is None
            ]
            rows.append(_row(scenario, {name: text or "" for name, text in found.items()}))
        if rows:
            parts.append(_section(file, rows))
    return "\n".join(parts), missing


def _section(file: Path, rows: list[str]) -> str:
    about = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or file.stem
    head = "| fault | what must hold | what was seen | engines |\n|---|---|---|---|"
    return f"## {about.splitlines()[0].rstrip('.')}\n\n{head}\n" + "\n".join(rows) + "\n"


def _row(scenario: Scenario, found: dict[str, str]) -> str:
    texts = set(found.values())
    shown = texts.pop() if len(texts) == 1 else " / ".join(f"{ENGINES[e]}: {t}" for e, t in found.items())
    engines = ", ".join(ENGINES[engine] for engine in scenario.engines)
    cells = (scenario.fault, scenario.must, shown, engines)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write or check the page; the exit status: 0 good, 1 something is missing or differs, 2 wrong usage."""
    if arguments not in ([], ["--check"]):
        print("usage: faults_page.py [--check]", file=sys.stderr)
        return 2
    text, missing = page(root)
    for name in missing:
        print(f"faults_page: no result of {name}; run: make test ARGS=tests/faults", file=sys.stderr)
    if missing:
        return 1
    place = root / PAGE
    if not arguments:
        place.write_text(text, "utf-8")
    elif not place.is_file() or place.read_text("utf-8") != text:
        print(
            f"faults_page: {PAGE} is not what the run has seen; run: python tools/faults_page.py",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
