"""The size check: which files and functions it names."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "size_limits.py"


def check(*folders: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *folders], capture_output=True, text=True, check=False, timeout=30
    )


def function(name: str, lines: int, keyword: str = "def") -> str:
    """Source of a function that is `lines` lines long."""
    return f"{keyword} {name}():\n" + "    pass\n" * (lines - 1)


def test_files_and_functions_at_the_limit_are_allowed(tmp_path: Path) -> None:
    source = "".join(function(f"f{number}", 50) for number in range(6))
    (tmp_path / "just_right.py").write_text(source)

    done = check(tmp_path)

    assert (done.returncode, done.stdout) == (0, "")


def test_a_file_over_300_lines_is_named(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "long.py"
    path.parent.mkdir()
    path.write_text("x = 1\n" * 301)

    done = check(tmp_path)

    assert done.returncode == 1
    assert done.stdout == f"{path}:1: the file has 301 lines, allowed are 300\n"


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_function_over_50_lines_is_named_with_its_line(tmp_path: Path, keyword: str) -> None:
    path = tmp_path / "one.py"
    path.write_text("x = 1\n" + function("short", 50) + function("long", 51, keyword))

    done = check(tmp_path)

    assert done.returncode == 1
    assert done.stdout == f"{path}:52: long has 51 lines, allowed are 50\n"


def test_a_file_that_is_not_python_is_named_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "torn.py"
    path.write_text("x = 1\ndef (:\n")

    done = check(tmp_path)

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == f"{path}:2: not Python: invalid syntax\n"


def test_every_folder_named_is_looked_at(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / "long.py").write_text(function("long", 60))

    done = check(*folders)

    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    done = check(tmp_path / "nowhere")

    assert done.returncode == 2
    assert "not a folder" in done.stderr


def test_no_folder_at_all_is_wrong_usage() -> None:
    assert check().returncode == 2
