"""The page of the fault matrix: it has every scenario, and only what a run has seen."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "faults_page.py"

SCENARIO = '''"""A group of faults."""

from fault_scenario import BOTH, scenario


@scenario(fault="It breaks | badly", must="It " "holds", engines=BOTH)
def test_that_it_holds(world):
    return "it held"
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with one scenario, the script, and results of both engines."""
    for folder in ("tests/faults", "build/faults", "docs", "tools"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "tests/faults/test_group.py").write_text(SCENARIO)
    (tmp_path / "tools/faults_page.py").write_text(SCRIPT.read_text("utf-8"))
    for engine in ("sqlite", "mariadb"):
        write_result(tmp_path, engine)
    return tmp_path


def write_result(project: Path, engine: str, **changes: str) -> None:
    row = {"fault": "It breaks | badly", "must": "It holds", "engine": engine, "seen": "it held"}
    place = project / f"build/faults/test_that_it_holds.{engine}.json"
    place.write_text(json.dumps(row | changes))


def run(project: Path, *arguments: str) -> tuple[int, str]:
    script = project / "tools/faults_page.py"
    done = subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, done.stderr


def last_row(project: Path) -> str:
    return (project / "docs/faults.md").read_text("utf-8").splitlines()[-1]


def test_a_scenario_seen_alike_on_both_engines_has_one_row(project: Path) -> None:
    assert run(project) == (0, "")
    assert last_row(project) == r"| It breaks \| badly | It holds | it held | SQLite, MariaDB |"
    assert "## A group of faults\n" in (project / "docs/faults.md").read_text("utf-8")
    assert run(project, "--check") == (0, "")


def test_what_differs_between_the_engines_is_shown_of_each(project: Path) -> None:
    write_result(project, "mariadb", seen="it bent")
    assert run(project)[0] == 0
    assert "| SQLite: it held / MariaDB: it bent |" in last_row(project)


@pytest.mark.parametrize("must", [None, "It held once"])
def test_a_scenario_without_a_result_of_its_text_makes_no_page(project: Path, must: str | None) -> None:
    if must is None:
        (project / "build/faults/test_that_it_holds.mariadb.json").unlink()
    else:
        write_result(project, "mariadb", must=must)
    status, told = run(project)
    assert status == 1
    assert "test_group.py: test_that_it_holds on mariadb" in told
    assert not (project / "docs/faults.md").exists()


def test_a_page_that_a_run_would_change_is_found(project: Path) -> None:
    assert run(project)[0] == 0
    write_result(project, "sqlite", seen="it fell")
    status, told = run(project, "--check")
    assert status == 1
    assert "docs/faults.md" in told


def test_wrong_usage_is_told(project: Path) -> None:
    assert run(project, "--chek") == (2, "usage: faults_page.py [--check]\n")


def test_the_page_of_this_project_has_every_scenario(project: Path) -> None:
    text = (ROOT / "docs/faults.md").read_text("utf-8")
    asked = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import faults_page, pathlib\n"
    asked += f"for f in sorted(pathlib.Path({str(ROOT / 'tests/faults')!r}).glob('test_*.py')):\n"
    asked += "    for s in faults_page.declared(f): print(s.fault, s.must, sep=' | ')"
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=30, cwd=project
    )
    rows = done.stdout.splitlines()
    assert len(rows) > 50
    assert [row for row in rows if f"| {row} |" not in text] == []
