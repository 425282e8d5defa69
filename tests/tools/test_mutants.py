"""The mutation run: it finds what tests let pass, says so, and leaves the project alone."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = '''"""Limits."""

LIMIT = 3


def within(count: int) -> bool:
    """Whether it may be so many."""
    return count <= LIMIT
'''
GOOD_TEST = """from oma_poller.core.limits import within


def test_three_are_allowed_and_no_more() -> None:
    assert [within(count) for count in (2, 3, 4)] == [True, True, False]
"""
BLIND_TEST = """from oma_poller.core.limits import within


def test_it_says_something() -> None:
    assert within(2) is not within(9)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with one rule and one test that knows its border."""
    for folder in ("src/oma_poller/core", "tests/core"):
        (tmp_path / folder).mkdir(parents=True)
    for package in ("src/oma_poller", "src/oma_poller/core"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "src/oma_poller/core/limits.py").write_text(MODULE)
    (tmp_path / "tests/core/test_limits.py").write_text(GOOD_TEST)
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def run(project: Path, *arguments: str) -> tuple[int, list[str], str]:
    """Return the exit status, the lines, and what was said on standard error."""
    command = [sys.executable, "-m", "tools.mutants", "--root", str(project), "--processes", "1"]
    done = subprocess.run(
        [*command, "--each", "99", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_test_that_knows_the_border_catches_every_mistake(project: Path) -> None:
    status, lines, errors = run(project)
    assert (status, errors) == (0, "")
    caught = "killed by tests/core/test_limits.py::test_three_are_allowed_and_no_more"
    assert f"limits.py:8: count <= LIMIT -> count < LIMIT: {caught}" in lines
    assert f"limits.py:3: 3 -> 4: {caught}" in lines
    assert lines[-1] == "3 mutants (seed 4), 3 killed, 0 survived"
    assert (project / "src/oma_poller/core/limits.py").read_text() == MODULE


def test_a_mistake_that_no_test_notices_is_named_and_fails_the_run(project: Path) -> None:
    (project / "tests/core/test_limits.py").write_text(BLIND_TEST)
    status, lines, _ = run(project)
    assert status == 1
    assert "limits.py:8: count <= LIMIT -> count < LIMIT: SURVIVED" in lines
    assert lines[-1] == "3 mutants (seed 4), 1 killed, 2 survived"


def test_the_same_seed_draws_the_same_mistakes(project: Path) -> None:
    drawn = [run(project, "--each", "1", "--seed", "7")[1] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 2


def test_a_test_that_fails_anyway_proves_nothing(project: Path) -> None:
    (project / "tests/core/test_limits.py").write_text("def test_it() -> None:\n    assert False\n")
    status, lines, errors = run(project)
    assert (status, lines) == (1, [])
    assert errors == "without any mutant tests/core/test_limits.py::test_it fails: mend that first\n"


def test_a_module_that_is_not_there_is_named_with_those_that_are(project: Path) -> None:
    status, _, errors = run(project, "limit")
    assert status == 2
    assert "MODULE: wrong value 'limit': expected one of limits" in errors
