"""The client against the progress server as a process, which is killed and started anew."""

import signal
from pathlib import Path

from agent_vma import Rounds
from loopback_vma import LoopbackVma, client
from vma_process import VmaProcess, vma_serve

from oma_poller.model.reading import Failure, Missing, Outcome, Reading
from oma_poller.vma.target import VmaTarget

KEYS = tuple(f"migration-vol-{number}" for number in range(30))


def report(server: VmaProcess, key: str, moved: int) -> None:
    """Report bytes under a key."""
    status, body = server.ask(
        "POST", f"/api/v1/progress/{key}/update", {"status": "running", "bytes_transferred": moved}
    )
    assert status == 200, body


def moved_bytes(outcomes: dict[str, Outcome]) -> dict[str, int]:
    return {key: got.bytes_transferred for key, got in outcomes.items() if isinstance(got, Reading)}


def test_a_server_that_is_killed_and_comes_back_is_followed_again(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state.db"))
    with vma_serve(*state) as first:
        for number, key in enumerate(KEYS):
            report(first, key, number)
        unused = LoopbackVma(lambda _: None)
        with client(VmaTarget("v", f"http://127.0.0.1:{first.port}"), timeout_s=5.0) as made:
            rounds = Rounds(*made, unused)
            rounds.ask(KEYS[0])
            assert moved_bytes(rounds.ask(*KEYS)) == {key: number for number, key in enumerate(KEYS)}
            first.end(signal.SIGKILL)
            assert {type(outcome) for outcome in rounds.ask(*KEYS).values()} == {Failure}
            listen = f"127.0.0.1:{first.port}"
            with vma_serve(*state, "--listen", listen) as second:
                report(second, KEYS[3], 333)
                second.ask("DELETE", f"/api/v1/progress/{KEYS[4]}")
                got = rounds.ask(*KEYS)
                assert got[KEYS[4]] == Missing()
                expected = {key: number for number, key in enumerate(KEYS) if number != 4} | {KEYS[3]: 333}
                assert moved_bytes(got) == expected
        unused.stop()
