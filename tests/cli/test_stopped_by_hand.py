"""A job whose polling a person has stopped is told as such by `status` and `explain`."""

from collections.abc import Callable
from pathlib import Path

from api_world import api_world, moves, path_of, sqlite_oma, volume_of
from command_result import CommandResult
from patience import until
from scripted_vma import ScriptedVma

Command = Callable[..., CommandResult]


def test_a_job_that_was_stopped_by_hand_is_told_as_such(tmp_path: Path, command: Command) -> None:
    oma = sqlite_oma(tmp_path)
    oma.add_job("job-1", volume_of("job-1"))
    vma = ScriptedVma()
    moves(vma, "job-1", 2**29, 2**30)
    with api_world(tmp_path, oma, vma) as made:
        made.wait_for("job-1", observation="fresh")
        stop = path_of("job-1", "/api/v1/polling/", "/stop")
        assert made.ask(stop, "POST").status == 202
        made.wait_for("job-1", observation="parked")
        assert "stopped by hand" in command("status", "--url", made.url).out

        def explained() -> bool:  # once the stop is in the database, where `explain` reads it
            account = command("explain", "job-1", "--json", "--url", made.url).document
            return bool(
                account["next"]
                == "it is not polled: stopped by hand; it is polled again once somebody starts it"
                and account["written"].startswith("nothing: its polling is stopped by hand")
            )

        until(explained, "the explanation")
