"""The count check: a run that left tests out is not a good run."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "require_tests.py"


def check(junit: Path, expected: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, junit, expected], capture_output=True, text=True, check=False, timeout=30
    )


@pytest.fixture
def run_of_three(tmp_path: Path) -> Path:
    """Write what pytest itself reports after two tests passed and one was skipped."""
    (tmp_path / "test_three.py").write_text(
        "import pytest\n\ndef test_one(): pass\n\ndef test_two(): pass\n\n"
        "@pytest.mark.skip(reason='no server')\ndef test_three(): pass\n"
    )
    junit = tmp_path / "junit.xml"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={junit}",
            "test_three.py",
        ],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return junit


def junit_of(tmp_path: Path, names: list[str]) -> Path:
    junit = tmp_path / "passed.xml"
    cases = "".join(f'<testcase classname="tests.a" name="{name}"/>' for name in names)
    junit.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return junit


def number(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "expected.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("expected", ["1\n", "2\n"])
def test_as_many_tests_as_expected_or_more_are_good(tmp_path: Path, expected: str) -> None:
    done = check(junit_of(tmp_path, ["one", "two"]), number(tmp_path, expected))

    assert (done.returncode, done.stderr) == (0, "")


def test_fewer_tests_than_expected_fail(tmp_path: Path) -> None:
    done = check(junit_of(tmp_path, ["one", "two"]), number(tmp_path, "3\n"))

    assert done.returncode == 1
    assert "2 tests ran, expected are at least 3" in done.stdout
    assert "tests are missing" in done.stderr


def test_a_skipped_test_fails_by_name_even_where_enough_ran(tmp_path: Path, run_of_three: Path) -> None:
    done = check(run_of_three, number(tmp_path, "2\n"))

    assert done.returncode == 1
    assert done.stderr == "require_tests: skipped: test_three::test_three\n"


def test_a_skipped_test_does_not_count_as_run(tmp_path: Path, run_of_three: Path) -> None:
    done = check(run_of_three, number(tmp_path, "3\n"))

    assert "2 tests ran, expected are at least 3" in done.stdout
    assert "tests are missing" in done.stderr


def test_a_run_that_wrote_nothing_down_fails_in_one_line(tmp_path: Path) -> None:
    done = check(tmp_path / "missing.xml", number(tmp_path, "3\n"))

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("text", ["", "many"])
def test_an_expected_number_that_is_none_fails_in_one_line(tmp_path: Path, text: str) -> None:
    done = check(junit_of(tmp_path, ["one"]), number(tmp_path, text))

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_torn_report_fails_in_one_line(tmp_path: Path) -> None:
    junit = tmp_path / "torn.xml"
    junit.write_text("<testsuites><testsuite>")

    done = check(junit, number(tmp_path, "1"))

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
