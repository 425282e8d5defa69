"""The recorder keeps what a VMA said, to the letter, until the copy has ended."""

import json
import subprocess
import sys
from itertools import count
from pathlib import Path

from scripted_vma import ScriptedVma, entry, serving

SCRIPT = Path(__file__).parents[2] / "tools" / "record_copy.py"


def run(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_each_reply_is_kept_as_it_came_until_the_copy_has_ended(tmp_path: Path) -> None:
    replies = count()

    def answer(key: str) -> tuple[int, bytes, dict[str, str]]:
        number = next(replies)
        if number < 2:
            return 404, b"404 job not found\n", {}
        status = "in_progress" if number < 5 else "completed"
        body = json.dumps(entry(key, status=status, bytes_transferred=number), indent=None) + "\n"
        return 200, body.replace(": ", ":  ").encode(), {}

    file = tmp_path / "copy.jsonl"
    vma = ScriptedVma()
    vma.answer = answer
    with serving(vma) as url:
        status, told, _ = run("key-1", "--vma", url, "--interval", "0.01", "--out", str(file))
    assert (status, told) == (0, f"{file}: 6 replies\n")
    heading, *lines = file.read_text("utf-8").splitlines()
    assert json.loads(heading).keys() == {"began_at", "interval_s", "keys"}
    kept = [json.loads(line) for line in lines]
    assert [line["body"]["bytes_transferred"] for line in kept] == [2, 3, 4, 5, 6, 7]
    assert all('"bytes_transferred":  ' in line for line in lines)
    assert kept[0]["at_s"] == 0.0
    moments = [line["at_s"] for line in kept]
    assert moments == sorted(moments)


def test_nothing_to_record_is_told_by_the_exit_status(tmp_path: Path) -> None:
    file = tmp_path / "copy.jsonl"
    with serving(ScriptedVma()) as url:
        asked = ("--vma", url, "--interval", "0.01", "--longest", "0.05", "--out", str(file))
        assert run("key-1", *asked)[:2] == (1, f"{file}: 0 replies\n")


def test_a_wrong_address_or_interval_is_told_in_a_line(tmp_path: Path) -> None:
    file = str(tmp_path / "copy.jsonl")
    assert run("key-1", "--vma", "ftp://vma", "--out", file)[2] == (
        "--vma: wrong value 'ftp://vma': expected http://HOST[:PORT]\n"
    )
    status, _, errors = run("key-1", "--interval", "0", "--out", file)
    assert status == 2
    assert errors.endswith("--interval: wrong value 0: expected more than 0\n")
