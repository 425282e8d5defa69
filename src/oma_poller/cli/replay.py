"""`oma-poller replay FILE`: recorded polls through today's rules."""

from pathlib import Path
from typing import Annotated

import typer

from oma_poller.cli.options import AsJson
from oma_poller.cli.printing import say, say_json

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="What `oma-poller explain JOB --save FILE` wrote.")
]


def replay(file: File, *, as_json: AsJson = False) -> int:
    """Run the polls in FILE through the rules again; exit 1 where something is decided differently today."""
    from oma_poller.explain.flight_file import load  # noqa: PLC0415 - heavy
    from oma_poller.explain.replay import replay as run_again  # noqa: PLC0415 - heavy
    from oma_poller.logs import one_line  # noqa: PLC0415 - heavy

    recorded = load(file)
    replayed = [run_again(flight) for flight in recorded.flights]
    differ = sum(bool(one.differences) for one in replayed)
    if as_json:
        polls = [
            {
                "at": one.flight.at,
                "then": one.flight.decided,
                "now": one.decided,
                "differences": one.differences,
            }
            for one in replayed
        ]
        say_json({"job_id": recorded.job_id, "differ": differ, "polls": polls})
        return 1 if differ else 0
    say(f"Job {one_line(recorded.job_id)}: {differ} of {len(replayed)} polls decided differently today")
    for one in replayed:
        then = one.flight.decided
        percent = "no number" if then.percent_bp is None else f"{then.percent_bp / 100:.2f} %"
        same = "differs" if one.differences else "the same"
        said = f"{one_line(then.state)}, {one_line(then.observation)}, {percent}"
        say(f"  {one.flight.at:%Y-%m-%dT%H:%M:%SZ}  {same:<8}  {said}")
        for difference in one.differences:
            say(f"    differs: {one_line(difference)}")
    return 1 if differ else 0
