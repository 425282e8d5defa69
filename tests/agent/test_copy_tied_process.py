"""Tools as children: how they end, what they say last, and that they cannot outlive us."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from copier_process import is_gone
from patience import until

from oma_poller.agent.copier.tied_process import ToolEnd, ask_tool, run_tool
from oma_poller.errors import CopyError

SHELL = "/bin/sh"


def run(script: str, on_output: Callable[[bytes], None] = lambda _: None) -> ToolEnd:
    """Run a shell script as a tool."""
    return asyncio.run(run_tool("tool", [SHELL, "-c", script], on_output))


def test_output_and_exit_status_are_handed_on() -> None:
    output = bytearray()
    end = run("echo one; echo two; exit 3", output.extend)
    assert bytes(output) == b"one\ntwo\n"
    assert end.reason == "tool ended with exit status 3"


def test_the_last_lines_of_errors_are_its_last_words() -> None:
    end = run("for n in 1 2 3 4 5 6 7; do echo line $n >&2; done; printf 'no\\033 newline' >&2; exit 1")
    assert end.reason == "tool ended with exit status 1: line 4; line 5; line 6; line 7; no? newline"


def test_last_words_are_bounded() -> None:
    end = run("yes long | head -c 3000000 | tr -d '\\n' >&2; exit 1")
    assert len(end.words) == 500


def test_a_tool_that_is_killed_is_told_so() -> None:
    assert run("echo dying >&2; kill -9 $$").reason == "tool was killed by SIGKILL: dying"


def test_a_path_before_each_line_is_left_out() -> None:
    assert run(f"echo '{SHELL}: it broke' >&2; exit 1").words == "it broke"


def test_a_question_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(CopyError, match=r"sh gave no answer within 0\.2 s"):
        asyncio.run(ask_tool([SHELL, "-c", "exec sleep 60"], 0.2, lambda _: None))


def test_what_is_said_to_the_output_stops_the_tool() -> None:
    def refuse(_: bytes) -> None:
        raise CopyError("not understood")

    with pytest.raises(CopyError, match="not understood"):
        run("echo nonsense; exec sleep 60", refuse)


def test_a_cancelled_tool_has_ended_even_if_it_does_not_want_to() -> None:
    pids: list[int] = []

    async def cancel_once_it_runs() -> None:
        started = asyncio.Event()

        def take(chunk: bytes) -> None:
            pids.append(int(chunk))
            started.set()

        script = "trap '' TERM; echo $$; while :; do sleep 60 & wait; done"
        async with asyncio.TaskGroup() as group:
            task = group.create_task(run_tool("tool", [SHELL, "-c", script], take))
            await started.wait()
            task.cancel()

    asyncio.run(cancel_once_it_runs())
    assert is_gone(pids[0])


PARENT = """
import asyncio
from oma_poller.agent.copier.tied_process import run_tool
script = "trap '' TERM INT HUP; echo $$; exec sleep 60"
asyncio.run(run_tool("tool", ["/bin/sh", "-c", script], lambda chunk: print(chunk.decode(), flush=True)))
"""


def test_a_tool_dies_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        tool = int(parent.stdout.readline())
        assert not is_gone(tool)
        parent.kill()
    until(lambda: is_gone(tool), "the end of the tool")


def test_a_tool_whose_parent_died_just_before_does_not_begin() -> None:
    from oma_poller.agent.copier import tied_process  # noqa: PLC0415 - the one test that looks inside

    leash = [sys.executable, "-I", "-S", "-c", tied_process._LEASH]
    stranger = str(os.getppid())
    end = subprocess.run(
        [*leash, stranger, "/bin/echo", "began"], capture_output=True, text=True, check=False
    )
    assert (end.returncode, end.stdout, end.stderr) == (1, "", "the parent is gone\n")
